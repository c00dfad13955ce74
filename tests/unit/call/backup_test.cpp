// When another region is asked because the call is running out of time.
#include "call/backup.hpp"

#include <gtest/gtest.h>

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1h};

TEST(BackupDue, ReservesTwiceTheNextRegionsP95) {
    const auto due = backup_due({.started = kStart, .limit = kStart + 5s, .usual = 800ms});
    ASSERT_TRUE(due);
    EXPECT_EQ(due->when, kStart + 3400ms);
    EXPECT_EQ(due->why, Evidence::deadline);
}

TEST(BackupDue, TheMarginIsAFifthOfATightLimitAndAtLeastAQuarterOfTheP95) {
    EXPECT_EQ(backup_due({.started = kStart, .limit = kStart + 2s, .usual = 800ms})->when, kStart + 800ms);
    EXPECT_EQ(backup_due({.started = kStart, .limit = kStart + 1100ms, .usual = 800ms})->when, kStart + 80ms);
}

TEST(BackupDue, TheMarginIsAtLeast100Ms) {
    EXPECT_EQ(backup_due({.started = kStart, .limit = kStart + 3s, .usual = 100ms})->when, kStart + 2800ms);
}

TEST(BackupDue, IsHalfOfTheLimitWhileTheP95IsUnknownOrTooLong) {
    EXPECT_EQ(backup_due({.started = kStart, .limit = kStart + 3s})->when, kStart + 1500ms);
    EXPECT_EQ(backup_due({.started = kStart, .limit = kStart + 3s, .usual = 5s})->when, kStart + 1500ms);
}

TEST(BackupDue, ATrialIsBackedUpAfterTheP95) {
    const auto due = backup_due({.started = kStart, .limit = kStart + 3s, .usual = 300ms, .on_trial = true});
    EXPECT_EQ(due->when, kStart + 300ms);
    EXPECT_EQ(due->why, Evidence::slow_trial);
    EXPECT_EQ(backup_due({.started = kStart, .on_trial = true})->when, kStart + 1s);
}

TEST(BackupDue, IsNeverWithoutALimitOrATrial) {
    EXPECT_FALSE(backup_due({.started = kStart, .usual = 300ms}));
    EXPECT_FALSE(backup_due({.started = kStart, .limit = kStart - 1s})) << "the limit has passed";
}

}  // namespace
}  // namespace holysheep::call
