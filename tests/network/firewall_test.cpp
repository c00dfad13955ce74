// A region behind a kernel path: a veth pair between two namespaces, and a firewall (nftables) in the region's.
// Client ⇄ veth ⇄ nftables ⇄ GatewaySimulator
#include <cstdlib>
#include <random>

#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// Two regions. The near one has a veth pair instead of a simulated path, and a firewall that initially accepts all.
class FirewalledRegions {
  public:
    FirewalledRegions() {
        std::array<char, 16> name{};
        std::snprintf(name.data(), name.size(), "hsv-%04x", std::random_device{}() & 0xFFFFU);
        const std::string here = name.data() + std::string("a"), there = name.data() + std::string("b");
        run("ip link add " + here + " type veth peer name " + there + " netns " + network_.namespace_file(kNear));
        run("ip address add 10.78.0.1/30 dev " + here + " && ip link set " + here + " up");
        network_.inside(kNear, [&] {
            run("ip address add 10.78.0.2/30 dev " + there + " && ip link set " + there + " up");
            run("nft add table ip hs");
            for (const std::string chain : {"in", "out"}) {
                run("nft 'add chain ip hs " + chain + " { type filter hook " + chain + "put priority 0; }'");
            }
            near_.emplace(std::vector{holysheep::testing::SimulatedRegion{.id = kNear, .host = "10.78.0.2"}});
        });
        network_.inside(kFar, [&] {
            far_.emplace(std::vector{holysheep::testing::SimulatedRegion{.id = kFar, .host = network_.address(kFar)}});
        });
    }

    void add_rule(const std::string& chain, const std::string& text) {
        network_.inside(kNear, [&] { run("nft 'add rule ip hs " + chain + " " + text + "'"); });
    }
    void flush_rules() {
        network_.inside(kNear, [] { run("nft 'flush table ip hs'"); });
    }
    ClientOptions options() const {
        auto options = loopback::options_for({near_->regions()[0], far_->regions()[0]});
        options.health.enabled = true;
        options.tls.allow_plaintext = true;
        return options;
    }
    GatewaySimulator& near_gateway() { return *near_; }
    GatewaySimulator& far_gateway() { return *far_; }

  private:
    NetworkSimulator network_{{kNear, kFar}};
    std::optional<GatewaySimulator> near_, far_;
};

class Firewall : public NetworkTest {
  protected:
    void SetUp() override {
        NetworkTest::SetUp();
        if (!IsSkipped() && std::system("command -v nft >/dev/null && command -v ip >/dev/null") != 0) {
            GTEST_SKIP() << "nft or ip is not installed: the packages nftables and iproute2 would enable it";
        }
    }
};

TEST_F(Firewall, DroppingEverythingStartsARace) {
    for (const auto* chain : {"in", "out"}) {
        FirewalledRegions regions;
        Client client(regions.options());
        ASSERT_THAT(client.chat(question()), IsOk());
        regions.add_rule(chain, "drop");
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk()) << chain;
        EXPECT_EQ(answer->region, kFar);
        EXPECT_EQ(answer->attempts.size(), 2U);
        EXPECT_EQ(answer->attempts[1].kind, AttemptKind::race);
        regions.flush_rules();
        EXPECT_TRUE(answers_come_from(client, kNear));
    }
}

TEST_F(Firewall, DroppingNewConnectionsCostsNoRequest) {
    FirewalledRegions regions;
    regions.add_rule("in", "tcp flags & (syn | ack) == syn drop");
    Client client(regions.options());
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_EQ(regions.near_gateway().requests(kNear), 0U);
}

TEST_F(Firewall, RejectingFailsOverAtOnce) {
    for (const auto* how : {"reject with tcp reset", "reject with icmp type host-unreachable"}) {
        FirewalledRegions regions;
        regions.add_rule("in", how[12] == 't' ? std::string("meta l4proto tcp ") + how : how);
        Client client(regions.options());
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk()) << how;
        EXPECT_EQ(answer->region, kFar);
        EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::failover)) << how;
        EXPECT_EQ(answer->attempts[0].error, ErrorCode::transport_failed);
    }
}

TEST_F(Firewall, OnePercentLossLosesNoCall) {
    FirewalledRegions regions;
    regions.add_rule("in", "numgen random mod 100 < 1 drop");
    regions.add_rule("out", "numgen random mod 100 < 1 drop");
    Client client(regions.options());
    constexpr std::size_t kCalls = 500;
    std::size_t attempts = 0;
    for (std::size_t i = 0; i < kCalls; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        attempts += answer->attempts.size();
    }
    EXPECT_LE(attempts, kCalls * 105 / 100);
}

}  // namespace
}  // namespace holysheep::network
