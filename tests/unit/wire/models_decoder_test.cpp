// Lists of models in every shape that gateways send.
#include "wire/models_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holysheep::wire {
namespace {

TEST(ModelsDecoder, ReadsEveryShapeOfTheList) {
    for (const std::string_view body :
         {R"({"object":"list","data":[{"id":"m","owned_by":"o","created":5,"context_length":9}]})",
          R"([{"id":"m","owned_by":"o","created":5,"context_length":9}])",
          R"({"models":[{"id":"m","owned_by":"o","created":5.0,"context_length":9}]})"}) {
        const auto models = decode_models(body);
        ASSERT_TRUE(models) << body;
        ASSERT_EQ(models->size(), 1U);
        EXPECT_EQ(models->front().id, "m");
        EXPECT_EQ(models->front().owned_by, "o");
        EXPECT_EQ(models->front().created, 5);
        EXPECT_NE(models->front().raw_json.find("context_length"), std::string::npos);
    }
}

TEST(ModelsDecoder, NeedsOnlyTheId) {
    const auto models = decode_models(R"({"data":[{"id":"a"},{"id":"b","owned_by":null},{"name":"no id"},null,7]})");
    ASSERT_TRUE(models);
    EXPECT_EQ(models->size(), 2U);
    EXPECT_TRUE(decode_models(R"({"data":[]})")->empty());
}

TEST(ModelsDecoder, RefusesABodyWithoutAList) {
    for (const std::string_view body : {"", "{}", "<html></html>", "{\"data\":", R"({"data":null})", "5"}) {
        const auto models = decode_models(body);
        ASSERT_FALSE(models) << body;
        EXPECT_EQ(models.error().code, ErrorCode::malformed_response);
    }
    for (const std::string_view body : {R"({"error":{"message":"bad key","code":"invalid_api_key"}})",
                                        R"([{"error":{"message":"bad key","code":401}}])"}) {
        const auto models = decode_models(body);
        ASSERT_FALSE(models) << body;
        EXPECT_EQ(models.error().code, ErrorCode::unauthenticated);
    }
}

}  // namespace
}  // namespace holysheep::wire
