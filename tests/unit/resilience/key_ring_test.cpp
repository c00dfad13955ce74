// Which of several keys is used next.
#include "resilience/key_ring.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;

constexpr KeyRing::time_point kRingStart{1h};

TEST(KeyRing, AKeyWithLittleQuotaRanksLastForAMinute) {
    KeyRing ring(2);
    ring.record_remaining(0, 0, 0, 0.05, kRingStart);
    EXPECT_EQ(ring.pick(0, 0, kRingStart + 59s), 1U);
    EXPECT_EQ(ring.pick(0, 0, kRingStart + 60s), 0U) << "the quota has expired";
    EXPECT_EQ(ring.pick(1, 0, kRingStart), 0U) << "the quota applies to one region";
    EXPECT_EQ(ring.pick(0, 1, kRingStart), 0U) << "the quota applies to one model";
}

TEST(KeyRing, AmongKeysWithLittleQuotaTheLargestIsFirst) {
    KeyRing ring(3);
    for (const std::size_t key : {0U, 1U, 2U}) ring.record_remaining(key, 0, 0, key == 1 ? 0.08 : 0.02, kRingStart);
    EXPECT_EQ(ring.pick(0, 0, kRingStart), 1U);
    ring.record_remaining(2, 0, 0, 0.1, kRingStart);
    EXPECT_EQ(ring.pick(0, 0, kRingStart), 2U) << "a tenth counts as enough";
}

TEST(KeyRing, WithAllKeysRefusedTheOldestRefusalIsRetried) {
    KeyRing ring(3);
    ring.refuse(2, ErrorCode::unauthenticated, kRingStart);
    ring.refuse(0, ErrorCode::unauthenticated, kRingStart + 1s);
    EXPECT_EQ(ring.least_bad(), 1U) << "was never refused";
    ring.refuse(1, ErrorCode::unauthenticated, kRingStart + 2s);
    EXPECT_FALSE(ring.pick(0, 0, kRingStart + 3s));
    EXPECT_EQ(ring.least_bad(), 2U);
}

TEST(KeyRing, UnknownModelNamesDoNotEvictAPause) {
    KeyRing ring(1);
    ring.limit(0, 0, 7, kRingStart + 10min, kRingStart);
    for (ModelId model = 100; model < 3'000; ++model) ring.limit(0, 0, model, kRingStart + 1s, kRingStart);
    EXPECT_FALSE(ring.pick(0, 7, kRingStart + 9min + 59s));
    EXPECT_LE(ring.recorded_quotas(), 1'000U);
}

}  // namespace
}  // namespace holysheep::resilience
