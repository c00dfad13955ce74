// Bodies of a plain 200: answers, and everything else that servers send with that status.
#include "wire/completion_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "chunk_recorder.hpp"

namespace holysheep::wire {
namespace {

using testing::HasSubstr;

ChatCompletion answer_of(std::string body) {
    auto answer = decode_completion(std::move(body));
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer ? *std::move(answer) : ChatCompletion{};
}

Error error_of(std::string body) {
    const auto answer = decode_completion(std::move(body));
    EXPECT_FALSE(answer.has_value());
    return answer ? Error{} : answer.error();
}

std::string with_usage(std::string_view usage) {
    return R"({"choices":[{"message":{"content":"a"}}],"usage":)" + std::string(usage) + "}";
}

TEST(CompletionDecoder, ReadsAnAnswer) {
    const std::string body =
        R"({"id":"x","object":"chat.completion","created":1717171717,"model":"m","choices":[{"index":0,"message":)"
        R"({"role":"assistant","content":"Merino","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
        R"("usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4},"service_tier":"default"})";
    const ChatCompletion answer = answer_of(body);
    EXPECT_EQ(answer.id, "x");
    EXPECT_EQ(answer.model, "m");
    EXPECT_EQ(answer.created, 1717171717);
    EXPECT_EQ(answer.service_tier, "default");
    EXPECT_EQ(answer.text(), "Merino");
    EXPECT_EQ(answer.choices.at(0).message.role, Role::assistant);
    EXPECT_EQ(answer.choices.at(0).finish_reason, FinishReason::stop);
    EXPECT_TRUE(answer.usage.present);
    EXPECT_EQ(answer.usage.total_tokens, 4);
    EXPECT_EQ(answer.usage.raw_json, R"({"prompt_tokens":3,"completion_tokens":1,"total_tokens":4})");
    EXPECT_EQ(answer.raw_json, body);
    EXPECT_EQ(answer.extra_json, "");
    EXPECT_FALSE(answer.done_marker_missing);
}

TEST(CompletionDecoder, ToleratesUnexpectedTypes) {
    const ChatCompletion answer = answer_of(
        R"({"id":5,"created":"1717171717.5","model":null,"choices":[{"index":"0","message":{"role":7,"content":"a"},)"
        R"("finish_reason":3}],"usage":{"prompt_tokens":"3","completion_tokens":1.0,"total_tokens":null}})");
    EXPECT_EQ(answer.created, 1717171717);
    EXPECT_EQ(answer.text(), "a");
    EXPECT_EQ(answer.usage.prompt_tokens, 3);
    EXPECT_EQ(answer.usage.total_tokens, 4);
    EXPECT_EQ(answer.choices.at(0).finish_reason, FinishReason::none);
}

TEST(CompletionDecoder, ToleratesMissingMembers) {
    EXPECT_EQ(answer_of(R"({"choices":[{}]})").choices.size(), 1U);
    EXPECT_EQ(answer_of(R"({"choices":[{"message":null}]})").text(), "");
    EXPECT_EQ(answer_of(R"({"choices":[{"message":{"role":"assistant"}}],"usage":null})").text(), "");
    EXPECT_FALSE(answer_of(with_usage("{}")).usage.present);
    EXPECT_FALSE(answer_of(with_usage("[]")).usage.present);
}

TEST(CompletionDecoder, ToleratesSurroundingWhitespace) {
    EXPECT_EQ(answer_of("\n\n \r\n\t" + with_usage("null") + "\n\n").text(), "a");
    EXPECT_EQ(answer_of("\xEF\xBB\xBF" + with_usage("null")).text(), "a");
}

TEST(CompletionDecoder, KeepsUnknownMembers) {
    const ChatCompletion answer =
        answer_of(R"({"provider":"x","citations":["u"],"choices":[{"seed":1,"stop_reason":7,"message":{"content":"a",)"
                  R"("annotations":[{"type":"url_citation"}],"thought_signature":"t"}}]})");
    EXPECT_EQ(answer.extra_json, R"({"citations":["u"],"provider":"x"})");
    EXPECT_EQ(answer.choices.at(0).extra_json, R"({"annotations":[{"type":"url_citation"}],"seed":1,"stop_reason":7})");
    EXPECT_EQ(answer.choices.at(0).message.extra_json, R"({"thought_signature":"t"})");
}

TEST(CompletionDecoder, ReadsToolCallsWithAnyIndexes) {
    const ChatCompletion answer =
        answer_of(R"({"choices":[{"message":{"content":null,"tool_calls":[)"
                  R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},)"
                  R"({"index":0,"id":"a","type":"function","function":{"name":"g"}},)"
                  R"({"id":"","function":{"name":"h","arguments":{"x":[1]}}}]},"finish_reason":"tool_calls"}]})");
    ASSERT_EQ(answer.tool_calls().size(), 3U);
    EXPECT_EQ(answer.tool_calls()[0].name, "f");
    EXPECT_EQ(answer.tool_calls()[0].raw_json, "");
    EXPECT_EQ(answer.tool_calls()[1].arguments, "");
    EXPECT_EQ(answer.tool_calls()[2].arguments, R"({"x":[1]})");
    EXPECT_EQ(shown_id(answer.tool_calls()[2].id), "generated");
}

TEST(CompletionDecoder, GeneratedToolCallIdsAreUnique) {
    const std::string body =
        R"({"choices":[{"message":{"tool_calls":[{"function":{"name":"h"}},{"function":{"name":"h"}}]}}]})";
    const ChatCompletion answer = answer_of(body);
    EXPECT_NE(answer.tool_calls().at(0).id, answer.tool_calls().at(1).id);
    EXPECT_NE(answer.tool_calls().at(0).id, answer_of(body).tool_calls().at(0).id);
}

TEST(Usage, ReadsCachedTokensUnderEveryName) {
    for (const char* usage :
         {R"({"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4}})",
          R"({"prompt_tokens":9,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":5})",
          R"({"prompt_tokens":9,"cached_tokens":4})", R"({"prompt_tokens":9,"num_cached_tokens":4})",
          R"({"prompt_tokens":9,"cache_read_input_tokens":4})",
          R"({"prompt_tokens":9,"prompt_tokens_details":null,"cached_tokens":4.0})"}) {
        EXPECT_EQ(answer_of(with_usage(usage)).usage.cached_input_tokens, 4) << usage;
    }
}

TEST(Usage, ReadsDetailsAndCost) {
    const Usage usage =
        answer_of(
            with_usage(
                R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.0000125,"cache_creation_input_tokens":8,)"
                R"("prompt_tokens_details":{"audio_tokens":5},"completion_tokens_details":{"reasoning_tokens":6,"audio_tokens":7}})"))
            .usage;
    EXPECT_EQ(usage.reasoning_tokens, 6);
    EXPECT_EQ(usage.audio_tokens, 12);
    EXPECT_EQ(usage.cache_write_tokens, 8);
    ASSERT_TRUE(usage.reported_cost);
    EXPECT_EQ(usage.reported_cost->nano, 12500);
    EXPECT_EQ(usage.reported_cost->currency, "USD");
    EXPECT_EQ(answer_of(with_usage(R"({"total_tokens":3,"cost":2})")).usage.reported_cost->nano, 2'000'000'000);
    const auto parts = with_usage(R"({"total_tokens":3,"cost":{"input_tokens_cost":0.001,"total_cost":0.006}})");
    EXPECT_EQ(answer_of(parts).usage.reported_cost->nano, 6'000'000);
    for (const char* cost : {"null", "-1", "1e300", "{}", "\"x\"", R"({"total_cost":0})"}) {
        const std::string text = R"({"total_tokens":3,"cost":)" + std::string(cost) + "}";
        EXPECT_FALSE(answer_of(with_usage(text)).usage.reported_cost) << cost;
    }
}

TEST(Usage, ReadsPartsOfPromptAndCompletion) {
    const Usage usage =
        answer_of(
            with_usage(
                R"({"prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"text_tokens":1,"image_tokens":2,)"
                R"("audio_tokens":3},"completion_tokens_details":{"text_tokens":4,"audio_tokens":5,)"
                R"("accepted_prediction_tokens":6,"rejected_prediction_tokens":7}})"))
            .usage;
    EXPECT_EQ(usage.prompt_text_tokens, 1);
    EXPECT_EQ(usage.prompt_image_tokens, 2);
    EXPECT_EQ(usage.prompt_audio_tokens, 3);
    EXPECT_EQ(usage.completion_text_tokens, 4);
    EXPECT_EQ(usage.completion_audio_tokens, 5);
    EXPECT_EQ(usage.accepted_prediction_tokens, 6);
    EXPECT_EQ(usage.rejected_prediction_tokens, 7);
    EXPECT_EQ(usage.total_tokens, 30);
}

TEST(Usage, ACostInTicksIsTenThousandMillionthsOfADollar) {
    EXPECT_EQ(answer_of(with_usage(R"({"total_tokens":3,"cost_in_usd_ticks":37756000})")).reported_cost()->nano,
              3775600);
    EXPECT_EQ(answer_of(with_usage(R"({"cost_in_usd_ticks":"200000000"})")).reported_cost()->nano, 20'000'000);
    EXPECT_EQ(answer_of(with_usage(R"({"cost":1,"cost_in_usd_ticks":5})")).reported_cost()->nano, 1'000'000'000);
}

TEST(Usage, TokensCountedOnlyInTheTotalAreOutput) {
    EXPECT_EQ(answer_of(with_usage(R"({"prompt_tokens":66,"completion_tokens":6,"total_tokens":100})"))
                  .usage.billed_output_tokens(),
              34);
    EXPECT_EQ(answer_of(with_usage(R"({"prompt_tokens":66,"completion_tokens":6})")).usage.billed_output_tokens(), 6);
    EXPECT_EQ(answer_of(with_usage(R"({"prompt_tokens":66,"completion_tokens":6,"total_tokens":1})"))
                  .usage.billed_output_tokens(),
              6);
}

TEST(CompletionDecoder, A200MayCarryAnError) {
    const Error error = error_of(R"({"error":{"message":"Slow down","type":"t","param":"p","code":429},"choices":[]})");
    EXPECT_EQ(error.code, ErrorCode::rate_limited);
    EXPECT_EQ(error.message, "Slow down");
    EXPECT_EQ(error.provider_type, "t");
    EXPECT_EQ(error.provider_code, "429");
    EXPECT_EQ(error.provider_param, "p");
    EXPECT_EQ(error.http_status, 200);
    EXPECT_EQ(error.effective_status, 429);
    EXPECT_EQ(error_of(R"({"code":"x","error":"The model is down"})").message, "The model is down");
    EXPECT_EQ(error_of(R"({"code":"x","error":"The model is down"})").provider_code, "x");
    EXPECT_EQ(error_of(R"({"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}})").code,
              ErrorCode::insufficient_quota);
    EXPECT_EQ(error_of(R"({"choices":[{"error":{"code":502,"message":"gone"},"message":{"content":"half"}}]})")
                  .effective_status,
              502);
    EXPECT_EQ(error_of(R"({"choices":[{"finish_reason":"error","message":{"content":"half"}}]})").code,
              ErrorCode::server_failed);
}

TEST(CompletionDecoder, APartialAnswerComesWithItsError) {
    for (
        const char* body :
        {R"({"choices":[{"error":{"code":502,"message":"gone"},"message":{"content":"half"}}],"usage":{"prompt_tokens":3}})",
         R"({"choices":[{"finish_reason":"error","message":{"content":"half"}}],"usage":{"prompt_tokens":3}})",
         R"({"error":{"message":"m"},"choices":[{"message":{"content":"half"}}],"usage":{"prompt_tokens":3}})",
         "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}],\"usage\":{\"prompt_tokens\":3}}\n\n"}) {
        const Error error = error_of(body);
        ASSERT_NE(error.partial, nullptr) << body;
        EXPECT_EQ(error.partial->text(), "half");
        EXPECT_EQ(error.partial->usage.prompt_tokens, 3);
        EXPECT_EQ(error.partial->raw_json, body);
    }
    EXPECT_EQ(error_of(R"({"error":{"message":"m"},"choices":[{"message":{"content":""}}]})").partial, nullptr);
    EXPECT_EQ(error_of(R"({"error":{"message":"m"},"choices":[{"index":1000000}]})").message, "m");
}

TEST(CompletionDecoder, AnEmptyErrorMemberIsIgnored) {
    for (const char* error : {"null", "{}", R"({"code":0,"message":""})", R"({"message":null})", "[]", "false"}) {
        const std::string body = R"({"error":)" + std::string(error) + R"(,"choices":[{"message":{"content":"a"}}]})";
        EXPECT_EQ(answer_of(body).text(), "a") << error;
    }
}

TEST(CompletionDecoder, ReadsAnUnrequestedStream) {
    const std::string chunks =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"wo\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ol\"}}]}\n\n";
    for (const char* before : {"", "\n", ": ping\n\n", "\xEF\xBB\xBF"}) {
        EXPECT_EQ(answer_of(before + chunks + "data: [DONE]\n\n").text(), "wool") << before;
    }
    const Error cut = error_of(chunks);
    EXPECT_EQ(cut.code, ErrorCode::malformed_response);
    EXPECT_EQ(error_of("data: {\"error\":{\"message\":\"m\",\"code\":429}}\n\n").code, ErrorCode::rate_limited);
}

TEST(CompletionDecoder, KeepsContentOfAnotherType) {
    const auto text_with = [](const std::string& content) {
        return answer_of(R"({"choices":[{"message":{"content":)" + content + "}}]}").text();
    };
    EXPECT_EQ(text_with(R"({"breed":"Merino"})"), R"({"breed":"Merino"})");
    EXPECT_EQ(text_with(R"({"type":"text","text":"Merino"})"), "Merino");
    EXPECT_EQ(text_with("42"), "42");
    EXPECT_EQ(text_with("true"), "true");
    EXPECT_EQ(text_with("null"), "");
}

TEST(CompletionDecoder, AnUnrecognizedBodyIsMalformed) {
    for (const std::string_view body :
         {"", " \n", "{", "[]", "5", "null", "\"x\"", "{}", R"({"choices":null})", R"({"choices":[]})",
          R"({"choices":{}})", R"({"choices":[5]})", R"({"choices":[{"message":{"content":"cut)",
          R"({"choices":[{"index":128}]})", R"({"choices":[{"index":-1}]})"}) {
        const Error error = error_of(std::string(body));
        EXPECT_EQ(error.code, ErrorCode::malformed_response) << body;
        EXPECT_EQ(error.http_status, 200);
        EXPECT_FALSE(error.message.empty());
    }
}

TEST(CompletionDecoder, HtmlIsNamedByItsTitleAndNeverQuoted) {
    const Error error =
        error_of("<!doctype html><html><head><TITLE>Sign &amp; in</TITLE><script>x</script></head></html>");
    EXPECT_EQ(error.code, ErrorCode::malformed_response);
    EXPECT_EQ(error.message, "HTML instead of a completion: Sign &amp; in");
    EXPECT_THAT(error.raw_body, HasSubstr("<script>"));
}

TEST(CompletionDecoder, HostileBodiesGiveErrors) {
    EXPECT_EQ(error_of("{\"choices\":" + std::string(1'000'000, '[')).code, ErrorCode::malformed_response);
    EXPECT_EQ(error_of(std::string(1'000'000, '{')).code, ErrorCode::malformed_response);
    EXPECT_EQ(error_of("{\"error\":" + std::string(200, '[') + std::string(200, ']') + "}").code,
              ErrorCode::server_failed);
    std::string many = R"({"choices":[{"message":{"content":"a"}}])";
    for (int i = 0; i < 30000; ++i) many += ",\"k" + std::to_string(i) + "\":1";
    EXPECT_EQ(answer_of(many + "}").text(), "a");
}

TEST(CompletionDecoder, ReplacesIllFormedText) {
    const ChatCompletion answer = answer_of("{\"choices\":[{\"message\":{\"content\":\"a\xFF\\ud800b\"}}]}");
    EXPECT_EQ(answer.text(), "a\uFFFD\uFFFDb");
}

TEST(CompletionDecoder, AnAnswerWithTrailingDataIsAccepted) {
    const std::string answer = R"({"choices":[{"index":0,"message":{"content":"wool"},"finish_reason":"stop"}]})";
    for (const std::string_view rest : {"\n\ndata: [DONE]\n\n", "\n{\"a\":1}", "}"}) {
        const auto read = decode_completion(answer + std::string(rest));
        ASSERT_TRUE(read.has_value()) << rest;
        EXPECT_EQ(read->text(), "wool");
    }
    const auto error = decode_completion(R"({"error":{"message":"no","code":429}})"
                                         "\n" +
                                         answer);
    EXPECT_EQ(error.error().code, ErrorCode::rate_limited);
    EXPECT_EQ(decode_completion(R"({"choices":[}]})" + answer).error().code, ErrorCode::malformed_response);
}

TEST(CompletionDecoder, ChunksOnLinesAreAStream) {
    const auto read = decode_completion(R"({"choices":[{"index":0,"delta":{"content":"wo"}}]})"
                                        "\n"
                                        R"({"choices":[{"index":0,"delta":{"content":"ol"},"finish_reason":"stop"}]})"
                                        "\n");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->text(), "wool");
}

TEST(CompletionDecoder, UsageWithoutChoicesIsKept) {
    for (const std::string_view body :
         {R"({"choices":[],"usage":{"prompt_tokens":5,"total_tokens":5}})",
          R"({"usage":{"prompt_tokens":5,"total_tokens":5}})",
          R"({"error":{"message":"m"},"usage":{"prompt_tokens":5,"total_tokens":5}})",
          "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}\n\ndata: [DONE]\n\n"}) {
        const auto read = decode_completion(std::string(body));
        ASSERT_FALSE(read.has_value()) << body;
        ASSERT_NE(read.error().partial, nullptr) << body;
        EXPECT_EQ(read.error().partial->usage.prompt_tokens, 5) << body;
    }
}

}  // namespace
}  // namespace holysheep::wire
