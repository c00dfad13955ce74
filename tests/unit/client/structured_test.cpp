// The value that requests a schema, and the error for an answer that a parser refused.
#include <holysheep/structured.hpp>

#include <gtest/gtest.h>

namespace holysheep::client {
namespace {

TEST(JsonSchema, IsStrictByDefault) {
    const auto format = json_schema("wool", R"({"type":"object"})");
    EXPECT_EQ(format.kind, ResponseFormat::Kind::json_schema);
    EXPECT_EQ(format.name, "wool");
    EXPECT_EQ(format.schema_json, R"({"type":"object"})");
    EXPECT_EQ(format.strict, true);
    EXPECT_EQ(json_schema("wool", "{}", false).strict, false);
}

TEST(WrongShape, NamesTheParsersReasonAndKeepsTheAnswer) {
    const auto error = detail::wrong_shape(
        {.requested_model = "asked", .region = "eu", .choices = {{.message = {.content = "many"}}}}, "not a number");
    EXPECT_EQ(error.code, ErrorCode::malformed_response);
    EXPECT_EQ(error.message, "the answer does not have the expected shape: not a number");
    EXPECT_EQ(error.provider_code, "");
    EXPECT_EQ(error.region, "eu");
    EXPECT_EQ(error.model, "asked");
    ASSERT_NE(error.partial, nullptr);
    EXPECT_EQ(error.partial->text(), "many");
}

}  // namespace
}  // namespace holysheep::client
