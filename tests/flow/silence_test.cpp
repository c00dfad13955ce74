// Regions that take a request and fall silent: the client probes them, asks the network whether the request arrived,
// and rescues a call that gets no answer.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

/// The first region answered and then froze; probes are on.
struct FrozenFlow : CallFlow {
    explicit FrozenFlow(ClientOptions options = {}) : CallFlow({kUs, kEu}, std::move(options), kManual, kProbing) {
        transport.reply(kUs, "hello", {.first_byte = 20ms}).reply(kEu, "hello", {.first_byte = 20ms});
        clock.advance(3s);
        EXPECT_EQ(ask_in_steps(*this)->region, kUs);
        transport.clear(kUs).hang(kUs);
    }
};

TEST(Silence, ACallIsRescuedSoonAfterSignOfLife) {
    for (const auto sign_of_life : {300ms, 1000ms}) {
        FrozenFlow flow({.health = {.sign_of_life = sign_of_life}});
        const auto before = flow.clock.now();
        const auto reply = ask_in_steps(flow);
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->region, kEu);
        EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::rescue));
        EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
        EXPECT_GE(flow.clock.now() - before, sign_of_life - 50ms);
        EXPECT_LE(flow.clock.now() - before, sign_of_life + 200ms);
    }
}

// ---- at every moment of a call ----

using testing::FreezeAt;

/// The first of three regions freezes at this moment of a call, `/models` included, after it has answered one.
struct FreezingFlow : CallFlow {
    explicit FreezingFlow(FreezeAt at, ClientOptions options = {})
        : CallFlow({kUs, kEu, kAp}, std::move(options), kManual, kProbing) {
        for (const auto& region : {kUs, kEu, kAp}) transport.reply(region, "hello", {.first_byte = 20ms});
        clock.advance(3s);
        EXPECT_EQ(ask_in_steps(*this)->region, kUs);
        transport.clear(kUs).freeze(kUs, at, {"Merino", ", of course"}, {.first_byte = 20ms, .between = 50ms});
    }
};

bool has_content(FreezeAt at) { return at >= FreezeAt::after_content; }
/// Comments continue for 1.6 s before the silence, so the limit is later.
nanoseconds adjusted_limit(FreezeAt at, nanoseconds limit) {
    return at == FreezeAt::amid_comments ? limit + 1600ms : limit;
}

class SilentAt : public ::testing::TestWithParam<FreezeAt> {};

TEST_P(SilentAt, APlainCallIsAnsweredByAnotherRegion) {
    for (const auto deadline : {std::optional<milliseconds>{}, std::optional<milliseconds>{30s}}) {
        FreezingFlow flow(GetParam());
        const auto before = flow.clock.now();
        const auto reply = ask_in_steps(flow, {.deadline = deadline});
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->region, kEu);
        EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::rescue));
        EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
        EXPECT_LE(flow.clock.now() - before, adjusted_limit(GetParam(), 1200ms));
    }
}

TEST_P(SilentAt, ARawRequestIsAnsweredByAnotherRegion) {
    FreezingFlow flow(GetParam());
    auto sent = std::async(std::launch::async, [&] {
        return flow.client.request(
            {.method = "POST", .path = "/chat/completions", .body_json = R"({"model":"m","messages":[]})"});
    });
    while (!is_ready(sent)) flow.clock.advance(1ms);
    const auto reply = sent.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
}

/// The result of a stream, and when it ended.
struct TimedStream {
    Result<ChatCompletion> result;
    nanoseconds took{};
    std::vector<std::string> events{};
};
TimedStream stream_in_steps(CallFlow& flow, CallOptions options = {}) {
    const auto before = flow.clock.now();
    std::vector<std::string> events;
    std::promise<Result<ChatCompletion>> done;
    auto handle = flow.client.stream_async(
        a_question(), std::move(options), [&](const ChatChunk& chunk) { events.push_back(describe(chunk)); },
        [&](Result<ChatCompletion> result) { done.set_value(std::move(result)); });
    auto result = done.get_future();
    while (!is_ready(result) && flow.clock.now() - before < 600s) flow.clock.advance(5ms);
    return {result.get(), flow.clock.now() - before, events};
}

TEST_P(SilentAt, AStreamFailsOverBeforeContentAndStallsAfterIt) {
    FreezingFlow flow(GetParam(), {.callback_executor = run_inline});
    const auto seen = stream_in_steps(flow);
    if (!has_content(GetParam())) {
        ASSERT_THAT(seen.result, IsOk());
        EXPECT_EQ(seen.result->region, kEu);
        EXPECT_LE(seen.took, adjusted_limit(GetParam(), 1200ms));
        return;
    }
    EXPECT_THAT(seen.result, FailsWith(ErrorCode::stream_stalled));
    EXPECT_LE(seen.took, 3s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::down);
    const auto& attempts = seen.result.error().attempts;
    ASSERT_EQ(attempts.size(), 1U);
    EXPECT_THAT(attempts[0].left, ::testing::StartsWith("silent in mid-answer for "));
    EXPECT_THAT(attempts[0].left, ::testing::EndsWith("; no answer to a probe"));
}

TEST_P(SilentAt, AStreamIsRestartedInAnotherRegion) {
    FreezingFlow flow(GetParam(), {.callback_executor = run_inline});
    CallOptions options;
    options.stream_recovery = StreamRecovery::restart;
    const auto seen = stream_in_steps(flow, options);
    ASSERT_THAT(seen.result, IsOk());
    EXPECT_EQ(seen.result->region, kEu);
    EXPECT_EQ(seen.result->text(), "hello");
    EXPECT_LE(seen.took, adjusted_limit(GetParam(), 1300ms));
    EXPECT_EQ(::testing::Value(seen.events, Contains("restarted")), has_content(GetParam()));
}

TEST_P(SilentAt, ACostSafeCallAndACallBoundToTheRegionStay) {
    for (const bool cost_safe : {true, false}) {
        FreezingFlow flow(GetParam());
        CallOptions options{.deadline = 10s, .cost_safe = cost_safe};
        if (!cost_safe) options.regions = {kUs};
        EXPECT_THAT(ask_in_steps(flow, options), FailsWith(ErrorCode::deadline_exceeded));
        EXPECT_EQ(count_by_region(flow.attempts())[kEu], 0);
    }
}

TEST_P(SilentAt, EveryWaitingCallIsRescuedAndTheBreakerOpens) {
    FreezingFlow flow(GetParam());
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(adjusted_limit(GetParam(), 1500ms));
    for (auto& answer : answers) {
        ASSERT_TRUE(is_ready(answer));
        EXPECT_EQ(answer.get()->region, kEu);
    }
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
}

INSTANTIATE_TEST_SUITE_P(Silence, SilentAt, ::testing::ValuesIn(testing::kFreezeMoments),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST(Silence, ARegionThatSendsOnlyHeadersIsLeft) {
    CallFlow flow({kUs, kEu}, {.callback_executor = run_inline}, CallFlow::kManual, CallFlow::kProbing);
    // All calls go to the faster region first, so there is always a new head.
    flow.transport.reply(kUs, "hello", {.first_byte = 20ms}).reply(kEu, "hello", {.first_byte = 800ms});
    flow.clock.advance(3s);
    for (const auto& region : {kEu, kUs}) ASSERT_THAT(stream_in_steps(flow, {.regions = {region}}).result, IsOk());
    flow.transport.clear(kUs).stream_bytes(kUs, {}, StreamEnd::silent).hang_probes(kUs);
    int answered = 0;
    nanoseconds longest{};
    std::vector<StreamHandle> handles;
    for (int i = 0; i < 20; ++i) {
        const auto on_end = [&, began = flow.clock.now()](const Result<ChatCompletion>& result) {
            answered += result && result->region == kEu ? 1 : 0;
            longest = std::max(longest, flow.clock.now() - began);
        };
        handles.push_back(flow.client.stream_async(
            a_question(), {}, [](const ChatChunk&) {}, on_end));
        flow.clock.advance(200ms);
    }
    flow.clock.advance(2s);
    EXPECT_EQ(answered, 20);
    EXPECT_LE(longest, 2s);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
}

TEST(Silence, TheRecordNamesThePhaseAndTheReasonOfLeavingAnAttempt) {
    FreezingFlow flow(FreezeAt::after_head);
    const auto reply = ask_in_steps(flow);
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(reply->attempts[0].left, ::testing::MatchesRegex("silent after its head for 1\\.[01] s; no answer to a "
                                                                 "probe"));
    EXPECT_THAT(describe(std::span(reply->attempts)), ::testing::HasSubstr("(silent after its head for 1."));
}

TEST(Silence, EndlessCommentsAreNotProgress) {
    CallFlow flow({kUs, kEu}, {.callback_executor = run_inline}, CallFlow::kManual, CallFlow::kProbing);
    flow.transport.reply(kEu, "hello", {.first_byte = 20ms});
    flow.transport.stream_bytes(kUs, std::vector<std::string>(1'000, kKeepAlive), StreamEnd::silent,
                                {.between = 200ms});
    const auto seen = stream_in_steps(flow, {.deadline = 5s});
    ASSERT_THAT(seen.result, IsOk());
    EXPECT_EQ(seen.result->region, kEu);
    EXPECT_THAT(kinds(seen.result->attempts), ElementsAre(AttemptKind::first, AttemptKind::backup));
    EXPECT_EQ(flow.client.stats().backups, 1U);
}

TEST(Silence, FrozenCompletionsFailNoCallsAlthoughProbesAreAnswered) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    // Probes use the script too; any step answers them.
    flow.transport.reply(kUs, "hello", {.first_byte = 200ms}).reply(kEu, "hello", {.first_byte = 200ms});
    for (int i = 0; i < 40; ++i) ASSERT_THAT(ask_in_steps(flow), IsOk());
    flow.transport.clear(kUs).stream_stall(kUs, {"never"});
    int failed = 0, sent_to_frozen = 0;
    for (int i = 0; i < 80; ++i) {
        const auto reply = ask_in_steps(flow, {.deadline = 3s});
        failed += reply ? 0 : 1;
        sent_to_frozen += reply && reply->attempts[0].region == kUs ? 1 : 0;
        flow.clock.advance(500ms);
    }
    EXPECT_LE(failed, 0);
    EXPECT_LE(sent_to_frozen, 20) << "missed deadlines open the model's breaker in us-west";
}

// ---- probes that hang while calls are answered ----

TEST(Silence, ARegionWhoseProbesHangIsUsedWhileItAnswersCalls) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    // Probes hang, so the first step of the script is for calls.
    flow.transport.reply(kUs, "hello", {.first_byte = 2500ms}).reply_raw(kEu, 502, {}, "");
    flow.transport.hang_probes(kUs);
    flow.transport.hang_probes(kEu);
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 150; ++i) {
        answers.push_back(flow.client.chat_async(a_question()));
        flow.clock.advance(200ms);
    }
    flow.clock.advance(10s);
    int failed = 0;
    for (auto& answer : answers) failed += answer.get() ? 0 : 1;
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    EXPECT_EQ(health_of(flow, kUs).reason, "answers calls, but no probes, so probes only connect");
}

TEST(Silence, CallsAreNotSentTwiceIfAllProbesHang) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    for (const auto& region : {kUs, kEu}) flow.transport.reply(region, "hello", {.first_byte = 4s}).hang_probes(region);
    int twice = 0;
    for (int i = 0; i < 20; ++i) {
        const auto reply = ask_in_steps(flow);
        ASSERT_THAT(reply, IsOk());
        twice += reply->attempts.size() > 1 ? 1 : 0;
    }
    EXPECT_LE(twice, 1);
}

TEST(Silence, AfterALongSilenceAProbeIsSentAtOnce) {
    FrozenFlow flow;
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 20ms});
    flow.clock.advance(4s);
    flow.transport.clear(kUs).hang(kUs);
    const auto before = flow.clock.now();
    EXPECT_EQ(ask_in_steps(flow)->region, kEu);
    EXPECT_LE(flow.clock.now() - before, 200ms);
}

TEST(Silence, AllWaitingCallsAreRescued) {
    FrozenFlow flow;
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(1500ms);
    for (auto& answer : answers) {
        ASSERT_TRUE(is_ready(answer));
        EXPECT_EQ(answer.get()->region, kEu);
    }
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open) << "each call counted as a failure";
    EXPECT_EQ(flow.client.stats().regions[0].failovers_away, 8U) << "each call moved to the other region";
}

TEST(Silence, ASlowModelIsNotLeftWhileItsRegionAnswersProbes) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    // Calls and probes advance through the script separately: the first probe meets the slow step, later ones answer at
    // once.
    flow.transport.reply(kUs, "thought", {.first_byte = 20s}).reply(kUs, "quick").reply(kEu, "hello");
    flow.clock.advance(25s);
    auto answer = flow.client.chat_async(a_question());
    flow.clock.advance(20s);
    ASSERT_TRUE(is_ready(answer));
    const auto reply = answer.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first));
}

TEST(Silence, WithSignOfLifeOffACallWaitsForItsTimeouts) {
    FrozenFlow flow({.health = {.interval = 1h, .sign_of_life = 0ms}, .timeouts = {.first_byte = 30s}});
    const auto before = flow.clock.now();
    const auto reply = ask_in_steps(flow);
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::failover));
    EXPECT_GE(flow.clock.now() - before, 30s);
}

TEST(Silence, ARescueStaysWithinTheAllowListAndLeavesCostSafeCallsAlone) {
    FrozenFlow flow;
    EXPECT_THAT(ask_in_steps(flow, {.deadline = 10s, .regions = {kUs}}), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_THAT(ask_in_steps(flow, {.deadline = 10s, .cost_safe = true}), Not(IsOk()));
    EXPECT_THAT(count_by_region(flow.attempts())[kEu], 0);
}

TEST(Silence, AStreamIsRescued) {
    FrozenFlow flow;
    auto stream = flow.client.stream(a_question());
    flow.clock.advance(1500ms);
    const auto reply = stream.finish();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
}

// ---- the network's own evidence ----

constexpr auto kUnacknowledged = PathEvidence{.unacked_for = 400ms, .srtt = 20ms, .rttvar = 2ms};

std::vector<AttemptKind> kinds_with(const std::optional<PathEvidence>& evidence, CallOptions options = {}) {
    CallFlow flow({kUs, kEu}, {.timeouts = {.first_byte = 5s}});
    flow.transport.reply(kUs, "late", {.first_byte = 2s}).reply(kEu, "hello", {.first_byte = 20ms});
    flow.transport.set_evidence(evidence);
    const auto reply = flow.client.chat(a_question(), std::move(options));
    EXPECT_THAT(reply, IsOk());
    return reply ? kinds(reply->attempts) : std::vector<AttemptKind>{};
}

TEST(Silence, AnUnacknowledgedRequestIsRaced) {
    CallFlow flow({kUs, kEu});
    flow.transport.hang(kUs).reply(kEu, "hello", {.first_byte = 20ms});
    flow.transport.set_evidence(kUnacknowledged);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
    EXPECT_LE(flow.elapsed(), 300ms);
    EXPECT_GT(health_of(flow, kUs).error_rate, 0) << "the failure counts at once";
}

TEST(Silence, AnAcknowledgedRequestIsNotRaced) {
    EXPECT_THAT(kinds_with(kUnacknowledged), Contains(AttemptKind::race));
    EXPECT_THAT(kinds_with(std::nullopt), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(PathEvidence{.srtt = 20ms, .rttvar = 2ms}), ElementsAre(AttemptKind::first));
    auto through_proxy = kUnacknowledged;
    through_proxy.via_proxy = true;
    EXPECT_THAT(kinds_with(through_proxy), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(kUnacknowledged, {.cost_safe = true}), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(kUnacknowledged, {.regions = {kUs}}), ElementsAre(AttemptKind::first));
}

TEST(Silence, ALateConnectionIsKeptDuringARace) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "hello", {.connect = 300ms}).reply(kEu, "no", {.connect = 400ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs) << "it was ready first after all";
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_FALSE(reply->attempts[1].maybe_duplicated);
    EXPECT_FALSE(flow.transport.requests()[1].sent) << "connections race, requests do not";
}

}  // namespace
}  // namespace holysheep::flow
