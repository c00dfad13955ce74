// 128-bit products, sums and quotients, which must be the same on every machine.
#include "accounting/wide.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

namespace holysheep::accounting {
namespace {

constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinInt64 = std::numeric_limits<std::int64_t>::min();

TEST(Wide, DividingAProductByAFactorGivesTheOther) {
    constexpr std::array<std::int64_t, 9> kValues{
        1, -1, 3, -7, 1'000'000'007, -(std::int64_t{1} << 32U), kMaxInt64, -kMaxInt64, kMinInt64};
    for (const auto a : kValues) {
        for (const auto b : kValues) EXPECT_EQ(Wide::product(a, b).divided_by(b), a) << a << " * " << b;
    }
}

TEST(Wide, RoundsTowardsZero) {
    EXPECT_EQ(Wide(7).divided_by(2), 3);
    EXPECT_EQ(Wide(-7).divided_by(2), -3);
    EXPECT_EQ(Wide(7).divided_by(-2), -3);
    EXPECT_EQ(Wide(0).divided_by(-5), 0);
    EXPECT_EQ(Wide::product(kMaxInt64, kMaxInt64).divided_by(kMaxInt64), kMaxInt64);
}

TEST(Wide, CarriesSumsAcrossItsHalves) {
    auto sum = Wide::product(kMaxInt64, 4);
    sum += Wide::product(kMaxInt64, 4);
    EXPECT_EQ(sum.divided_by(8), kMaxInt64);
    sum += -Wide::product(kMaxInt64, 8);
    EXPECT_FALSE(sum.is_negative());
    EXPECT_EQ(sum.divided_by(1), 0);
    sum += Wide(-1);
    EXPECT_TRUE(sum.is_negative());
    EXPECT_EQ(sum.divided_by(1), -1);
}

TEST(Wide, ReportsAQuotientThatDoesNotFit) {
    EXPECT_EQ(Wide::product(kMaxInt64, 2).divided_by(1), std::nullopt);
    EXPECT_EQ(Wide(kMinInt64).divided_by(-1), std::nullopt);
    EXPECT_EQ(Wide(kMinInt64).divided_by(1), kMinInt64);
    EXPECT_EQ(Wide(1).divided_by(0), std::nullopt);
}

#ifdef __SIZEOF_INT128__
TEST(Wide, AgreesWithTheCompilersInt128) {
    __extension__ using Native = __int128;
    std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp): the same numbers each time
    const auto any = [&] { return static_cast<std::int64_t>(random()) >> (random() % 64U); };
    for (int i = 0; i < 20'000; ++i) {
        const auto a = any(), b = any(), c = any(), d = any(), divisor = any();
        if (divisor == 0) continue;
        auto sum = Wide::product(a, b);
        sum += Wide::product(c, d);
        const Native wanted = (Native{a} * b + Native{c} * d) / divisor;
        const auto found = sum.divided_by(divisor);
        ASSERT_EQ(found.has_value(), wanted <= kMaxInt64 && wanted >= kMinInt64);
        if (found) {
            ASSERT_EQ(*found, static_cast<std::int64_t>(wanted));
        }
    }
}
#endif

}  // namespace
}  // namespace holysheep::accounting
