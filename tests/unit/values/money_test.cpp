// Parses money as people write it, and formats it.
#include <holysheep/parse_money.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>

namespace holysheep {
namespace {

TEST(Money, ParsesDecimalsExactly) {
    const struct {
        const char* text;
        std::int64_t nano;
    } cases[] = {{"2", 2'000'000'000},
                 {"0.075", 75'000'000},
                 {".5", 500'000'000},
                 {"8.", 8'000'000'000},
                 {"2.5e-07", 250},
                 {"1E3", 1'000'000'000'000},
                 {"1e+3", 1'000'000'000'000},
                 {"0.1234567894", 123'456'789},
                 {"0.1234567895", 123'456'790},
                 {"0.9999999999", 1'000'000'000},
                 {"5e-10", 1},
                 {"4.9e-10", 0},
                 {"1e-300", 0},
                 {"0", 0},
                 {"000.10", 100'000'000},
                 {"9223372036.854775807", std::numeric_limits<std::int64_t>::max()}};
    for (const auto& [text, nano] : cases) EXPECT_EQ(parse_money(text).value(), (Money{nano, "USD"})) << text;
    EXPECT_EQ(parse_money("1.5", "EUR").value(), (Money{1'500'000'000, "EUR"}));
}

TEST(Money, RejectsAnythingElse) {
    for (const auto* text : {"", ".", "-1", "+1", "1 ", " 1", "1,5", "$1", "0x10", "1e", "1e+", "1e-+3", "1e999", "nan",
                             "inf", "1.2.3", "9223372036.854775808", "10000000000"}) {
        const auto money = parse_money(text);
        ASSERT_FALSE(money) << text;
        EXPECT_EQ(money.error().code, ErrorCode::invalid_options);
        EXPECT_NE(money.error().message.find("\"" + std::string(text) + "\""), std::string::npos);
        EXPECT_THROW(usd(text), Exception) << text;
    }
    EXPECT_LT(parse_money(std::string(100'000, 'x')).error().message.size(), 300U);
}

// An unset optional would mean that there is no ceiling.
static_assert(!std::is_convertible_v<Result<Money>, std::optional<Money>>);
static_assert(!std::is_assignable_v<std::optional<Money>&, Result<Money>>);

TEST(Money, PrintsAsManyDecimalsAsNeeded) {
    EXPECT_EQ((Money{80'000'000'000}).amount(), "80.00");
    EXPECT_EQ((Money{4'200'000'000}).amount(), "4.20");
    EXPECT_EQ((Money{42'000}).amount(), "0.000042");
    EXPECT_EQ((Money{1}).amount(), "0.000000001");
    EXPECT_EQ(Money{}.amount(), "0.00");
    EXPECT_EQ((Money{-1'500'000'000}).amount(), "-1.50");
    EXPECT_EQ((Money{std::numeric_limits<std::int64_t>::min()}).amount(), "-9223372036.854775808");
    std::ostringstream out;
    out << Money{21'000'000'000, "CNY"};
    EXPECT_EQ(out.str(), "21.00 CNY");
}

}  // namespace
}  // namespace holysheep
