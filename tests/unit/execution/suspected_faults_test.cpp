// When the 500s of a call are charged to their regions.
#include <gtest/gtest.h>

#include <vector>

#include "execution/suspected_faults.hpp"

namespace holysheep::execution {
namespace {

/// Attempts at two regions that answer with a 500.
struct FailingCalls {
    health::RegionHealthTracker regions{std::vector<Region>{{.id = "a"}, {.id = "b"}}, HealthOptions{},
                                        BreakerOptions{}, 7};
    Clock::time_point now{std::chrono::hours(1)};
    values::ModelId model = regions.model_id("m"), other = regions.model_id("another");

    void fail(SuspectedFaults& faults, std::size_t region, values::ModelId asked) {
        auto token = regions.on_dispatch(region, asked, health::Awaited::plain, now);
        faults.add(token);
        regions.on_outcome(token, health::FailureClass::none, now);
    }
    double error_rate(std::size_t region) const { return regions.error_rate(region, now); }
};

TEST(SuspectedFaults, AnAnswerOfTheSameModelChargesThem) {
    FailingCalls calls;
    SuspectedFaults faults;
    calls.fail(faults, 0, calls.model);
    EXPECT_EQ(calls.error_rate(0), 0);
    faults.charge(calls.model, calls.regions, calls.now);
    EXPECT_GT(calls.error_rate(0), 0);
}

TEST(SuspectedFaults, AnAnswerOfAnotherModelSaysNothing) {
    FailingCalls calls;
    SuspectedFaults faults;
    calls.fail(faults, 0, calls.model);
    faults.charge(calls.other, calls.regions, calls.now);
    EXPECT_EQ(calls.error_rate(0), 0);
    faults.charge(calls.model, calls.regions, calls.now);
    EXPECT_EQ(calls.error_rate(0), 0) << "they are forgotten once a model has answered";
}

TEST(SuspectedFaults, WithoutAnAnswerTheOnlyRegionThatFailedIsCharged) {
    FailingCalls calls;
    SuspectedFaults faults;
    calls.fail(faults, 0, calls.model);
    calls.fail(faults, 0, calls.model);
    faults.charge_only_region(calls.regions, calls.now);
    EXPECT_GT(calls.error_rate(0), 0);
}

TEST(SuspectedFaults, TwoRegionsThatFailAlikeAreNotCharged) {
    FailingCalls calls;
    SuspectedFaults faults;
    calls.fail(faults, 0, calls.model);
    calls.fail(faults, 1, calls.model);
    faults.charge_only_region(calls.regions, calls.now);
    EXPECT_EQ(calls.error_rate(0), 0) << "the request may be at fault";
    EXPECT_EQ(calls.error_rate(1), 0);
}

}  // namespace
}  // namespace holysheep::execution
