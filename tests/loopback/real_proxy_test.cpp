// Real proxies of every kind forward calls; a failure of the proxy does not affect the health of regions.
#include "real_proxy.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gateway_under_test.hpp"
#include "nginx_front.hpp"
#include "plain_server.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kUser = "sheep", kPassword = "shepherds-secret";

/// Three regions with TLS, so that the client asks an HTTP proxy for tunnels.
class RealProxies : public ::testing::Test {
  protected:
    void SetUp() override {
        HOLYSHEEP_SKIP_WITHOUT("nginx");
        HOLYSHEEP_SKIP_WITHOUT("openssl");
        certificates.emplace(folder);
        certificates->issue("good", "DNS:localhost,IP:127.0.0.1");
        nginx.emplace(folder, std::vector<std::string>{"a", "b", "c"}, [&](const NginxFront& front) {
            std::string servers;
            for (const auto* name : {"a", "b", "c"}) {
                servers += "server { listen " + front.address(name) + " ssl; ssl_certificate " +
                           folder.path("good.crt") + "; ssl_certificate_key " + folder.path("good.key") +
                           "; location / { proxy_pass http://127.0.0.1:" + std::to_string(gateway.port("a")) +
                           "; } }\n";
            }
            return servers;
        });
        options = options_for({nginx->region("a"), nginx->region("b"), nginx->region("c")});
        options.tls.ca_file = certificates->path("ca.crt");
    }
    void expect_answers() {
        Client client(options);
        for (int i = 0; i < 3; ++i) ASSERT_THAT(client.chat(question()), IsOk());
        ASSERT_THAT(client.stream(question()).finish(), IsOk());
    }
    /// Each call fails at the proxy with `words` after `attempts` attempts, and the regions' health is unchanged.
    void expect_proxy_failure(std::size_t attempts, const std::vector<std::string>& words) {
        Client client(options);
        for (int i = 0; i < 10; ++i) {
            const auto answer = client.chat(question());
            ASSERT_THAT(answer, FailsWith(ErrorCode::proxy_failed));
            EXPECT_THAT(answer.error().attempts, SizeIs(attempts));
            for (const auto& word : words) EXPECT_THAT(answer.error().message, HasSubstr(word));
            EXPECT_THAT(answer.error().message, Not(HasSubstr(kPassword)));
        }
        for (const auto& region : client.stats().regions) {
            EXPECT_EQ(region.health.breaker, BreakerState::closed) << region.health.id;
            EXPECT_EQ(region.health.error_rate, 0) << region.health.id;
            EXPECT_NE(region.health.liveness, Liveness::down) << region.health.id;
        }
    }

    ScratchFolder folder;
    std::optional<Certificates> certificates;
    GatewaySimulator gateway{{SimulatedRegion{.id = "a"}}};
    std::optional<NginxFront> nginx;
    ClientOptions options;
};

/// An HTTP proxy, and its configuration for one user's password and for tunnels to port 443 only.
struct HttpProxy {
    const char* program;
    RealProxy::Command (*run)(const ScratchFolder& folder, const std::string& lines);
    std::string with_password, only_port_443;
};
void PrintTo(const HttpProxy& proxy, std::ostream* out) { *out << proxy.program; }

class HttpProxies : public RealProxies, public ::testing::WithParamInterface<HttpProxy> {};

TEST_P(HttpProxies, ForwardCallsAndAcceptOnlyTheirPassword) {
    HOLYSHEEP_SKIP_WITHOUT(GetParam().program);
    const RealProxy proxy(folder, GetParam().program, GetParam().run(folder, GetParam().with_password));
    options.proxy = {.url = "http://" + proxy.address(), .user = kUser, .password = kPassword};
    expect_answers();
    options.proxy.password = "another-" + kPassword;
    expect_proxy_failure(1, {options.proxy.url, "proxy.password"});
    options.proxy = {.url = options.proxy.url};
    expect_proxy_failure(1, {options.proxy.url, "set proxy.user"});
}

TEST_P(HttpProxies, ThatForbidATunnelAreTriedForOneMoreRegion) {
    HOLYSHEEP_SKIP_WITHOUT(GetParam().program);
    const RealProxy proxy(folder, GetParam().program, GetParam().run(folder, GetParam().only_port_443));
    options.proxy.url = "http://" + proxy.address();
    expect_proxy_failure(2, {options.proxy.url, "(403)", "127.0.0.1"});
}

TEST_P(HttpProxies, ThatCannotReachOneRegionFailOver) {
    HOLYSHEEP_SKIP_WITHOUT(GetParam().program);
    const RealProxy proxy(folder, GetParam().program, GetParam().run(folder, ""));
    options.proxy.url = "http://" + proxy.address();
    options.regions[0].base_url = "https://127.0.0.1:" + std::to_string(PlainServer("").port()) + "/v1";
    Client client(options);
    for (int i = 0; i < 10; ++i) {
        const auto answer = client.chat(question(), {.cost_safe = true});
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(outcomes(answer), ElementsAre("a proxy_failed", "b ok"));
        EXPECT_FALSE(answer->attempts[1].maybe_duplicated);
    }
    EXPECT_EQ(client.stats().regions[0].health.breaker, BreakerState::closed);
}

INSTANTIATE_TEST_SUITE_P(
    Programs, HttpProxies,
    ::testing::Values(HttpProxy{"tinyproxy", &tinyproxy, "BasicAuth " + kUser + " " + kPassword + "\n",
                                "ConnectPort 443\n"},
                      // Its helper reads "user password" and answers OK or ERR.
                      HttpProxy{"squid", &squid,
                                "auth_param basic program /usr/bin/env sed -u s/^" + kUser + "." + kPassword +
                                    "$/OK/;t;s/.*/ERR/\nacl known proxy_auth REQUIRED\nhttp_access deny !known\n",
                                "acl usual port 443\nhttp_access deny CONNECT !usual\n"}),
    [](const auto& test) { return std::string(test.param.program); });

TEST_F(RealProxies, OneThatIsDownIsTriedOncePerCall) {
    for (const auto* scheme : {"http://", "https://", "socks4://", "socks5h://"}) {
        options.proxy.url = scheme + ("127.0.0.1:" + std::to_string(PlainServer("").port()));
        expect_proxy_failure(1, {options.proxy.url, "proxy.url"});
    }
}

TEST_F(RealProxies, HttpsIsVerifiedLikeTheGateway) {
    HOLYSHEEP_SKIP_WITHOUT("tinyproxy");
    HOLYSHEEP_SKIP_WITHOUT("stunnel4");
    const RealProxy inner(folder, "tinyproxy", tinyproxy(folder));
    const RealProxy proxy(folder, "stunnel", stunnel(folder, "good", inner.port()));
    options.proxy.url = "https://" + proxy.address();
    expect_answers();
    const Certificates other_authority(folder, "other_authority");
    other_authority.issue("bad", "IP:127.0.0.1");
    const RealProxy untrusted(folder, "stunnel2", stunnel(folder, "bad", inner.port()));
    options.proxy.url = "https://" + untrusted.address();
    expect_proxy_failure(1, {options.proxy.url, "certificate"});
}

TEST_F(RealProxies, Socks5ForwardsCallsAndAcceptsOnlyItsPassword) {
    HOLYSHEEP_SKIP_WITHOUT("microsocks");
    const RealProxy proxy(folder, "microsocks", microsocks(kUser, kPassword));
    for (const auto* scheme : {"socks5://", "socks5h://"}) {
        options.proxy = {.url = scheme + proxy.address(), .user = kUser, .password = kPassword};
        expect_answers();
        options.proxy.password = "another-" + kPassword;
        expect_proxy_failure(1, {options.proxy.url, "proxy.password"});
    }
}

TEST_F(RealProxies, ARefusalReportedBySocks5CountsAgainstTheRegion) {
    HOLYSHEEP_SKIP_WITHOUT("microsocks");
    const RealProxy proxy(folder, "microsocks", microsocks());
    options.proxy.url = "socks5h://" + proxy.address();
    options.regions[0].base_url = "https://127.0.0.1:" + std::to_string(PlainServer("").port()) + "/v1";
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(outcomes(answer), ElementsAre("a transport_failed", "b ok"));
}

TEST_F(RealProxies, Socks4ForwardsCalls) {
    HOLYSHEEP_SKIP_WITHOUT("danted");
    const RealProxy proxy(folder, "danted", danted(folder));
    for (const auto* scheme : {"socks4://", "socks5://"}) {
        options.proxy.url = scheme + proxy.address();
        expect_answers();
    }
}

}  // namespace
