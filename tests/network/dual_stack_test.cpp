// A host with one dead and one live address: libcurl soon tries the live one within the same connection attempt, so the
// client neither leaves the region nor records a failure for it.
// Client ⇄ loopback device of its namespace ⇄ nftables ⇄ NginxFront ⇄ GatewaySimulator
#include <cstdlib>

#include "dual_stack_resolver.hpp"
#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::ElementsAre;

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// The near region is "dual.test" in the client's namespace and closes each connection after one request; the far one
/// is another port there.
class DualStack : public NetworkTest {
  protected:
    void SetUp() override {
        NetworkTest::SetUp();
        if (IsSkipped()) return;
        if (std::system("command -v nft >/dev/null && command -v ip >/dev/null") != 0)
            GTEST_SKIP() << "nft and ip are not installed";
        network.emplace(std::vector<std::string>{kNear});
        run("ip link set lo up && ip -6 address add " + std::string(kIpv6) + "/128 dev lo nodad");
        run("nft add table inet hs && nft 'add chain inet hs in { type filter hook input priority 0; }'");
        gateway.emplace(std::vector{holysheep::testing::SimulatedRegion{.id = kNear},
                                    holysheep::testing::SimulatedRegion{.id = kFar}});
        nginx.emplace(folder, std::vector<std::string>{"dual"}, [&](const NginxFront& front) {
            const auto listen_port = front.address("dual").substr(std::string(kIpv4).size() + 1);
            return "keepalive_timeout 0; server { listen " + front.address("dual") + "; listen [" + kIpv6 +
                   "]:" + listen_port +
                   "; location / { proxy_pass http://127.0.0.1:" + std::to_string(gateway->port(kNear)) + "; } }\n";
        });
        port = nginx->address("dual").substr(std::string(kIpv4).size() + 1);
    }
    ClientOptions options() const {
        auto options = loopback::options_for(
            {Region{.id = kNear, .base_url = "http://dual.test:" + port + "/v1"}, gateway->regions()[1]});
        options.tls.allow_plaintext = true;
        return options;
    }
    void drop(const std::string& family, const std::string& address) {
        run("nft 'add rule inet hs in " + family + " daddr " + address + " tcp dport " + port + " drop'");
    }
    void flush_rules() { run("nft 'flush chain inet hs in'"); }
    void expect_calls_use_near(Client& client, int calls) {
        for (int i = 0; i < calls; ++i) {
            const auto answer = client.chat(question());
            ASSERT_THAT(answer, IsOk());
            EXPECT_EQ(answer->region, kNear) << "call " << i;
            EXPECT_EQ(answer->attempts.size(), 1U) << "call " << i;
        }
        const auto near = client.stats().regions[0];
        EXPECT_EQ(near.health.breaker, BreakerState::closed);
        EXPECT_EQ(near.health.error_rate, 0);
        EXPECT_EQ(gateway->connections(kFar), 0U) << "a connection to the other region was opened";
    }

    std::optional<NetworkSimulator> network;
    ScratchFolder folder;
    std::optional<GatewaySimulator> gateway;
    std::optional<NginxFront> nginx;
    std::string port;
};

TEST_F(DualStack, AnAddressDeadFromTheStartCausesNoFailover) {
    for (const bool ipv6 : {true, false}) {
        SCOPED_TRACE(ipv6 ? "IPv6 is dead" : "IPv4 is dead");
        ipv6_first = ipv6;
        drop(ipv6 ? "ip6" : "ip", ipv6 ? kIpv6 : kIpv4);
        Client client(options());
        expect_calls_use_near(client, 5);
        flush_rules();
    }
}

TEST_F(DualStack, AnAddressThatDiesLaterCausesNoFailover) {
    for (const bool ipv6 : {true, false}) {
        SCOPED_TRACE(ipv6 ? "IPv6 dies" : "IPv4 dies");
        ipv6_first = ipv6;
        Client client(options());
        expect_calls_use_near(client, 5);
        drop(ipv6 ? "ip6" : "ip", ipv6 ? kIpv6 : kIpv4);
        expect_calls_use_near(client, 5);
        flush_rules();
    }
}

}  // namespace
}  // namespace holysheep::network
