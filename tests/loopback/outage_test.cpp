// Cases in which the client can only wait, retry or give up; and many calls while regions fail and recover.
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class OneRegion : public ::testing::Test {
  protected:
    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}}};
    ClientOptions options = options_for(gateway);
};

using AllRegionsDown = TwoRegions;
using Throttling = TwoRegions;

TEST_F(AllRegionsDown, TheErrorNamesTheFirstCauseAndEveryAttempt) {
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    gateway.set_fault("eu-central", {.kind = Kind::status, .status = 503});
    // Use a new client each time: one that knows of the outage asks the region whose canary is due first.
    for (const bool stream : {false, true}) {
        Client client(options);
        const auto answer = stream ? client.stream(question()).finish() : client.chat(question());
        ASSERT_THAT(answer, FailsWith(ErrorCode::all_regions_unavailable));
        const auto& error = answer.error();
        EXPECT_EQ(error.cause, ErrorCode::transport_failed);
        EXPECT_TRUE(error.is_retryable());
        EXPECT_THAT(error.message, HasSubstr("all 2 regions failed, first us-west"));
        ASSERT_THAT(error.attempts, SizeIs(::testing::Ge(4U)));
        EXPECT_THAT(std::vector(error.attempts.begin(), error.attempts.begin() + 2),
                    ElementsAre(::testing::Field(&AttemptRecord::error, ErrorCode::transport_failed),
                                ::testing::Field(&AttemptRecord::error, ErrorCode::server_failed)));
    }
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(AllRegionsDown, ARegionThatRecoversDuringTheCallAnswersIt) {
    for (const auto* id : {"us-west", "eu-central"}) gateway.set_fault(id, {.kind = Kind::status, .times = 1});
    options.retry.initial_backoff = 1ms;
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(outcomes(answer), ElementsAre("us-west server_failed", "eu-central server_failed", "us-west ok"));
    EXPECT_EQ(answer->attempts[2].kind, AttemptKind::retry);
}

TEST_F(AllRegionsDown, MaxAttemptsOneSendsOneRequest) {
    gateway.set_fault("us-west", {.kind = Kind::status});
    options.retry.max_attempts = 1;
    Client client(options);
    const auto answer = client.chat(question());
    EXPECT_THAT(answer, FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(outcomes(answer), ElementsAre("us-west server_failed"));
    EXPECT_EQ(gateway.requests("eu-central"), 0u);
}

TEST_F(AllRegionsDown, RetriesAddLittleLoad) {
    for (const auto* id : {"us-west", "eu-central"}) gateway.set_fault(id, {.kind = Kind::status});
    options.retry.initial_backoff = 1ms;
    options.retry.budget_capacity = 5;
    options.retry.outage_patience = 100ms;
    Client client(options);
    constexpr int kCalls = 40;
    for (int i = 0; i < kCalls; ++i) {
        const auto answer = client.chat(question());
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().is_retryable(), true);
    }
    // The budget's capacity, the first few calls, and the free moves while the second region was not yet known to fail.
    EXPECT_LE(gateway.requests("us-west") + gateway.requests("eu-central"), kCalls * 5u / 4u + 25u);
}

using AllowList = TwoRegions;

TEST_F(AllowList, IsNeverLeft) {
    options.retry.initial_backoff = 1ms;
    Client client(options);
    EXPECT_THAT(outcomes(client.chat(question(), {.regions = {"eu-central"}})), ElementsAre("eu-central ok"));
    EXPECT_THAT(outcomes(client.stream(question(), {.exclude_regions = {"us-west"}}).finish()),
                ElementsAre("eu-central ok"));
    gateway.set_fault("eu-central", {.kind = Kind::refuse});
    for (const auto& answer : {client.chat(question(), {.regions = {"eu-central"}}),
                               client.stream(question(), {.regions = {"eu-central"}}).finish()}) {
        EXPECT_THAT(answer, FailsWith(ErrorCode::transport_failed));
        EXPECT_THAT(outcomes(answer), ::testing::Each(StartsWith("eu-central")));
    }
    EXPECT_EQ(gateway.connections("us-west"), 0u);
}

TEST_F(OneRegion, IsRetriedAfterABackOff) {
    gateway.set_fault("us-west", {.kind = Kind::status, .times = 2});
    options.retry.initial_backoff = 1ms;
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(outcomes(answer), ElementsAre("us-west server_failed", "us-west server_failed", "us-west ok"));
}

TEST_F(OneRegion, ReportsItsOwnErrorInsteadOfAllRegionsFailed) {
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    options.retry.initial_backoff = 1ms;
    Client client(options);
    const auto answer = client.chat(question());
    EXPECT_THAT(answer, FailsWith(ErrorCode::transport_failed));
    EXPECT_THAT(outcomes(answer), SizeIs(::testing::Ge(3U)));
}

TEST_F(OneRegion, AConflictIsRetriedOnceInTheSameRegion) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 409, .times = 1});
    options.retry.initial_backoff = 1ms;
    Client client(options);
    EXPECT_THAT(outcomes(client.chat(question())), ElementsAre("us-west conflict", "us-west ok"));
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 409});
    const auto refused = client.chat(question());
    EXPECT_THAT(refused, FailsWith(ErrorCode::conflict));
    EXPECT_THAT(outcomes(refused), ElementsAre("us-west conflict", "us-west conflict"));
}

TEST_F(OneRegion, IsNotRetriedBeforeItsRetryAfter) {
    gateway.set_fault("us-west",
                      {.kind = Kind::status, .status = 429, .headers = {{"retry-after-ms", "250"}}, .times = 1});
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    const auto seen = gateway.seen("us-west");
    ASSERT_THAT(seen, SizeIs(2));
    EXPECT_GE(seen[1].when - seen[0].when, 245ms);
}

TEST_F(OneRegion, ARetryAfterBeyondTheDeadlineIsReportedAtOnce) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "20"}}});
    Client client(options);
    const auto answer = client.chat(question(), {.deadline = 10s});
    ASSERT_THAT(answer, FailsWith(ErrorCode::rate_limited));
    EXPECT_EQ(answer.error().retry_after, 20s);
    EXPECT_EQ(gateway.requests("us-west"), 1u);
    const auto next = client.chat(question(), {.deadline = 10s});
    EXPECT_THAT(next, FailsWith(ErrorCode::rate_limited));
    EXPECT_THAT(outcomes(next), SizeIs(0));
    EXPECT_EQ(gateway.requests("us-west"), 1u) << "the Retry-After was ignored";
}

TEST_F(Throttling, TheNextRegionIsAskedWithoutAWait) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    Client client(options);
    EXPECT_THAT(outcomes(client.chat(question())), ElementsAre("us-west rate_limited", "eu-central ok"));
    EXPECT_THAT(outcomes(client.chat(question())), ElementsAre("eu-central ok")) << "the pause holds for later calls";
}

TEST_F(Throttling, InEveryRegionIsReportedAsRateLimited) {
    for (const auto* id : {"us-west", "eu-central"}) {
        gateway.set_fault(id, {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    }
    Client client(options);
    EXPECT_THAT(client.chat(question(), {.deadline = 10s}), FailsWith(ErrorCode::rate_limited));
}

TEST_F(AllRegionsDown, TheDeadlineEndsAHangingCall) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    Client client(options);
    const auto answer = client.chat(question(), {.deadline = 200ms, .regions = {"us-west"}});
    EXPECT_THAT(answer, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kTestTimeout)) << "the connection was left open";
}

TEST_F(AllRegionsDown, TheDeadlineEndsACallAtEachMomentOfAFreeze) {
    Client client(options);
    std::uint64_t left = 0;
    for (const auto at : holysheep::testing::kFreezeMoments) {
        for (const bool streamed : {false, true}) {
            gateway.set_fault("us-west", {.kind = Kind::freeze, .at = at});
            const CallOptions call{.deadline = 200ms, .regions = {"us-west"}};
            const auto answer = streamed ? client.stream(question(), call).finish() : client.chat(question(), call);
            EXPECT_THAT(answer, FailsWith(ErrorCode::deadline_exceeded)) << to_string(at);
            gateway.revive("us-west");
            EXPECT_TRUE(gateway.wait_for_early_closes("us-west", ++left, kTestTimeout)) << to_string(at);
        }
    }
}

/// Faults come and go in two of three regions, while calls of all forms run on many threads.
TEST(ChangingFaults, NoCallFailsWhileOneRegionIsHealthy) {
    const std::vector<std::string> ids{"us-west", "eu-central", "ap-southeast"};
    GatewaySimulator gateway(
        {SimulatedRegion{.id = ids[0]}, SimulatedRegion{.id = ids[1]}, SimulatedRegion{.id = ids[2]}},
        SimulatorOptions{.record = false});
    auto options = options_for(gateway);
    options.timeouts.first_byte = 1s;
    options.timeouts.first_content = 1s;
    options.timeouts.stall = 2s;
    // Each request that breaks in the middle costs a token; this test needs more than the default budget.
    options.retry.budget_capacity = 1'000'000;
    Client client(options);

    constexpr int kThreads = 64, kCallsEach = 40;
    Counter done;
    std::atomic<int> failed{0}, interrupted{0}, moved{0};
    std::atomic<std::uint64_t> attempts{0};
    std::mutex mutex;
    std::vector<std::string> errors;
    const auto record = [&](const Result<ChatCompletion>& answer) {
        attempts += (answer ? answer->attempts : answer.error().attempts).size();
        if (answer) {
            moved += answer->attempts.size() > 1 ? 1 : 0;
            return;
        }
        // Half an answer that its reader has seen cannot be replaced: the call reports it, so it does not count as
        // failed.
        if (answer.error().code == ErrorCode::stream_interrupted && answer.error().partial) {
            ++interrupted;
            return;
        }
        ++failed;
        std::lock_guard lock(mutex);
        errors.push_back(answer.error().message + " | " + describe(answer.error().attempts));
    };
    std::vector<std::jthread> callers;
    for (int thread = 0; thread < kThreads; ++thread) {
        callers.emplace_back([&, thread] {
            for (int i = 0; i < kCallsEach; ++i) {
                const auto kind = (thread + i) % 3;
                if (kind == 0) {
                    record(client.chat(question()));
                } else if (kind == 1) {
                    record(client.stream(question()).finish());
                } else {
                    record(client.chat_async(question()).get());
                }
                done.add();
            }
        });
    }
    // The faults change with the number of finished calls, not with the clock; the last region has none.
    const std::vector<Fault> faults{{.kind = Kind::refuse},
                                    {.kind = Kind::status, .status = 503},
                                    {.kind = Kind::none},
                                    {.kind = Kind::reset_before_headers},
                                    {.kind = Kind::reset_after_headers},
                                    {.kind = Kind::close_after_response},
                                    {.kind = Kind::html, .status = 502},
                                    {.kind = Kind::garbage, .share = 0.5},
                                    {.kind = Kind::none},
                                    {.kind = Kind::cut, .after_chunks = 0},
                                    {.kind = Kind::error_in_200}};
    constexpr int kSteps = 44;
    for (int step = 0; step < kSteps; ++step) {
        gateway.set_fault(ids[0], faults[static_cast<std::size_t>(step) % faults.size()]);
        gateway.set_fault(ids[1], faults[static_cast<std::size_t>(step * 3) % faults.size()]);
        ASSERT_TRUE(done.wait_for(kThreads * kCallsEach * (step + 1) / kSteps, 120s));
    }
    callers.clear();
    EXPECT_EQ(failed, 0) << (errors.empty() ? std::string() : errors.front());
    EXPECT_GT(moved, 0);
    std::uint64_t requests = 0;
    for (const auto& id : ids) requests += gateway.requests(id);
    EXPECT_LE(requests, attempts) << "a request was sent that no attempt record shows";
    const auto stats = client.stats();
    EXPECT_EQ(stats.in_flight, 0);
    EXPECT_EQ(stats.calls, static_cast<std::uint64_t>(kThreads * kCallsEach));
    EXPECT_EQ(stats.attempts, attempts);
}

}  // namespace
