// Which requests are admitted, and which options are refused.
#include "dashboard/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::dashboard {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

const std::string kToken = "wool-0123456789abcdef";
const std::string kCookie = cookie_name(9464);

Admission with_token(const RequestIdentity& identity) {
    return admit(identity, {.host = "0.0.0.0", .token = kToken}, kCookie);
}
Admission without_token(std::string_view host) { return admit({.host = host}, {}, kCookie); }

TEST(DashboardOptions, LoopbackNeedsNoToken) {
    for (const auto* host : {"127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "::1"}) {
        EXPECT_EQ(validate({.host = host}), std::nullopt) << host;
    }
}

TEST(DashboardOptions, OtherAddressesNeedATokenAndTheErrorNamesTheRemedy) {
    for (const auto* host : {"0.0.0.0", "::", "192.168.1.7", "dashboards.example", "127.0.0.1.evil.example", "127.1"}) {
        EXPECT_THAT(validate({.host = host}), Optional(AllOf(HasSubstr(host), HasSubstr("openssl rand -hex 16"))));
        EXPECT_EQ(validate({.host = host, .token = kToken}), std::nullopt) << host;
    }
}

TEST(DashboardOptions, ATokenIsLongAndSafeInAUrl) {
    for (const auto* token :
         {"short", "fifteen-letters", "with a blank in it, long", "semicolon;semicolon;", "wöllwöllwöllwöll"}) {
        EXPECT_THAT(validate({.token = token}), Optional(HasSubstr("at least 16"))) << token;
    }
    EXPECT_THAT(validate({.host = ""}), Optional(HasSubstr("host is empty")));
}

TEST(DashboardAccess, TheTokenIsAcceptedInThreeForms) {
    EXPECT_EQ(with_token({.authorization = "Bearer " + kToken}), Admission::granted);
    EXPECT_EQ(with_token({.authorization = "bearer " + kToken}), Admission::granted);
    const auto cookies = "other=1; " + kCookie + "=" + kToken + "; last=2";
    EXPECT_EQ(with_token({.cookie = cookies}), Admission::granted);
    const auto query = "a=b&token=" + kToken;
    EXPECT_EQ(with_token({.query = query}), Admission::with_cookie);
}

TEST(DashboardAccess, AnythingElseIsRejected) {
    EXPECT_EQ(with_token({}), Admission::wrong_token);
    const auto longer = kToken + "0", shorter = kToken.substr(1);
    auto other = kToken;
    other.back() ^= 1;
    for (const auto& wrong : {longer, shorter, other, std::string()}) {
        const auto authorization = "Bearer " + wrong, cookie = kCookie + "=" + wrong, query = "token=" + wrong;
        EXPECT_EQ(with_token({.authorization = authorization, .cookie = cookie, .query = query}),
                  Admission::wrong_token)
            << wrong;
    }
    const auto of_another_port = cookie_name(80) + "=" + kToken, basic = "Basic " + kToken;
    EXPECT_EQ(with_token({.authorization = basic, .cookie = of_another_port}), Admission::wrong_token);
    EXPECT_EQ(with_token({.authorization = kToken}), Admission::wrong_token) << "missing scheme";
}

TEST(DashboardAccess, WithoutATokenTheHostMustBeLoopback) {
    for (const auto* host : {"127.0.0.1:9464", "localhost:9464", "LocalHost", "[::1]:9464", "[::1]", ""}) {
        EXPECT_EQ(without_token(host), Admission::granted) << host;
    }
    for (const auto* host : {"evil.example:9464", "evil.example", "127.0.0.1.evil.example", "[", "localhost.evil"}) {
        EXPECT_EQ(without_token(host), Admission::foreign_host) << host;
    }
}

TEST(DashboardAccess, WithATokenAnyHostIsAccepted) {
    EXPECT_EQ(with_token({.host = "dashboards.example", .authorization = "Bearer " + kToken}), Admission::granted);
}

}  // namespace
}  // namespace holysheep::dashboard
