// Which base URLs are accepted, into which parts they are split, and what the message for a refused one says.
#include "client/base_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holysheep::client {
namespace {

using ::testing::HasSubstr;

std::string problem_of_url(std::string_view url, bool allow_plaintext = false) {
    const auto parsed = parse_base_url(url, allow_plaintext);
    EXPECT_NE(parsed.parts.has_value(), !parsed.problem.empty()) << url << ": parts or a problem, never both";
    return parsed.problem;
}

TEST(BaseUrl, SplitsIntoPartsAndLowercasesOnlySchemeAndHost) {
    const auto url = parse_base_url("HTTPS://EU.Gateway.Test:8443/Tenant/v1//?Key=A&b=C", false).parts;
    ASSERT_TRUE(url);
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->host, "eu.gateway.test");
    EXPECT_EQ(url->url, "https://EU.Gateway.Test:8443/Tenant/v1");
    EXPECT_EQ(url->query, "?Key=A&b=C");
}

TEST(BaseUrl, KeepsTheBracketsOfAnIpv6Host) {
    const auto url = parse_base_url("https://[2001:DB8::1]:443/v1", false).parts;
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "[2001:db8::1]");
    EXPECT_EQ(url->query, "");
}

TEST(BaseUrl, KeepsSlashesAndAtSignsInTheQuery) {
    const auto url = parse_base_url("https://a.test?next=/x/@y:z/", false).parts;
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "a.test");
    EXPECT_EQ(url->url, "https://a.test");
    EXPECT_EQ(url->query, "?next=/x/@y:z/");
}

TEST(BaseUrl, NamesTheProblemAndTheRemedyOfARefusedUrl) {
    struct Row {
        const char *url, *named;
    };
    const Row rows[] = {
        {"", "no scheme; start it with https://"},
        {"gateway.test/v1", "no scheme; start it with https://"},
        {"ftp://gateway.test", "only https://"},
        {"https://", "no host"},
        {"https:///v1", "no host"},
        {"https://?a=b", "no host"},
        {"https://:443", "no host"},
        {"https://a b.test", "percent-encode"},
        {"https://a.test/\x7f", "percent-encode"},
        {"https://\xC3\xA4.test", "percent-encode"},
        {"https://a.test/<x>", "percent-encode"},
        {"https://a.test\\v1", "percent-encode"},
        {"https://a.test/#top", "fragment"},
        {"https://user:word@a.test", "api_key"},
        {"https://[::1", "closing bracket"},
        {"https://[::1]8080", "1 to 65535"},
    };
    for (const auto& row : rows) EXPECT_THAT(problem_of_url(row.url), HasSubstr(row.named)) << row.url;
}

TEST(BaseUrl, RequiresAPortFrom1To65535) {
    for (const auto* good : {"1", "80", "65535", "00080"}) {
        EXPECT_EQ(problem_of_url(std::string("https://a.test:") + good), "") << good;
    }
    for (const auto* bad : {"", "0", "65536", "000080", "8o", "-1", "80:80"}) {
        EXPECT_THAT(problem_of_url(std::string("https://a.test:") + bad), HasSubstr("port")) << bad;
    }
}

TEST(BaseUrl, AllowsPlainTextOnlyToLoopbackByDefault) {
    for (const auto* loopback :
         {"http://localhost:8080/v1", "http://127.0.0.1", "http://[::1]:80", "http://x.localhost"}) {
        EXPECT_EQ(problem_of_url(loopback), "") << loopback;
    }
    for (const auto* remote :
         {"http://a.test/v1", "http://127.0.0.1.a.test", "http://localhost.a.test", "http://[::2]"}) {
        EXPECT_THAT(problem_of_url(remote), HasSubstr("tls.allow_plaintext")) << remote;
        EXPECT_EQ(problem_of_url(remote, true), "") << remote;
    }
}

}  // namespace
}  // namespace holysheep::client
