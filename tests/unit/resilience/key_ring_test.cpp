// Which of several keys is used next.
#include "resilience/key_ring.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;

constexpr KeyRing::time_point kStart{1h};

TEST(KeyRing, OneWithLittleQuotaComesAfterTheOthersForAMinute) {
    KeyRing ring(2);
    ring.record_remaining(0, 0, 0, 0.05, kStart);
    EXPECT_EQ(ring.pick(0, 0, kStart + 59s), 1U);
    EXPECT_EQ(ring.pick(0, 0, kStart + 60s), 0U) << "nobody knows any more";
    EXPECT_EQ(ring.pick(1, 0, kStart), 0U) << "it was said of one region";
    EXPECT_EQ(ring.pick(0, 1, kStart), 0U) << "and of one model";
}

TEST(KeyRing, OfSeveralWithLittleTheFullestIsFirst) {
    KeyRing ring(3);
    for (const std::size_t key : {0U, 1U, 2U}) ring.record_remaining(key, 0, 0, key == 1 ? 0.08 : 0.02, kStart);
    EXPECT_EQ(ring.pick(0, 0, kStart), 1U);
    ring.record_remaining(2, 0, 0, 0.1, kStart);
    EXPECT_EQ(ring.pick(0, 0, kStart), 2U) << "a tenth is not little";
}

TEST(KeyRing, WithAllRefusedTheOldestRefusalIsAskedAgain) {
    KeyRing ring(3);
    ring.refuse(2, ErrorCode::unauthenticated, kStart);
    ring.refuse(0, ErrorCode::unauthenticated, kStart + 1s);
    EXPECT_EQ(ring.least_bad(), 1U) << "it was not refused at all";
    ring.refuse(1, ErrorCode::unauthenticated, kStart + 2s);
    EXPECT_FALSE(ring.pick(0, 0, kStart + 3s));
    EXPECT_EQ(ring.least_bad(), 2U);
}

TEST(KeyRing, APauseOutlivesAnyNumberOfMadeUpModels) {
    KeyRing ring(1);
    ring.limit(0, 0, 7, kStart + 10min, kStart);
    for (ModelId model = 100; model < 3'000; ++model) ring.limit(0, 0, model, kStart + 1s, kStart);
    EXPECT_FALSE(ring.pick(0, 7, kStart + 9min + 59s));
    EXPECT_LE(ring.recorded_quotas(), 1'000U);
}

}  // namespace
}  // namespace holysheep::resilience
