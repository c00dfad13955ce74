// Which proxy is used for which host, by options and environment, and how it is named in messages.
#include "transport/proxy_choice.hpp"

#include <gtest/gtest.h>

namespace holysheep::transport {
namespace {

const ProxyEnvironment kBoth{.http = "http://plain:1", .https = "http://u:p@secure:2", .exceptions = "corp.example"};

TEST(ProxyChoice, AnExplicitProxyAppliesEverywhere) {
    const ProxyOptions options{.url = "http://mine:3128"};
    EXPECT_EQ(proxy_for("https://gateway.example/v1", options, kBoth), "http://mine:3128");
    EXPECT_EQ(proxy_for("http://127.0.0.1:80/v1", options, kBoth), "http://mine:3128");
}

TEST(ProxyChoice, TheEnvironmentsProxyAppliesBySchemeToExternalHosts) {
    EXPECT_EQ(proxy_for("https://gateway.example/v1", {}, kBoth), "http://u:p@secure:2");
    EXPECT_EQ(proxy_for("http://gateway.example/v1", {}, kBoth), "http://plain:1");
    EXPECT_EQ(proxy_for("https://gateway.example/v1", {}, {.all = "socks5://any:3"}), "socks5://any:3");
    EXPECT_EQ(proxy_for("https://eu.corp.example/v1", {}, kBoth), "");
    EXPECT_EQ(proxy_for("https://localhost/v1", {}, kBoth), "");
    EXPECT_EQ(proxy_for("https://[::1]:8443/v1", {}, kBoth), "");
    EXPECT_EQ(proxy_for("https://gateway.example/v1", {.from_environment = false}, kBoth), "");
}

TEST(ProxyChoice, NoProxyMatchesHostsDomainsAddressesAndBlocks) {
    struct Row {
        const char* host;
        const char* list;
        bool excepted;
    };
    const Row rows[] = {{"a.example", "*", true},
                        {"a.example", "", false},
                        {"a.example", "b.example,a.example", true},
                        {"a.example", "b.example a.example", true},
                        {"A.Example.", ".example", true},
                        {"eu.a.example", "a.example", true},
                        {"nota.example", "a.example", false},
                        {"a.example", "eu.a.example", false},
                        {"10.1.2.3", "10.0.0.0/8", true},
                        {"11.1.2.3", "10.0.0.0/8", false},
                        {"10.1.2.3", "10.1.2.3", true},
                        {"10.1.2.3", "2.3", false},
                        {"10.1.2.200", "10.1.2.128/25", true},
                        {"10.1.2.100", "10.1.2.128/25", false},
                        {"10.1.2.3", "10.0.0.0/99", false},
                        {"10.1.2.3", "10.0.0.0/x", false},
                        {"[fd00::1]", "fd00::/8", true},
                        {"[fe80::1]", "fd00::/8", false},
                        {"[fd00::1]", "fd00::1", true}};
    for (const auto& row : rows)
        EXPECT_EQ(is_excepted(row.host, row.list), row.excepted) << row.host << " " << row.list;
}

TEST(ProxyChoice, TheDisplayNameOmitsCredentials) {
    EXPECT_EQ(proxy_name("http://sheep:wo@ol@proxy.example:3128/"), "http://proxy.example:3128");
    EXPECT_EQ(proxy_name("socks5h://[fd00::1]:1080"), "socks5h://[fd00::1]:1080");
    EXPECT_EQ(proxy_name("proxy:8080"), "http://proxy:8080");
}

}  // namespace
}  // namespace holysheep::transport
