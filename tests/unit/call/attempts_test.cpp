// Attempts: the record of one call's attempts.
#include <gtest/gtest.h>

#include "call/attempts.hpp"

namespace holysheep::call {
namespace {

Attempt failed_attempt(std::size_t region, ErrorCode error, int status = 0, std::size_t model = 0) {
    return {.region = region,
            .model = model,
            .phase = Phase::ended,
            .sent = time_point{std::chrono::hours(1)},
            .outcome = {.error = error, .status = status}};
}

TEST(Attempts, AreNumberedFromOne) {
    Attempts attempts;
    EXPECT_TRUE(attempts.empty());
    EXPECT_EQ(attempts.add({.region = 4}), 1);
    EXPECT_EQ(attempts.add({.region = 2}), 2);
    EXPECT_EQ(attempts[1].region, 4U);
    EXPECT_EQ(attempts[2].region, 2U);
    EXPECT_EQ(attempts.count(), 2);
}

TEST(Attempts, ARegionThatLostAConnectionRaceWasNotTried) {
    Attempts attempts;
    attempts.add({.region = 0, .phase = Phase::ended, .lost = true});
    EXPECT_FALSE(attempts.tried(0, 0)) << "its region was sent no request";
    EXPECT_FALSE(attempts.asked(0));
    attempts[1].sent = time_point{std::chrono::hours(1)};
    EXPECT_TRUE(attempts.tried(0, 0)) << "its request was sent, the answer of another region came first";
    EXPECT_FALSE(attempts.asked(0)) << "it did not fail";
    EXPECT_FALSE(attempts.tried(0, 1)) << "for another model";
}

TEST(Attempts, CountsWhatIsInFlight) {
    Attempts attempts;
    attempts.add({.region = 0, .raced = true});
    EXPECT_TRUE(attempts.only_late_ones_in_flight());
    attempts.add({.region = 1});
    EXPECT_EQ(attempts.in_flight(), 2);
    EXPECT_FALSE(attempts.only_late_ones_in_flight());
    attempts[2].phase = Phase::ended;
    EXPECT_EQ(attempts.in_flight(), 1);
    EXPECT_TRUE(attempts.only_late_ones_in_flight());
}

TEST(Attempts, TheLastFailureIsOfTheSameRegionAndModel) {
    Attempts attempts;
    attempts.add(failed_attempt(0, ErrorCode::server_failed, 502));
    attempts.add(failed_attempt(1, ErrorCode::server_failed, 503));
    attempts.add(failed_attempt(0, ErrorCode::server_failed, 504));
    attempts.add(failed_attempt(0, ErrorCode::server_failed, 500, 1));
    attempts.add({.region = 0});
    ASSERT_NE(attempts.last_failure(0, 0), nullptr);
    EXPECT_EQ(attempts.last_failure(0, 0)->outcome.status, 504);
    EXPECT_EQ(attempts.last_failure(0, 1)->outcome.status, 500);
    EXPECT_EQ(attempts.last_failure(2, 0), nullptr);
}

TEST(Attempts, LostOnesDoNotCountAmongTheFailures) {
    Attempts attempts;
    attempts.add(failed_attempt(0, ErrorCode::rate_limited, 429));
    attempts.add({.region = 1, .phase = Phase::ended, .lost = true});
    EXPECT_TRUE(attempts.all_failed_with(ErrorCode::rate_limited));
    attempts.add({.region = 2});
    EXPECT_FALSE(attempts.all_failed_with(ErrorCode::rate_limited)) << "one is still in flight";
}

TEST(Attempts, RedirectsAreTrackedPerRegion) {
    Attempts attempts;
    attempts.add(failed_attempt(0, ErrorCode::invalid_request, 302));
    EXPECT_TRUE(attempts.redirected(0));
    EXPECT_FALSE(attempts.redirected(1));
    EXPECT_TRUE(attempts.every_one_redirected());
    attempts.add(failed_attempt(1, ErrorCode::server_failed, 503));
    EXPECT_FALSE(attempts.every_one_redirected());
}

TEST(Attempts, AServerErrorInTwoRegionsMayBeTheRequestsFault) {
    Attempts attempts;
    attempts.add(failed_attempt(0, ErrorCode::server_failed, 500));
    EXPECT_FALSE(attempts.server_error_elsewhere(attempts[1]));
    attempts.add(failed_attempt(1, ErrorCode::server_failed, 500));
    EXPECT_TRUE(attempts.server_error_elsewhere(attempts[2]));
    attempts.add(failed_attempt(2, ErrorCode::server_failed, 503));
    EXPECT_FALSE(attempts.server_error_elsewhere(attempts[3])) << "a 503 says nothing about the request itself";
    attempts.add(failed_attempt(2, ErrorCode::server_failed, 500, 1));
    EXPECT_FALSE(attempts.server_error_elsewhere(attempts[4])) << "another model";
}

TEST(Attempts, TwoProxyRefusalsMeanThatTheProxyRefusesEveryHost) {
    Attempts attempts;
    attempts.add(failed_attempt(0, ErrorCode::proxy_failed));
    EXPECT_FALSE(attempts.refused_by_proxy_before(attempts[1]));
    attempts.add(failed_attempt(1, ErrorCode::proxy_failed));
    EXPECT_TRUE(attempts.refused_by_proxy_before(attempts[2]));
}

}  // namespace
}  // namespace holysheep::call
