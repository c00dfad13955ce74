// Through a proxy, TCP measures the path to the proxy, not to the region: the client must not use it as evidence, and
// still leaves a silent region.
// Client → NginxFront as a forward proxy ⇄ NetworkSimulator ⇄ GatewaySimulator
#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::ElementsAre;

class ThroughAProxy : public NetworkTest {};

TEST_F(ThroughAProxy, ASilentRegionIsLeftWithoutEvidenceFromTheProxysPath) {
    Regions regions(Protocol::http1);
    const ScratchFolder folder;
    const NginxFront proxy(folder, {"proxy"}, [](const NginxFront& nginx) {
        return "server { listen " + nginx.address("proxy") +
               "; location / { proxy_pass http://$http_host$request_uri; proxy_http_version 1.1; "
               "proxy_buffering off; } }\n";
    });
    auto options = regions.options();
    options.proxy.url = "http://" + proxy.address("proxy");
    Client client(options);
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->region, kNear);
    }
    EXPECT_EQ(client.stats().regions[0].health.rtt, std::nullopt) << "the proxy's round trip is not the region's";
    regions.cut_path(kNear);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::rescue));
}

TEST_F(ThroughAProxy, AThinkingModelCausesNoFailover) {
    Regions regions(Protocol::http1);
    const ScratchFolder folder;
    const NginxFront proxy(folder, {"proxy"}, [](const NginxFront& nginx) {
        return "server { listen " + nginx.address("proxy") +
               "; location / { proxy_pass http://$http_host$request_uri; proxy_http_version 1.1; } }\n";
    });
    auto options = regions.options();
    options.proxy.url = "http://" + proxy.address("proxy");
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kNear).set_thinking(kNear, 3s);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->attempts.size(), 1U);
}

}  // namespace
}  // namespace holysheep::network
