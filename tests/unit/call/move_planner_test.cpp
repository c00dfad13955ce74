// The next attempt after a failure, without a machine around it.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "call/move_planner.hpp"
#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

/// A call among `count` regions. Nothing is sent: a test adds the attempts and asks for the next move.
struct Planning {
    explicit Planning(std::size_t count, const BreakerOptions& breaker = {.enabled = false})
        : regions(make_regions(count), {}, breaker, 7), model(regions.model_id("model")), plan(count) {
        std::iota(plan.begin(), plan.end(), 0U);
        policy.seed = 7;
    }
    MovePlanner& planner() {
        if (!planner_) {
            planner_.emplace(policy, plan, model, regions, Budgets{retries, hedges, canaries}, rooms, attempts);
        }
        return *planner_;
    }
    /// Adds an attempt that failed now, and returns the decision about it.
    Failure fail(std::size_t region, const Outcome& outcome) {
        const auto verdict = classify(outcome, policy.retry);
        const int number = attempts.add({.region = region,
                                         .model = planner().model_number(),
                                         .phase = Phase::ended,
                                         .started = now,
                                         .ended = now,
                                         .sent = now,
                                         .outcome = outcome,
                                         .verdict = verdict});
        planner().record_failure(attempts[number], verdict, now);
        return planner().after_failure(number, verdict, now);
    }
    void break_down(std::size_t region) {
        for (int i = 0; i < 3; ++i) {
            auto token = regions.on_dispatch(region, model, health::Awaited::other, now);
            regions.on_outcome(token, health::FailureClass::transport, now);
        }
    }

    time_point now{1h};
    health::RegionHealthTracker regions;
    values::ModelId model;
    resilience::RetryBudget retries{0.2, 20}, hedges{0.05, 5}, canaries{0.25, 5};
    TestRooms rooms{};
    CallPolicy policy = make_policy({}, {}, std::nullopt, false, now);
    std::vector<std::size_t> plan;
    Attempts attempts;

  private:
    std::optional<MovePlanner> planner_;
};

TEST(MovePlanner, AFailureLeadsToTheNextRegionAtOnce) {
    Planning call(3);
    const auto failure = call.fail(0, failed_with(ErrorCode::server_failed, 502));
    ASSERT_TRUE(failure.move);
    EXPECT_EQ(failure.move->region, 1U);
    EXPECT_EQ(failure.move->kind, AttemptKind::failover);
    EXPECT_EQ(failure.move->when, call.now);
    EXPECT_TRUE(failure.move->free) << "a healthy region takes no token";
}

TEST(MovePlanner, ARefusedRequestEndsTheCall) {
    Planning call(3);
    const auto failure = call.fail(0, failed_with(ErrorCode::invalid_request, 400));
    EXPECT_FALSE(failure.move);
    EXPECT_TRUE(failure.final);
    EXPECT_EQ(failure.why_not, Ending::refused);
}

TEST(MovePlanner, ARegionWithoutRoomIsPassedOver) {
    Planning call(3);
    call.rooms.full = {1};
    EXPECT_EQ(call.planner().next_untried(call.now), 0U);
    EXPECT_EQ(call.fail(0, failed_with(ErrorCode::server_failed, 502)).move->region, 2U);
    EXPECT_EQ(call.planner().full_regions(call.now), std::vector<std::size_t>{1});
}

TEST(MovePlanner, CostSafeForbidsAnotherDispatchAfterAPossibleDelivery) {
    Planning call(2);
    call.policy.cost_safe = true;
    EXPECT_EQ(call.fail(0, lost_connection()).why_not, Ending::maybe_delivered);
    Planning refused(2);
    refused.policy.cost_safe = true;
    EXPECT_TRUE(refused.fail(0, refused_connection()).move) << "nothing was sent";
}

TEST(MovePlanner, TheOnlyRegionIsAskedAgainAfterABackOff) {
    Planning call(1);
    const auto failure = call.fail(0, failed_with(ErrorCode::server_failed, 502));
    ASSERT_TRUE(failure.move);
    EXPECT_EQ(failure.move->kind, AttemptKind::retry);
    EXPECT_TRUE(failure.move->returns);
    EXPECT_GT(failure.move->when, call.now);
}

TEST(MovePlanner, ARequestedWaitBeyondMaxWaitEndsTheCall) {
    Planning call(1);
    const auto failure = call.fail(0, throttled(std::chrono::hours(2)));
    EXPECT_FALSE(failure.move);
    EXPECT_EQ(failure.why_not, Ending::wait_too_long);
    EXPECT_EQ(call.planner().quota_clock(), call.now + 2h);
}

TEST(MovePlanner, MaxAttemptsIsTheTotal) {
    Planning call(3);
    call.policy.retry.max_attempts = 2;
    EXPECT_TRUE(call.fail(0, failed_with(ErrorCode::server_failed, 502)).move);
    EXPECT_EQ(call.fail(1, failed_with(ErrorCode::server_failed, 502)).why_not, Ending::attempts_exhausted);
}

TEST(MovePlanner, AMoveToAFailingRegionTakesAToken) {
    Planning call(1);
    auto failure = call.fail(0, failed_with(ErrorCode::server_failed, 502));
    const auto before = call.retries.tokens();
    EXPECT_TRUE(call.planner().pay(failure, call.now));
    EXPECT_EQ(call.retries.tokens(), before - 1);
    while (call.retries.try_take()) {
    }
    auto unpaid = call.fail(0, failed_with(ErrorCode::server_failed, 500));
    ASSERT_TRUE(unpaid.move);
    EXPECT_FALSE(call.planner().pay(unpaid, call.now));
}

TEST(MovePlanner, TheUsersPolicyMayRefuseAndMayInsist) {
    Planning call(2);
    auto failure = call.fail(0, failed_with(ErrorCode::server_failed, 502));
    call.planner().apply_policy(failure, {.retry = false}, call.now);
    EXPECT_FALSE(failure.move);
    EXPECT_TRUE(failure.final);
    auto refused = call.fail(1, failed_with(ErrorCode::invalid_request, 400));
    ASSERT_FALSE(refused.move);
    call.planner().apply_policy(refused, {.retry = true, .delay = 3s}, call.now);
    ASSERT_TRUE(refused.move);
    EXPECT_EQ(refused.move->when, call.now + 3s);
}

TEST(MovePlanner, WhileNoRegionIsUsableOneCanaryGoesOut) {
    Planning call(2, {});
    call.break_down(0);
    call.break_down(1);
    ASSERT_FALSE(call.planner().next_untried(call.now));
    auto why_not = Ending::open;
    const auto first = call.planner().move_in_outage(true, call.now, why_not);
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->outage);
    EXPECT_TRUE(first->panic) << "a canary";
    EXPECT_TRUE(call.planner().outage());
}

TEST(MovePlanner, AFallbackModelIsTheLastResort) {
    Planning call(1);
    call.policy.fallbacks = {{.name = "second", .id = call.regions.model_id("second")}};
    EXPECT_EQ(call.fail(0, failed_with(ErrorCode::server_failed, 502)).move->kind, AttemptKind::retry);
    EXPECT_EQ(call.planner().model_number(), 0U);
    const auto unknown = call.fail(0, failed_with(ErrorCode::model_not_found, 404));
    ASSERT_TRUE(unknown.move);
    EXPECT_EQ(unknown.move->kind, AttemptKind::fallback_model);
    EXPECT_EQ(call.planner().model_number(), 1U);
    EXPECT_EQ(call.planner().model_name(1), "second");
    ASSERT_TRUE(call.planner().model_switch());
    EXPECT_EQ(call.planner().model_switch()->because, ErrorCode::model_not_found);
}

TEST(MovePlanner, ABrokenStreamWithoutACoveredDeadlineHasNone) {
    Planning call(2);
    call.policy.deadline = call.now + 5s;
    call.policy.deadline_covers_stream = false;
    EXPECT_EQ(call.planner().deadline(), call.now + 5s);
    call.planner().on_stream_broken(call.now);
    EXPECT_FALSE(call.planner().deadline());
}

}  // namespace
}  // namespace holysheep::call
