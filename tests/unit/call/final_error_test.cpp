// The error of a call that ended without an answer, for each way in which calls end.
#include "call/final_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Error attempt_error(ErrorCode code, std::string region, std::string message) {
    Error error{.code = code, .message = std::move(message), .http_status = 418};
    error.region = std::move(region);
    error.model = "the attempt's";
    return error;
}

/// A call among regions a, b, …, and the errors of its attempts.
struct FailedRun : MachineRun {
    explicit FailedRun(std::size_t count, bool stream = false, const BreakerOptions& breaker = {.enabled = false})
        : MachineRun(count, stream, breaker) {}

    Error error(std::size_t attempts, nanoseconds elapsed = 1'500ms) {
        static constexpr std::array<std::string_view, 4> kNames{"a", "b", "c", "d"};
        return compose_error({.machine = machine(),
                              .first = first ? &*first : nullptr,
                              .last = last ? &*last : nullptr,
                              .recovery = recovery ? &*recovery : nullptr,
                              .refusal = refusal ? &*refusal : nullptr,
                              .regions = regions,
                              .region_names = kNames,
                              .model = "model",
                              .model_id = model,
                              .attempts = attempts,
                              .elapsed = elapsed,
                              .now = now});
    }

    std::optional<Error> first{}, last{}, recovery{}, refusal{};
};

TEST(ComposedError, OfACancelledCallStatesAttemptsAndTime) {
    FailedRun run(2);
    run.start();
    run.cancel();
    const auto error = run.error(1, 1'500'900us);
    EXPECT_EQ(error.code, ErrorCode::cancelled);
    EXPECT_EQ(error.message, "the call was cancelled (1 attempt, 1500 ms)");
    EXPECT_EQ(error.model, "model");
    EXPECT_EQ(run.error(0, 0ms).message, "the call was cancelled (0 attempts, 0 ms)");
}

TEST(ComposedError, OfADeadlineNamesThePrecedingFailure) {
    FailedRun run(1);
    run.policy.deadline = run.now + 1s;
    run.start();
    run.pass(1s);
    EXPECT_EQ(run.error(1).message, "the call's deadline passed (1 attempt, 1500 ms)");
    EXPECT_EQ(run.error(1).cause, std::nullopt);
    run.first = attempt_error(ErrorCode::tls_failed, "a", "bad certificate");
    const auto error = run.error(2);
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(error.cause, ErrorCode::tls_failed);
    EXPECT_EQ(error.message, "the call's deadline passed (2 attempts, 1500 ms); before that, a: bad certificate");
}

TEST(ComposedError, OfARefusalIsTheGatewaysError) {
    FailedRun run(2);
    run.start();
    run.end(1, overloaded());
    run.end(2, failed_with(ErrorCode::invalid_request, 400));
    run.first = attempt_error(ErrorCode::server_failed, "a", "busy");
    run.last = attempt_error(ErrorCode::invalid_request, "b", "bad tool");
    const auto error = run.error(2);
    EXPECT_EQ(error.code, ErrorCode::invalid_request);
    EXPECT_EQ(error.message, "b: bad tool");
    EXPECT_EQ(error.http_status, 418);
    EXPECT_EQ(error.region, "b");
    EXPECT_EQ(error.model, "model") << "the name that the caller knows";
}

TEST(ComposedError, OfAnErrorWithoutARegionHasNoPrefix) {
    FailedRun run(1);
    run.start();
    run.end(1, failed_with(ErrorCode::invalid_request, 400));
    run.last = attempt_error(ErrorCode::invalid_request, "", "bad tool");
    EXPECT_EQ(run.error(1).message, "bad tool");
}

TEST(ComposedError, NamesTheLimitThatEndedTheCall) {
    FailedRun run(2);
    run.policy.retry.max_attempts = 1;
    run.start();
    run.end(1, overloaded());
    run.first = run.last = attempt_error(ErrorCode::server_failed, "a", "busy");
    const auto error = run.error(1);
    EXPECT_EQ(error.code, ErrorCode::server_failed);
    EXPECT_EQ(error.message, "a: busy; retry.max_attempts is used up (1 attempt, 1500 ms)");
}

TEST(ComposedError, OfACostSafeCallStatesAPossibleDelivery) {
    FailedRun run(2);
    run.policy.cost_safe = true;
    run.start();
    run.connect(1);
    EXPECT_THAT(run.end(1, lost_connection()), ElementsAre("finish #1 maybe_delivered"));
    run.first = run.last = attempt_error(ErrorCode::transport_failed, "a", "reset");
    EXPECT_THAT(run.error(1).message, StartsWith("a: reset; cost_safe forbids sending it again"));
}

TEST(ComposedError, OfAllRegionsNamesTheFirstCauseAndKeepsItsDetails) {
    FailedRun run(2);
    run.policy.retry.max_attempts = 2;
    run.start();
    run.end(1, failed_with(ErrorCode::tls_failed));
    run.end(2, overloaded());
    run.first = attempt_error(ErrorCode::tls_failed, "a", "bad certificate");
    run.last = attempt_error(ErrorCode::server_failed, "b", "busy");
    run.last->retry_after = 7s;
    const auto error = run.error(2);
    EXPECT_EQ(error.code, ErrorCode::all_regions_unavailable);
    EXPECT_EQ(error.cause, ErrorCode::tls_failed);
    EXPECT_THAT(error.message, StartsWith("all 2 regions failed, first a: bad certificate; retry.max_attempts"));
    EXPECT_THAT(error.message, EndsWith(" (2 attempts, 1500 ms)"));
    EXPECT_EQ(error.retry_after, 7s) << "the latest hint counts";
    EXPECT_EQ(error.http_status, 418);
}

TEST(ComposedError, OfASingleRegionKeepsItsClass) {
    FailedRun run(1);
    run.policy.retry.max_attempts = 1;
    run.start();
    run.end(1, overloaded());
    run.first = run.last = attempt_error(ErrorCode::server_failed, "a", "busy");
    EXPECT_EQ(run.error(1).code, ErrorCode::server_failed);
    EXPECT_EQ(run.error(1).cause, std::nullopt);
}

TEST(ComposedError, OfThrottlingInEveryRegionKeepsItsClass) {
    FailedRun run(2);
    run.policy.retry.max_attempts = 2;
    run.start();
    run.end(1, throttled(5s));
    run.end(2, throttled(8s));
    run.first = attempt_error(ErrorCode::rate_limited, "a", "slow down");
    run.last = attempt_error(ErrorCode::rate_limited, "b", "slow down");
    run.last->retry_after = 8s;
    const auto error = run.error(2);
    EXPECT_EQ(error.code, ErrorCode::rate_limited);
    EXPECT_EQ(error.retry_after, 8s);
}

TEST(ComposedError, OfOneProxyInFrontOfEveryRegionKeepsItsClass) {
    FailedRun run(2);
    run.policy.retry.max_attempts = 2;
    run.start();
    const Outcome refused_host{.error = ErrorCode::proxy_failed, .proxy_status = 403};
    run.end(1, refused_host);
    run.end(2, refused_host);
    run.first = attempt_error(ErrorCode::proxy_failed, "a", "forbidden");
    run.last = attempt_error(ErrorCode::proxy_failed, "b", "forbidden");
    EXPECT_EQ(run.error(2).code, ErrorCode::proxy_failed);
}

TEST(ComposedError, ListsBlockedRegionsThatWereNotTried) {
    FailedRun run(2, false, {});
    run.policy.retry.max_attempts = 1;
    run.regions.force_breaker(1, BreakerState::open, run.now);
    run.start();
    run.end(1, overloaded());
    run.first = run.last = attempt_error(ErrorCode::server_failed, "a", "busy");
    const auto error = run.error(1);
    EXPECT_EQ(error.code, ErrorCode::all_regions_unavailable);
    EXPECT_THAT(error.message, AllOf(StartsWith("no region is left, first a: busy"),
                                     HasSubstr("; kept away from b: breaker forced by the program")));
    EXPECT_THAT(error.message, Not(HasSubstr("next trial"))) << "a forced breaker has none";
}

TEST(ComposedError, DoesNotBlameAllRegionsIfAHealthyOneWasNotTried) {
    FailedRun run(2);
    run.policy.retry.max_attempts = 1;
    run.start();
    run.end(1, overloaded());
    run.first = run.last = attempt_error(ErrorCode::server_failed, "a", "busy");
    EXPECT_EQ(run.error(1).code, ErrorCode::server_failed);
}

TEST(ComposedError, WithoutAnAttemptStatesWhyEachRegionWasNotTried) {
    FailedRun run(2);
    run.regions.set_draining(0, true, run.now);
    run.regions.set_draining(1, true, run.now);
    EXPECT_THAT(run.start(), ElementsAre("finish #0 no_region"));
    const auto error = run.error(0);
    EXPECT_EQ(error.code, ErrorCode::all_regions_unavailable);
    EXPECT_EQ(error.message,
              "no region to send to: a: draining (Client::resume ends that); b: draining (Client::resume ends that)");
}

TEST(ComposedError, OfPausedRegionsStatesWhenToRetry) {
    FailedRun run(2);
    run.regions.limit_until(0, run.model, run.now + 90s);
    run.regions.limit_until(1, run.model, run.now + 61s + 1ns);
    EXPECT_THAT(run.start(), ElementsAre("finish #0 wait_too_long"));
    const auto error = run.error(0);
    EXPECT_EQ(error.code, ErrorCode::rate_limited);
    EXPECT_EQ(error.retry_after, 61'001ms) << "rounded up: earlier is too early";
    EXPECT_EQ(error.message,
              "no region to send to before the deadline or retry.max_wait: a: it asked for a pause, 90000 ms are left; "
              "b: it asked for a pause, 61000 ms are left");
}

TEST(ComposedError, OfALocalRefusalIsTheRefusalOrThePrecedingFailure) {
    FailedRun run(2);
    run.grants = false;
    run.start();
    EXPECT_THAT(run.refused(), ElementsAre("release", "finish #0 not_admitted"));
    run.refusal = Error{.code = ErrorCode::budget_exceeded, .message = "the budget is used up"};
    EXPECT_EQ(run.error(0).code, ErrorCode::budget_exceeded);
    EXPECT_EQ(run.error(0).message, "the budget is used up");

    FailedRun later(2);
    later.start();
    later.grants = false;
    later.end(1, overloaded());
    later.refused();
    later.refusal = run.refusal;
    later.first = later.last = attempt_error(ErrorCode::server_failed, "a", "busy");
    EXPECT_EQ(later.error(1).code, ErrorCode::server_failed);
    EXPECT_EQ(later.error(1).message, "a: busy; no further attempt: the budget is used up (1 attempt, 1500 ms)");
}

TEST(ComposedError, OfABrokenStreamStatesWhyItWasNotRecovered) {
    FailedRun run(2, true);
    run.policy.recovery = StreamRecovery::restart;
    run.policy.retry.max_attempts = 1;
    run.start();
    run.commit();
    auto cut = failed_with(ErrorCode::stream_interrupted, 200);
    cut.resumable = true;
    EXPECT_THAT(run.end(1, cut), ElementsAre("recover #1", "finish #1 interrupted"));
    run.first = run.last = attempt_error(ErrorCode::stream_interrupted, "a", "cut");
    EXPECT_EQ(run.error(1).message, "a: cut; no recovery: retry.max_attempts is used up");
    run.recovery = attempt_error(ErrorCode::server_failed, "b", "busy");
    EXPECT_EQ(run.error(2).message, "a: cut; no recovery: b: busy; retry.max_attempts is used up");
    EXPECT_EQ(run.error(2).code, ErrorCode::stream_interrupted);
}

TEST(ComposedError, OfABrokenStreamIsUnchangedWithoutRecovery) {
    FailedRun run(2, true);
    run.start();
    run.commit();
    run.end(1, failed_with(ErrorCode::stream_interrupted, 200));
    run.first = run.last = attempt_error(ErrorCode::stream_interrupted, "a", "cut");
    EXPECT_EQ(run.error(1).message, "a: cut");
}

}  // namespace
}  // namespace holysheep::call
