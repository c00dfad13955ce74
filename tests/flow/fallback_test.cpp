// A fallback model is the last resort: what is tried before it, and when it is used. Also the faults of a single
// region: it lacks the model, or its URL leads to a server that is not a gateway.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kFallback = "deepseek-v3.2";

ClientOptions with_fallback(RetryOptions retry = {}) { return {.retry = retry, .fallback_models = {kFallback}}; }

std::vector<std::string> requested_models(const std::vector<AttemptRecord>& attempts) {
    std::vector<std::string> models;
    for (const auto& attempt : attempts) models.push_back(attempt.model);
    return models;
}

std::vector<std::string> idempotency_keys(const CallFlow& flow) {
    std::vector<std::string> keys;
    for (const auto& request : flow.requests()) keys.push_back(header(request, "Idempotency-Key"));
    return keys;
}

TEST(Fallback, ATransientFailureOfTheOnlyRegionKeepsTheModel) {
    for (const int status : {500, 502, 503, 504, 529}) {
        CallFlow flow({kUs}, with_fallback());
        flow.transport.reply_raw(kUs, status, {}, "").reply(kUs, "hello");
        const auto reply = flow.client.chat(a_question());
        ASSERT_THAT(reply, IsOk());
        EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", "gpt-4.1")) << status;
        EXPECT_EQ(reply->model_reason, "");
    }
}

TEST(Fallback, ALostConnectionOfTheOnlyRegionKeepsTheModel) {
    for (const bool refused : {true, false}) {  // before or after the request was sent
        for (const bool streams : {false, true}) {
            CallFlow flow({kUs}, with_fallback());
            flow.transport.fail(kUs, ErrorCode::transport_failed, refused);
            if (streams) {
                flow.transport.stream(kUs, {"hello"});
            } else {
                flow.transport.reply(kUs, "hello");
            }
            const auto reply =
                streams ? flow.client.stream_to(a_question(), [](const ChatChunk&) {}) : flow.client.chat(a_question());
            ASSERT_THAT(reply, IsOk());
            EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", "gpt-4.1")) << refused << streams;
            EXPECT_LE(flow.elapsed(), 2s);
        }
    }
}

TEST(Fallback, AShortRetryAfterIsWaitedOutAndALongOneIsNot) {
    for (const auto& [hint, second] : {std::pair{"1", "gpt-4.1"}, {"3", "deepseek-v3.2"}, {"30", "deepseek-v3.2"}}) {
        CallFlow flow({kUs}, with_fallback());
        flow.transport.reply_raw(kUs, 429, {{"retry-after", hint}}, error_body("rate_limit_exceeded"))
            .reply(kUs, "hello");
        const auto reply = flow.client.chat(a_question());
        ASSERT_THAT(reply, IsOk());
        EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", second)) << hint;
        const bool waited = reply->attempts[1].model != kFallback;
        EXPECT_EQ(flow.elapsed() > 0s, waited) << "the call does not begin a long wait";
    }
}

TEST(Fallback, IsUsedWithinItsTimeIfTheModelKeepsFailing) {
    CallFlow flow({kUs}, {.breaker = {.enabled = false}, .fallback_models = {kFallback}});
    for (int i = 0; i < 3; ++i) flow.transport.reply_raw(kUs, 500, {}, "");
    flow.transport.reply(kUs, "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", "gpt-4.1", "gpt-4.1", kFallback));
    EXPECT_LE(flow.elapsed(), 2s);
    EXPECT_EQ(reply->model_reason, "fallback: gpt-4.1 failed with server_failed");
}

TEST(Fallback, AfterZeroIsUsedOnceEachRegionHasFailed) {
    CallFlow flow({kUs, kEu}, with_fallback({.fallback_after = 0ms}));
    flow.transport.reply_raw(kUs, 503, {}, "").reply(kUs, "hello");
    flow.transport.reply_raw(kEu, 503, {}, "").reply(kEu, "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", "gpt-4.1", kFallback));
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Fallback, AModelWithAnOpenBreakerIsNotRequestedInTheOnlyRegion) {
    CallFlow flow({kUs}, with_fallback());
    for (int i = 0; i < 3; ++i) flow.transport.reply_raw(kUs, 503, {}, "");
    flow.transport.reply(kUs, "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(requested_models(reply->attempts), ElementsAre(kFallback));
    EXPECT_EQ(reply->model_reason, "fallback: gpt-4.1 had no usable region");
    flow.clock.advance(3s);
    const auto trial = flow.client.chat(a_question());
    ASSERT_THAT(trial, IsOk());
    EXPECT_THAT(requested_models(trial->attempts), ElementsAre("gpt-4.1")) << "a trial of the model is due";
}

TEST(Fallback, AnEmptyRetryBudgetDoesNotPreventIt) {
    CallFlow flow({kUs}, with_fallback({.budget_ratio = 0, .budget_capacity = 0}));
    flow.transport.reply_raw(kUs, 500, {}, "").reply(kUs, "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(requested_models(reply->attempts), ElementsAre("gpt-4.1", kFallback));
}

TEST(Fallback, HasItsOwnIdempotencyKey) {
    CallFlow flow({kUs}, with_fallback());
    flow.transport.reply_raw(kUs, 404, {}, error_body("model_not_found"))
        .reply_raw(kUs, 500, {}, "")
        .reply(kUs, "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.idempotency_key = "order-7"}), IsOk());
    const auto keys = idempotency_keys(flow);
    ASSERT_THAT(keys, SizeIs(3));
    EXPECT_EQ(keys[0], "order-7");
    EXPECT_THAT(keys[1], StartsWith("order-7-"));
    EXPECT_EQ(keys[2], keys[1]) << "the same body again";
}

TEST(Fallback, AMappedModelNameHasItsOwnIdempotencyKey) {
    auto regions = FakeTransport::regions({kUs, kEu, kAp});
    for (int tier = 0; auto& region : regions) region.tier = tier++;
    regions[1].model_map = {{"gpt-4.1", "deployment-7"}};
    CallFlow flow({}, {.regions = regions});
    flow.transport.reply_raw(kUs, 503, {}, "").reply_raw(kEu, 503, {}, "").reply(kAp, "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.idempotency_key = "order-7"}), IsOk());
    EXPECT_THAT(idempotency_keys(flow), ElementsAre("order-7", StartsWith("order-7-"), "order-7"));
}

// ---- streams that break after content ----

std::vector<std::string> requested_models(const Result<ChatCompletion>& reply) {
    return requested_models(reply ? reply->attempts : reply.error().attempts);
}

TEST(Fallback, ABrokenStreamRestartsWithItOnceTheFirstModelHasNoAttemptLeft) {
    CallFlow flow({kUs}, with_fallback());
    for (int i = 0; i < 3; ++i) flow.transport.stream_cut(kUs, {"Mer"}, {.between = 3s});
    flow.transport.stream(kUs, {"Merino", " wool"});
    std::string text;
    const auto reply =
        flow.client.stream_to(a_question(), {.stream_recovery = StreamRecovery::restart}, [&](const ChatChunk& chunk) {
            if (chunk.event == ChunkEvent::restarted) text.clear();
            text += chunk.text;
        });
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(requested_models(reply), ElementsAre("gpt-4.1", "gpt-4.1", "gpt-4.1", kFallback));
    EXPECT_EQ(text, "Merino wool");
    EXPECT_EQ(reply->text(), "Merino wool");
}

TEST(Fallback, ABrokenStreamIsContinuedOnlyByAModelWithPrefill) {
    for (const bool prefill : {false, true}) {
        auto options = with_fallback();
        options.models = {{"gpt-4.1", {.prefill = true}}, {kFallback, {.prefill = prefill}}};
        options.retry.outage_patience = 0ms;
        CallFlow flow({kUs}, options);
        for (int i = 0; i < 3; ++i) flow.transport.stream_cut(kUs, {"Mer"});
        flow.transport.stream(kUs, {"ino"});
        const auto reply = flow.client.stream_to(a_question(), {.stream_recovery = StreamRecovery::continue_prefix},
                                                 [](const ChatChunk&) {});
        EXPECT_EQ(reply.has_value(), prefill);
        if (reply) {
            EXPECT_EQ(reply->text(), "MerMerMerino");
        }
        EXPECT_THAT(requested_models(reply), SizeIs(prefill ? 4 : 3));
    }
}

// ---- models that a region lacks ----

TEST(MissingModels, AreRequestedOncePerRegionAndRememberedForAGrowingTime) {
    CallFlow flow({kUs, kEu, kAp});
    for (const auto& id : {kUs, kEu, kAp}) flow.transport.reply_raw(id, 404, {}, error_body("model_not_found"));
    const auto attempts_of_call = [&] {
        flow.transport.clear_requests();
        EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::model_not_found));
        return flow.attempts();
    };
    EXPECT_THAT(attempts_of_call(), ElementsAre(kUs, kEu, kAp));
    EXPECT_THAT(attempts_of_call(), SizeIs(1)) << "one region is tried because all lack the model";
    flow.clock.advance(61s);
    EXPECT_THAT(attempts_of_call(), ElementsAre(kUs, kEu, kAp));
    flow.clock.advance(61s);
    EXPECT_THAT(attempts_of_call(), SizeIs(1)) << "the time has doubled to two minutes";
    for (int i = 0; i < 5; ++i) {
        flow.clock.advance(10min);
        EXPECT_THAT(attempts_of_call(), SizeIs(3)) << "at most ten minutes";
    }
}

TEST(MissingModels, NoEndpointsFoundMeansAMissingModel) {
    CallFlow flow({kUs, kEu});
    flow.transport
        .reply_raw(kUs, 404, {}, R"({"error":{"message":"No endpoints found that support tool use.","code":404}})")
        .reply(kEu, "hello");
    EXPECT_EQ(answered_by(flow), kEu);
}

// ---- answers that do not come from a gateway ----

TEST(Misrouted, ARedirectFailsOver) {
    for (const int status : {301, 302, 307, 308}) {
        CallFlow flow({kUs, kEu});
        flow.transport.reply_raw(kUs, status, {{"location", "https://login.example/"}}, "").reply(kEu, "hello");
        EXPECT_EQ(answered_by(flow), kEu) << status;
    }
}

TEST(Misrouted, ALoginPageFailsOver) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply_raw(kUs, 200, {{"content-type", "text/html"}}, "<html><title>Sign in</title></html>")
        .reply(kEu, "hello");
    EXPECT_EQ(answered_by(flow), kEu);
}

TEST(Misrouted, IsTheFinalErrorOnlyIfAllRegionsAreMisrouted) {
    for (const bool all : {false, true}) {
        CallFlow flow({kUs, kEu});
        flow.transport.reply_raw(kUs, 302, {{"location", "https://login.example/"}}, "");
        flow.transport.reply_raw(kEu, all ? 302 : 503, {}, "");
        const auto reply = flow.client.chat(a_question());
        ASSERT_FALSE(reply);
        if (all) {
            EXPECT_THAT(reply, FailsWith(ErrorCode::invalid_request));
            EXPECT_THAT(reply.error().message, ::testing::HasSubstr("redirects are not followed"));
            EXPECT_THAT(flow.attempts(), ElementsAre(kUs, kEu)) << "no region is asked twice";
        } else {
            EXPECT_EQ(reply.error().cause, ErrorCode::server_failed);
            EXPECT_EQ(std::ranges::count(flow.attempts(), kUs), 1);
        }
    }
}

TEST(Misrouted, ALoginPageIsNotTheCauseIfAnotherRegionFailed) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply_raw(kUs, 200, {{"content-type", "text/html"}}, "<html><title>Sign in</title></html>");
    flow.transport.reply_raw(kEu, 503, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().cause, ErrorCode::server_failed);
}

TEST(Misrouted, ARedirectedRawRequestDoesNotOpenBreakers) {
    CallFlow flow({kUs, kEu});
    for (const auto& id : {kUs, kEu}) flow.transport.reply_raw(id, 302, {{"location", "https://files.example/"}}, "");
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(flow.client.request({.method = "GET", .path = "/files/1"}));
    for (const auto& id : {kUs, kEu}) EXPECT_EQ(breaker_of(flow, id), BreakerState::closed);
}

TEST(Misrouted, AStatus499FailsOver) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply_raw(kUs, 499, {}, "").reply(kEu, "hello");
    EXPECT_EQ(answered_by(flow), kEu);
}

}  // namespace
}  // namespace holysheep::flow
