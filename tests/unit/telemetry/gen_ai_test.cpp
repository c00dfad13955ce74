// Records as attributes with OpenTelemetry's names.
#include <holysheep/gen_ai.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using Value = decltype(Attribute::value);
using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

std::map<std::string, Value> by_name(const std::vector<Attribute>& attributes) {
    std::map<std::string, Value> map;
    for (const auto& [name, value] : attributes)
        EXPECT_TRUE(map.emplace(name, value).second) << name << " is duplicated";
    return map;
}

TEST(GenAi, DescribesAnAnsweredCall) {
    const CallRecord call{
        .operation = "chat",
        .stream = true,
        .label = "nightly",
        .requested_model = "gpt-4.1",
        .region = "eu-central",
        .model = "gpt-4.1-2025-04-14",
        .response_id = "chatcmpl-1",
        .finish_reasons = {"stop"},
        .attempts = {{.number = 1, .server = "us.example"},
                     {.number = 2,
                      .server = "eu.example:8443",
                      .started = 100ms,
                      .timings = {.first_content = 150ms},
                      .winner = true}},
        .usage = {.present = true, .prompt_tokens = 100, .completion_tokens = 20, .cached_input_tokens = 64},
        .cost = Money{.nano = 1'500'000'000}};
    EXPECT_EQ(gen_ai_span_name(call), "chat gpt-4.1");
    const auto map = by_name(gen_ai_attributes(call));
    for (const auto& [name, value] :
         std::map<std::string, Value>{{"gen_ai.operation.name", "chat"},
                                      {"gen_ai.provider.name", "openai"},
                                      {"gen_ai.request.model", "gpt-4.1"},
                                      {"gen_ai.response.model", "gpt-4.1-2025-04-14"},
                                      {"gen_ai.response.id", "chatcmpl-1"},
                                      {"gen_ai.response.finish_reasons", std::vector<std::string>{"stop"}},
                                      {"gen_ai.usage.input_tokens", std::int64_t{100}},
                                      {"gen_ai.usage.output_tokens", std::int64_t{20}},
                                      {"gen_ai.usage.cache_read.input_tokens", std::int64_t{64}},
                                      {"server.address", "eu.example"},
                                      {"server.port", std::int64_t{8443}},
                                      {"holysheep.region", "eu-central"},
                                      {"holysheep.label", "nightly"},
                                      {"holysheep.stream", true},
                                      {"holysheep.attempts", std::int64_t{2}},
                                      {"holysheep.time_to_first_content", 0.25},
                                      {"holysheep.cost", 1.5},
                                      {"holysheep.cost.estimated", false}}) {
        EXPECT_THAT(map, Contains(Pair(name, value)));
    }
    EXPECT_THAT(map, Not(Contains(Key("error.type"))));
}

TEST(GenAi, AFailedCallNamesTheServerOfTheReportedFailure) {
    CallRecord call{.region = "us-west", .cost = Money{.nano = 5}, .cost_is_estimate = true};
    call.error = ErrorCode::all_regions_unavailable;
    call.attempts = {{.number = 1, .region = "us-west", .server = "us.example"},
                     {.number = 2, .region = "eu-central", .server = "eu.example"}};
    const auto map = by_name(gen_ai_attributes(call));
    EXPECT_THAT(map, Contains(Pair("server.address", Value("us.example"))));
    EXPECT_THAT(map, Contains(Pair("holysheep.cost.estimated", Value(true))));
}

TEST(GenAi, OmitsUnknownAttributes) {
    const auto map = by_name(gen_ai_attributes(CallRecord{.error = ErrorCode::all_regions_unavailable}));
    EXPECT_THAT(map, Contains(Pair("error.type", Value("all_regions_unavailable"))));
    for (const auto* name : {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.response.model",
                             "gen_ai.usage.input_tokens", "server.address", "holysheep.cost"}) {
        EXPECT_THAT(map, Not(Contains(Key(name))));
    }
    EXPECT_EQ(gen_ai_span_name({}), "request");
}

TEST(GenAi, DescribesAnAttempt) {
    const AttemptRecord attempt{.number = 2,
                                .kind = AttemptKind::hedge,
                                .region = "us-west",
                                .model = "gpt-4.1",
                                .server = "[::1]",
                                .http_status = 503,
                                .error = ErrorCode::server_failed,
                                .maybe_duplicated = true};
    const auto map = by_name(gen_ai_attributes(attempt));
    EXPECT_THAT(map, Contains(Pair("http.response.status_code", Value(std::int64_t{503}))));
    EXPECT_THAT(map, Contains(Pair("http.request.resend_count", Value(std::int64_t{1}))));
    EXPECT_THAT(map, Contains(Pair("error.type", Value("server_failed"))));
    EXPECT_THAT(map, Contains(Pair("server.address", Value("[::1]"))));
    EXPECT_THAT(map, Not(Contains(Key("server.port"))));
    EXPECT_THAT(map, Contains(Pair("holysheep.attempt.kind", Value("hedge"))));
    EXPECT_THAT(map, Contains(Pair("holysheep.attempt.maybe_duplicated", Value(true))));
    EXPECT_THAT(by_name(gen_ai_attributes(AttemptRecord{.number = 1})),
                Not(Contains(Key("http.request.resend_count"))));
}

}  // namespace
}  // namespace holysheep
