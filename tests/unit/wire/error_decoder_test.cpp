// Error answers: every shape of body, status and code, each with its error class.
#include "wire/error_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/completion_decoder.hpp"

namespace holysheep::wire {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

Error error_of(int status, std::string_view body, const Headers& headers = {}) {
    return decode_error(status, headers, body, "api.example.com", {});
}

/// The error's fields: "message|type|code|param".
std::string words(int status, std::string_view body) {
    const Error error = error_of(status, body);
    return error.message + "|" + error.provider_type + "|" + error.provider_code + "|" + error.provider_param;
}

TEST(ErrorBody, IsParsedInEveryShape) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"error":{"message":"m","type":"t","param":"p","code":"c"}})", "m|t|c|p"},
        {R"({"error":{"message":"m","type":"t","param":null,"code":null}})", "m|t||"},
        {R"({"error":{"message":"m","code":429}})", "m||429|"},
        {R"({"error":{"message":"m","code":"401","type":null}})", "m||401|"},
        {R"({"error":"text"})", "text|||"},
        {R"({"code":"x","error":"text"})", "text||x|"},
        {R"({"error":{"message":{"message":"inner"}}})", "inner|||"},
        {R"({"error":{"message":{"a":1}}})", R"({"a":1}|||)"},
        {R"([{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}])", "m|INVALID_ARGUMENT|400|"},
        {R"({"detail":"Unauthorized"})", "Unauthorized|||"},
        {R"({"detail":[{"loc":["body","messages",0],"msg":"field required","type":"value_error"},{"msg":"also"}]})",
         "body.messages.0: field required; also|value_error||body.messages.0"},
        {R"({"detail":{"message":"m","code":"c"}})", "m||c|"},
        {R"({"object":"error","message":"m","type":"BadRequestError","param":null,"code":400})",
         "m|BadRequestError|400|"},
        {R"({"message":"m"})", "m|||"},
        {R"({"msg":"m"})", "m|||"},
        {R"({"error_msg":"m"})", "m|||"},
        {R"({"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req_1"})",
         "m|overloaded_error||"},
        {R"({"errors":[{"code":1003,"message":"m"}]})", "m||1003|"},
        {R"({"status":400,"error":"Bad Request","message":"no such role","path":"/v1"})",
         "Bad Request: no such role|||"},
        {R"({"statusCode":400,"message":["no model","no messages"],"error":"Bad Request"})",
         "Bad Request: no model; no messages|||"},
        {R"({"error":"invalid_request","error_description":"no grant"})", "invalid_request: no grant|||"},
        {R"({"error":"m","message":"m"})", "m|||"},
        {R"({"error_code":17,"error_message":"m"})", "m||17|"},
        {R"({"Message":"m"})", "m|||"},
        {R"({"detail":{"error":"m"}})", "m|||"},
        {R"({"detail":{"error":{"message":"m","type":"t","code":"c"}}})", "m|t|c|"},
        {R"({"detail":["a","b"]})", "a; b|||"},
        {R"({"type":"about:blank","title":"Bad Request","detail":"m"})", "m|about:blank||"},
        {R"({"title":"Forbidden"})", "Forbidden|||"},
        {R"({"error":true,"reason":"m"})", "m|||"},
        {R"({"error":{"message":"Provider returned error","code":400,"metadata":{"provider_name":"P",)"
         R"("raw":"{\"error\":{\"message\":\"inner\",\"code\":\"invalid_value\"}}"}}})",
         "Provider returned error: inner||invalid_value|"},
        {R"({"error":{"message":"outer","metadata":{"raw":"plain words"}}})", "outer: plain words|||"},
        {R"({"error":{"message":"m","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
         "m||content_filter|"},
        {R"("just text")", "just text|||"},
        {"Bad things happened", "Bad things happened|||"},
    };
    for (const auto& [body, expected] : rows) EXPECT_EQ(words(400, body), expected) << body;
}

TEST(ErrorBody, WithoutAMessageIsDescribed) {
    EXPECT_EQ(error_of(502, "").message, "HTTP 502 from api.example.com: Bad Gateway (empty body)");
    EXPECT_EQ(decode_error(502, {}, std::nullopt, "api.example.com").message,
              "HTTP 502 from api.example.com: Bad Gateway")
        << "an unread body proves nothing";
    EXPECT_EQ(error_of(599, "").message, "HTTP 599 from api.example.com (empty body)");
    EXPECT_EQ(error_of(502, "<html><head><title>502\n Bad <b>Gateway</b></title></head><body>x</body></html>").message,
              "HTTP 502 from api.example.com: 502 Bad Gateway (HTML, 78 bytes)");
    EXPECT_EQ(error_of(413, "<html><h1>413 Request Entity Too Large</h1></html>").message,
              "HTTP 413 from api.example.com: 413 Request Entity Too Large (HTML, 50 bytes)");
    EXPECT_EQ(error_of(500, "{\"error\":{\"mess").message,
              "HTTP 500 from api.example.com: Internal Server Error (non-JSON body, 15 bytes)");
    EXPECT_EQ(error_of(500, "{}").message,
              "HTTP 500 from api.example.com: Internal Server Error (JSON without a message, 2 bytes)");
}

TEST(ErrorBody, MessagesAreOneShortLineWithoutMarkup) {
    EXPECT_EQ(error_of(400, R"({"error":{"message":"a\u009b2J b\u0000\u0085c \u00e9\u00a9"}})").message, "a 2J b c é©");
    EXPECT_EQ(error_of(400, R"({"error":{"message":"a\r\n\tb\u0000  c"}})").message, "a b c");
    const Error longer = error_of(400, R"({"error":{"message":")" + std::string(50000, 'x') + "\"}}");
    EXPECT_LT(longer.message.size(), 1100U);
    EXPECT_EQ(longer.raw_body.size(), 8192U);
    const Error html =
        error_of(502, R"({"error":{"message":"<html><title>Oops</title><script>alert(1)</script></html>"}})");
    EXPECT_EQ(html.message, "Oops");
    const auto message_of = [](const std::string& message) {
        return error_of(502, R"({"error":{"message":")" + message + "\"}}").message;
    };
    EXPECT_EQ(message_of("upstream said: <HTML><title>Bad Gateway</title><body>x</body></HTML>"),
              "upstream said: Bad Gateway");
    EXPECT_EQ(message_of("upstream said: <html><body>x"), "upstream said:");
    EXPECT_EQ(message_of("temperature must be < 2 and <b> is no number"),
              "temperature must be < 2 and <b> is no number");
}

TEST(ErrorBody, KeepsIdsAndWaits) {
    const Error error = error_of(429, R"({"error":{"message":"m"},"request_id":"from-body"})",
                                 {{"retry-after", "3"}, {"x-request-id", "from-header"}});
    EXPECT_EQ(error.request_id, "from-header");
    EXPECT_EQ(error.retry_after, 3s);
    EXPECT_EQ(error.http_status, 429);
    EXPECT_EQ(error.effective_status, 429);
    EXPECT_EQ(error_of(529, R"({"type":"error","error":{"type":"overloaded_error"},"request_id":"req_1"})").request_id,
              "req_1");
    const Error google = error_of(
        429, R"([{"error":{"code":429,"message":"m","details":[{"@type":"RetryInfo","retryDelay":"34.5s"}]}}])");
    EXPECT_EQ(google.retry_after, 34500ms);
}

struct ClassRow {
    int status;
    std::string_view body;
    ErrorCode code;
};

TEST(ErrorClass, FollowsFromStatusAndCode) {
    using enum ErrorCode;
    const ClassRow rows[] = {
        {301, "", invalid_request},
        {400, R"({"error":{"type":"invalid_request_error","code":"unsupported_parameter"}})", invalid_request},
        {400, R"({"error":{"code":"context_length_exceeded"}})", context_length_exceeded},
        {400,
         R"({"error":{"message":"This model's maximum context length is 8192 tokens","code":"invalid_request_error"}})",
         context_length_exceeded},
        {400, R"({"error":{"type":"too_many_prompt_tokens","code":400}})", context_length_exceeded},
        {400, R"({"error":{"message":"prompt is too long: 9 tokens > 8"}})", context_length_exceeded},
        {400, R"({"error":{"code":"string_above_max_length"}})", context_length_exceeded},
        {400,
         R"({"error":{"message":"the request exceeds the available context size","type":"exceed_context_size_error"}})",
         context_length_exceeded},
        {400, R"({"message":"The input (9 tokens) is longer than the model's context length (8 tokens)."})",
         context_length_exceeded},
        {400, R"({"error":"This model's maximum prompt length is 8 but the request contains 9 tokens."})",
         context_length_exceeded},
        {400, R"({"error":{"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}})",
         context_length_exceeded},
        {400, R"({"error":{"message":"Your request exceeded model token limit: 8"}})", context_length_exceeded},
        {400, R"({"error":{"message":"litellm.ContextWindowExceededError: x"}})", context_length_exceeded},
        {400, R"({"error":{"message":"input length and `max_tokens` exceed context limit: 9 + 1 > 8"}})",
         context_length_exceeded},
        {422, R"({"error":"`inputs` tokens + `max_new_tokens` must be <= 8. Given: 9"})", context_length_exceeded},
        {400, R"({"error":{"message":"max_tokens is too large: 9"}})", invalid_request},
        {400, R"({"error":{"message":"x/y is not a valid model ID","code":400}})", model_not_found},
        {400, R"({"error":{"message":"Model Not Exist"}})", model_not_found},
        {400, R"({"error":{"code":"model_decommissioned"}})", model_not_found},
        {413, R"({"error":{"message":"tokens per minute","type":"tokens","code":"rate_limit_exceeded"}})",
         request_too_large},
        {429, R"({"error":{"type":"exceeded_current_quota_error"}})", insufficient_quota},
        {429, R"({"error":{"type":"rate_limit_reached_error"}})", rate_limited},
        {400, R"({"error":{"code":"content_filter"}})", content_filtered},
        {400, R"({"error":{"code":"content_policy_violation"}})", content_filtered},
        {400, R"({"error":{"code":"bad","innererror":{"code":"ResponsibleAIPolicyViolation"}}})", content_filtered},
        {403, R"({"error":{"code":403,"message":"Your input was flagged"}})", content_filtered},
        {400, R"({"error":{"message":"Your credit balance is too low to access the API"}})", insufficient_quota},
        {400, R"({"error":{"message":"User location is not supported for the API use."}})", region_not_supported},
        {400,
         R"([{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}])",
         unauthenticated},
        {403, R"({"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}})",
         insufficient_quota},
        {401, R"({"error":{"code":"invalid_api_key"}})", unauthenticated},
        {401, R"({"detail":"Unauthorized"})", unauthenticated},
        {401, R"({"error":{"message":"Authentication Fails","code":"invalid_request_error"}})", unauthenticated},
        {402, R"({"error":{"message":"Insufficient Balance"}})", insufficient_quota},
        {402, "", insufficient_quota},
        {403, R"({"error":{"code":"unsupported_country_region_territory"}})", region_not_supported},
        {403, R"({"error":{"message":"Country, region, or territory not supported"}})", region_not_supported},
        {403, R"({"error":{"type":"permission_error"}})", permission_denied},
        {403, "<html></html>", permission_denied},
        {404, R"({"error":{"code":"model_not_found"}})", model_not_found},
        {404, R"({"error":{"code":"DeploymentNotFound"}})", model_not_found},
        {404, R"({"error":{"type":"not_found_error"}})", model_not_found},
        {404, "<html></html>", invalid_request},
        {405, R"({"detail":"Method Not Allowed"})", invalid_request},
        {408, "", timed_out},
        {409, R"({"error":{"type":"conflict_error"}})", conflict},
        {413, "<html></html>", request_too_large},
        {413, R"({"error":{"type":"request_too_large"}})", request_too_large},
        {415, "", invalid_request},
        {418, "", invalid_request},
        {421, "", invalid_request},
        {422, R"({"detail":[{"loc":["a"],"msg":"m"}]})", invalid_request},
        {424, "", server_failed},
        {425, "", server_failed},
        {429, R"({"error":{"code":"rate_limit_exceeded"}})", rate_limited},
        {429, R"({"error":{"message":"too many tokens per minute"}})", rate_limited},
        {429, "", rate_limited},
        {429, R"({"error":{"code":"quota_exceeded"}})", rate_limited},
        {429, R"({"error":{"code":"insufficient_quota"}})", insufficient_quota},
        {429, R"({"error":{"type":"insufficient_quota","code":null}})", insufficient_quota},
        {429, R"({"error":{"code":"credit_balance_exhausted"}})", insufficient_quota},
        {429, R"({"error":{"code":"organization_spend_limit_exceeded"}})", insufficient_quota},
        {429, R"({"error":{"code":"project_spend_limit_exceeded"}})", insufficient_quota},
        {429, R"({"error":{"code":"organization_usage_limit_exceeded"}})", insufficient_quota},
        {429, R"({"error":{"code":"billing_hard_limit_reached"}})", insufficient_quota},
        {429, R"({"error":{"code":"billing_not_active"}})", insufficient_quota},
        {429, R"({"error":{"code":"access_terminated"}})", insufficient_quota},
        {429, R"({"error":{"code":"enforced_spend_limit_reached"}})", insufficient_quota},
        {451, "", region_not_supported},
        {499, "", server_failed},
        {500, R"({"error":{"type":"server_error"}})", server_failed},
        {501, "", server_failed},
        {502, "<html></html>", server_failed},
        {503, R"({"error":{"code":"slow_down"}})", server_failed},
        {503, R"({"error":{"message":"model overloaded"}})", server_failed},
        {504, "", timed_out},
        {520, "", server_failed},
        {524, "", timed_out},
        {529, R"({"type":"error","error":{"type":"overloaded_error"}})", server_failed},
    };
    for (const auto& row : rows)
        EXPECT_EQ(error_of(row.status, row.body).code, row.code) << row.status << " " << row.body;
}

TEST(ErrorClass, FollowsFromTheWordsOfEachProvider) {
    using enum ErrorCode;
    const struct {
        int status;
        std::string_view body;
        ErrorCode code;
    } rows[] = {
        // DashScope
        {429,
         R"({"error":{"code":"insufficient_quota","message":"Allocated quota exceeded, please raise your limit"}})",
         rate_limited},
        {429, R"({"error":{"code":"insufficient_quota","message":"Hit a limit: x.test/error-code#rate-limit"}})",
         rate_limited},
        {429, R"({"code":"Throttling.RateQuota","message":"m"})", rate_limited},
        {400, R"({"code":"Arrearage","message":"Access denied"})", insufficient_quota},
        {400, R"({"code":"DataInspectionFailed","message":"m"})", content_filtered},
        {400, R"({"code":"InvalidParameter","message":"Range of input length should be [1, 30720]"})",
         context_length_exceeded},
        {403, R"({"code":"AllocationQuota.FreeTierOnly","message":"m"})", insufficient_quota},
        {403, R"({"code":"Model.AccessDenied","message":"m"})", permission_denied},
        {500, R"({"code":"InternalError.Algo","message":"m"})", server_failed},
        // Zhipu: numbers without a type
        {429, R"({"error":{"code":"1113","message":"m"}})", insufficient_quota},
        {429, R"({"error":{"code":1302,"message":"m"}})", rate_limited},
        {429, R"({"error":{"code":"1310","message":"m"}})", insufficient_quota},
        {400, R"({"error":{"code":"1261","message":"m"}})", context_length_exceeded},
        {400, R"({"error":{"code":"1301","message":"m"}})", content_filtered},
        {400, R"({"error":{"code":"1211","message":"m"}})", model_not_found},
        {400, R"({"error":{"code":"1113","type":"other_providers_number","message":"m"}})", invalid_request},
        {429, R"({"error":{"code":"1308","message":"m"}})", insufficient_quota},
        {429, R"({"error":{"code":"1305","message":"m"}})", rate_limited},
        {429, R"({"error":{"code":"1312","message":"m"}})", rate_limited},
        {429, R"({"error":{"code":"1313","message":"m"}})", rate_limited},
        {400, R"({"error":{"code":"1300","message":"m"}})", content_filtered},
        {401, R"({"error":{"code":"1112","message":"m"}})", permission_denied},
        {400, R"({"error":{"code":"1220","message":"m"}})", permission_denied},
        {401, R"({"error":{"code":"1002","message":"m"}})", unauthenticated},
        {400, R"({"error":{"code":"1230","message":"m"}})", server_failed},
        {200, R"({"error":{"code":"1234","message":"m"}})", server_failed},
        {200, R"({"error":{"code":"1312","message":"m"}})", rate_limited},
        {200, R"({"error":{"code":"1222","message":"m"}})", invalid_request},
        {429, R"({"error":{"message":"您的账户余额不足,请先充值"}})", insufficient_quota},
        {429, R"({"error":{"message":"您的请求速度过快"}})", rate_limited},
        // MiniMax
        {200, R"({"base_resp":{"status_code":1008,"status_msg":"m"}})", insufficient_quota},
        {200, R"({"base_resp":{"status_code":1002,"status_msg":"m"}})", rate_limited},
        {200, R"({"base_resp":{"status_code":1004,"status_msg":"m"}})", unauthenticated},
        {200, R"({"base_resp":{"status_code":1026,"status_msg":"m"}})", content_filtered},
        {200, R"({"base_resp":{"status_code":2013,"status_msg":"m"}})", invalid_request},
        {200, R"({"base_resp":{"status_code":1013,"status_msg":"m"}})", server_failed},
        {200, R"({"type":"error","error":{"type":"some_error","message":"m","http_code":"400"}})", invalid_request},
        // Moonshot
        {403, R"({"error":{"type":"access_terminated_error","message":"Your usage limit is reached"}})",
         insufficient_quota},
        {403, R"({"error":{"type":"access_terminated_error","message":"Not for this client"}})", permission_denied},
        {429, R"({"error":{"type":"engine_overloaded_error","message":"m"}})", rate_limited},
        // xAI
        {429, R"("Team t is out of credits")", insufficient_quota},
        {403, R"({"code":"c","error":"You reached your monthly spending limit"})", insufficient_quota},
        {403, R"({"code":"c","error":"Content violates usage guidelines"})", content_filtered},
        {400, R"({"code":"c","error":"Incorrect API key provided: x"})", unauthenticated},
        {403, R"({"code":"c","error":"Your team t has used all available credits"})", insufficient_quota},
        {404, R"({"code":"c","error":"The model m does not exist or your team cannot use it"})", model_not_found},
        {403, R"({"code":"c","error":"The caller has no permission for this operation"})", permission_denied},
        {429, R"({"code":"c","error":"Too many requests for team t: 9 of 8 per minute"})", rate_limited},
        // OpenRouter
        {403, R"({"error":{"code":403,"message":"Key limit exceeded (weekly limit)."}})", insufficient_quota},
        {402, R"({"error":{"code":402,"message":"m"}})", insufficient_quota},
        {402, R"({"error":{"code":402,"message":"m","metadata":{"limit_source":"openrouter_in_flight_budget"}}})",
         rate_limited},
        {404, R"({"error":{"code":404,"message":"No endpoints found for a/b."}})", model_not_found},
        {404, R"({"error":{"code":404,"message":"No allowed providers are there for the selected model."}})",
         model_not_found},
        {429, R"({"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day. Add 10 credits for 1000"}})",
         rate_limited},
        {200, R"({"error":{"code":502,"message":"Upstream error from P"}})", server_failed},
        {200, R"({"error":{"code":402,"message":"Insufficient credits"}})", insufficient_quota},
        // OpenAI, Groq, Azure
        {429, R"({"error":{"code":"rate_limit_exceeded","message":"Request too large for m: Limit 8, Requested 9"}})",
         request_too_large},
        {429, R"({"error":{"code":"rate_limit_exceeded","message":"Rate limit reached for m: Limit 9, Requested 1"}})",
         rate_limited},
        {429, R"({"error":{"message":"You exceeded your current quota, please check your plan"}})", insufficient_quota},
        {498, R"({"error":{"message":"m"}})", server_failed},
        {400, R"({"error":{"type":"invalid_request_error","code":"blocked_api_access","message":"m"}})",
         insufficient_quota},
        {404, R"({"error":{"type":"invalid_request_error","code":"model_not_found","message":"m"}})", model_not_found},
        {429, R"({"error":{"code":"429","message":"Requests have exceeded the token rate limit of your tier"}})",
         rate_limited},
        {401, R"({"error":{"code":"401","message":"Access denied due to an invalid subscription key"}})",
         unauthenticated},
        {403, R"({"statusCode":403,"message":"Out of call volume quota."})", insufficient_quota},
        // Google
        {429, R"([{"error":{"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota; see billing"}}])",
         rate_limited},
        {429, R"([{"error":{"status":"RESOURCE_EXHAUSTED","message":"Your prepayment credits are depleted."}}])",
         insufficient_quota},
        {499, R"([{"error":{"code":499,"message":"m","status":"CANCELLED"}}])", server_failed},
        {429, R"([{"error":{"status":"RESOURCE_EXHAUSTED","message":"No capacity available for model m"}}])",
         rate_limited},
        {404, R"([{"error":{"code":404,"status":"NOT_FOUND","message":"models/m is not found for this version"}}])",
         model_not_found},
        {403, R"([{"error":{"code":403,"status":"PERMISSION_DENIED","message":"m"}}])", permission_denied},
        {503, R"([{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}])", server_failed},
        // AWS Bedrock behind a proxy
        {400, R"({"__type":"com.amazon.coral.service#ThrottlingException","message":"m"})", rate_limited},
        {400, R"({"__type":"ValidationException","message":"The provided model identifier is invalid."})",
         model_not_found},
        {403, R"({"__type":"ExpiredTokenException","message":"m"})", unauthenticated},
        {400, R"({"__type":"ThrottlingException","message":"Too many tokens, please wait before trying again."})",
         rate_limited},
        {200, R"({"error":{"message":"Too many tokens, please wait before trying again."}})", rate_limited},
        {400, R"({"__type":"ValidationException","message":"Input is too long for requested model."})",
         context_length_exceeded},
        {403,
         R"({"__type":"AccessDeniedException","message":"Denied: INVALID_PAYMENT_INSTRUMENT: give a payment instrument"})",
         insufficient_quota},
        {403, R"({"__type":"AccessDeniedException","message":"You don't have access to the model."})",
         permission_denied},
        {400, R"({"__type":"ServiceUnavailableException","message":"m"})", server_failed},
        {400, R"({"__type":"ResourceNotFoundException","message":"m"})", model_not_found},
        // Mistral, Cerebras
        {429, R"({"object":"error","message":"Requests rate limit exceeded","type":"t","code":"1300"})", rate_limited},
        {429, R"({"message":"m","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"})",
         rate_limited},
        {400, R"({"object":"error","message":"Invalid model: m","type":"invalid_model","code":"1500"})",
         model_not_found},
        {400,
         R"({"object":"error","message":"Prompt of 9 tokens, too large for 8 maximum context length","code":"3051"})",
         context_length_exceeded},
        {200, R"({"object":"error","message":"Service tier capacity exceeded.","type":"invalid_request_error"})",
         rate_limited},
        {503, R"({"object":"error","message":"Service tier capacity exceeded.","type":"invalid_request_error"})",
         server_failed},
        {401, R"({"detail":"Unauthorized"})", unauthenticated},
        {402, R"({"message":"m","type":"payment_required_error","param":"quota","code":"payment_required"})",
         insufficient_quota},
        {401, R"({"message":"m","type":"invalid_request_error","param":"api_key","code":"wrong_api_key"})",
         unauthenticated},
        {404, R"({"message":"m","type":"not_found_error","param":"model","code":"model_not_found"})", model_not_found},
        {400, R"({"message":"Please reduce the length of the messages","type":"t","code":"context_length_exceeded"})",
         context_length_exceeded},
        // LM Studio, vLLM, llama.cpp, TGI, Ollama
        {400, R"({"error":"the model is loaded with context length of only 8 tokens"})", context_length_exceeded},
        {200, R"({"error":"Unexpected endpoint or method. (POST /x)."})", invalid_request},
        {400, R"({"error":"The model has crashed without more words. (Exit code: null)."})", server_failed},
        {200, R"({"error":"Model unloaded."})", server_failed},
        {400, R"({"error":{"message":"Failed to load model \"m\"","type":"invalid_request_error"}})", server_failed},
        {400, R"({"error":{"message":"Invalid model identifier \"m\"","type":"invalid_request_error"}})",
         model_not_found},
        {404, R"({"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404})",
         model_not_found},
        {400, R"({"object":"error","message":"temperature must be non-negative","type":"BadRequestError","code":400})",
         invalid_request},
        {500,
         R"({"error":{"code":500,"message":"input is too large to process. increase the batch","type":"server_error"}})",
         context_length_exceeded},
        {401, R"({"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}})", unauthenticated},
        {422, R"({"error":"Template error: m","error_type":"template_error"})", invalid_request},
        {424, R"({"error":"Request failed during generation: m","error_type":"generation"})", server_failed},
        {500, R"({"error":"model requires more system memory (9 GiB) than is available (8 GiB)."})", server_failed},
        {503, R"({"error":"server busy, please try again. maximum pending requests exceeded"})", server_failed},
        {429, R"({"error":"you have reached your weekly usage limit"})", insufficient_quota},
        {400, R"({"object":"error","message":"prompt is longer than the maximum model length of 8","code":400})",
         context_length_exceeded},
        {503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", server_failed},
        {429, R"({"error":"Model is overloaded","error_type":"overloaded"})", rate_limited},
        {404, R"({"error":"model \"a\" not found, try pulling it first"})", model_not_found},
        // LiteLLM, one-api and its descendants
        {400, R"({"error":{"type":"budget_exceeded","message":"Budget has been exceeded!","code":"400"}})",
         insufficient_quota},
        {401, R"({"error":{"type":"key_model_access_denied","message":"m","code":"401"}})", permission_denied},
        {400, R"({"error":{"type":"auth_error","message":"ExceededTokenBudget: spend 9, budget 8","code":"400"}})",
         insufficient_quota},
        {400, R"({"error":{"type":"expired_key","message":"m","code":"400"}})", unauthenticated},
        {429, R"({"error":{"type":"None","message":"No deployments available for selected model","code":"429"}})",
         rate_limited},
        {400, R"({"error":{"type":"invalid_request_error","message":"Invalid model name passed in model=m"}})",
         model_not_found},
        {403, R"({"code":403,"reason":"r","message":"not enough balance"})", insufficient_quota},
        {403, R"({"error":{"code":"NOT_ENOUGH_BALANCE","message":"m"}})", insufficient_quota},
        {403, R"({"error":{"type":"one_api_error","message":"user quota is not enough","code":"x"}})",
         insufficient_quota},
        {503, R"({"error":{"type":"new_api_error","message":"No available channel for model m under group g"}})",
         model_not_found},
        {403, R"({"error":{"type":"new_api_error","message":"用户额度不足","code":"x"}})", insufficient_quota},
        {503, R"({"error":{"type":"new_api_error","message":"当前分组下对于模型 m 无可用渠道"}})", model_not_found},
        {403, R"({"error":{"type":"new_api_error","message":"该令牌无权使用模型:m"}})", permission_denied},
        // A request that makes the server fail
        {500, R"({"error":{"type":"invalid_request_error","message":"m"}})", invalid_request},
        {502, R"({"error":{"type":"invalid_request_error","message":"m"}})", server_failed},
        // Inside a 200, with text only
        {200, R"({"error":"Rate limit reached, slow down"})", rate_limited},
        {200, R"({"error":"maximum context length is 8 tokens"})", context_length_exceeded},
        {200, R"({"error":"Insufficient credits"})", insufficient_quota},
        {200, R"({"error":"something else"})", server_failed},
        // An error surrounded by the rest of a stream
        {429,
         "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}\n\ndata: {\"error\":{\"message\":\"n\"}}\n\n",
         insufficient_quota},
        {429, "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Arrearage\",\"message\":\"m\"}\n\n",
         insufficient_quota},
    };
    for (const auto& row : rows) {
        if (row.status != 200) {
            EXPECT_EQ(error_of(row.status, row.body).code, row.code) << row.status << " " << row.body;
            continue;
        }
        const auto plain = decode_completion(std::string(row.body));
        ASSERT_FALSE(plain.has_value());
        EXPECT_EQ(plain.error().code, row.code) << row.body;
    }
}

TEST(ErrorHints, AreReadFromTheBody) {
    const struct {
        std::string_view body;
        std::optional<std::chrono::milliseconds> wait;
    } rows[] = {
        {R"({"error":{"message":"m","metadata":{"headers":{"X-RateLimit-Reset":"7500"}}}})", 7500s},
        {R"({"error":{"message":"m","metadata":{"headers":{"X-RateLimit-Reset":"1700000007000"}}}})", 7s},
        {R"({"error":{"message":"m","metadata":{"headers":{"X-RateLimit-Reset":1700000009}}}})", 9s},
        {R"({"error":{"message":"m","metadata":{"headers":{"X-RateLimit-Reset":"1600000000"}}}})", 0s},
        {R"({"error":{"message":"m","metadata":{"headers":{"Retry-After":"3"}}}})", 3s},
        {R"({"error":"loading","estimated_time":12.5})", 12500ms},
        {R"({"error":{"message":"m","retry_after":2}})", 2s},
        {R"({"error":{"message":"m"},"retry_after_ms":250})", 250ms},
        {R"({"error":{"message":"m","resets_in_seconds":60}})", 60s},
        {R"({"error":{"message":"Please try again in 107ms."}})", 107ms},
        {R"({"error":{"message":"Please try again in 1m2.5s. Visit x"}})", 62500ms},
        {R"({"error":{"message":"Please retry after 6 seconds."}})", 6s},
        {R"({"error":{"message":"please try again after 1 seconds"}})", 1s},
        {R"({"error":{"message":"please retry in 36.5s"}})", 36500ms},
        {R"({"error":{"message":"try again in a while, retry after 5 attempts"}})", std::nullopt},
        {R"({"error":{"message":"m","retry_after":-1}})", std::nullopt},
        {R"({"error":{"message":"m","retry_after":"soon"}})", std::nullopt},
    };
    const std::chrono::system_clock::time_point now{1'700'000'000s};
    for (const auto& row : rows) EXPECT_EQ(decode_error(429, {}, row.body, "h", now).retry_after, row.wait) << row.body;
    EXPECT_EQ(decode_error(429, Headers{{"retry-after", "1"}}, rows[5].body, "h", now).retry_after, 1s);
    EXPECT_EQ(decode_error(429, Headers{{"x-ratelimit-reset", "1700000004"}}, "", "h", now).retry_after, 4s);
    EXPECT_EQ(decode_error(400, {}, rows[1].body, "h", now).retry_after, std::nullopt);
}

TEST(ErrorBody, KeepsTheIdOfTheRequest) {
    for (const std::string_view body :
         {R"({"error":{"message":"m"},"request_id":"r"})", R"({"error":{"message":"m","request_id":"r"}})",
          R"({"code":"c","message":"m","requestId":"r"})"}) {
        EXPECT_EQ(error_of(500, body).request_id, "r") << body;
    }
    EXPECT_EQ(error_of(500, R"({"request_id":"r"})", {{"x-request-id", "h"}}).request_id, "h");
}

TEST(ErrorBody, AHeaderReplacesAMissingType) {
    EXPECT_EQ(error_of(400, R"({"message":"m"})", {{"x-amzn-ErrorType", "ThrottlingException:http://x"}}).code,
              ErrorCode::rate_limited);
}

TEST(ErrorClass, AWrongBaseUrlGetsAHint) {
    EXPECT_THAT(error_of(404, "<html></html>").message, HasSubstr("base URL"));
    EXPECT_THAT(error_of(405, "").message, HasSubstr("/v1"));
    EXPECT_THAT(error_from_fields({.message = "Unexpected endpoint or method. (POST /x)"}).message, HasSubstr("/v1"));
    EXPECT_THAT(error_of(302, "").message, HasSubstr("redirects are not followed"));
    EXPECT_THAT(error_of(404, R"({"error":{"code":"model_not_found","message":"m"}})").message,
                Not(HasSubstr("base URL")));
}

TEST(ErrorInside200, ItsStatusDecides) {
    const auto of = [](ErrorFields fields) { return error_from_fields(fields); };
    EXPECT_EQ(of({.message = "m", .status = 503}).effective_status, 503);
    EXPECT_EQ(of({.message = "m", .status = 401}).code, ErrorCode::unauthenticated);
    EXPECT_EQ(of({.message = "m"}).code, ErrorCode::server_failed);
    EXPECT_EQ(of({.type = "invalid_request_error"}).code, ErrorCode::invalid_request);
    EXPECT_EQ(of({.type = "timeout_error"}).code, ErrorCode::timed_out);
    EXPECT_EQ(of({.type = "not_found_error"}).code, ErrorCode::model_not_found);
    EXPECT_EQ(of({.type = "UNAUTHENTICATED"}).code, ErrorCode::unauthenticated);
    EXPECT_EQ(of({.code = "overloaded"}).message, "the gateway answered 200 with an error (overloaded)");
}

TEST(ErrorBody, HostileBodiesGiveErrors) {
    for (const std::string& body :
         {std::string(1'000'000, '['), std::string(3'000'000, 'x'), std::string(5000, '\0'),
          "{\"error\":{\"message\":\"" + std::string("\xFF\xFE") + "\"}}", std::string("\xFF\xFF\xFF")}) {
        const Error error = error_of(500, body);
        EXPECT_EQ(error.code, ErrorCode::server_failed);
        EXPECT_FALSE(error.message.empty());
        EXPECT_LE(error.raw_body.size(), 8192U);
    }
    EXPECT_EQ(error_of(500, "{\"error\":{\"message\":\"a\xFF\"}}").message, "a\uFFFD");
}

}  // namespace
}  // namespace holysheep::wire
