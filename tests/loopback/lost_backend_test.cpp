// Servers in front of gateways lose the backend during a request. Their answer does not say whether the request was
// processed, so it is sent again only if it may cost twice, and then marked.
// Client → [Apache, HAProxy, h2o, Varnish] → GatewaySimulator
#include <unistd.h>

#include <ostream>
#include <string>
#include <vector>

#include "gateway_under_test.hpp"
#include "real_proxy.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Command = std::vector<std::string>;

Command apache(const ScratchFolder& folder, std::uint16_t port, std::uint16_t backend) {
    const std::string modules = "/usr/lib/apache2/modules/mod_";
    std::string text = "ServerName localhost\nListen 127.0.0.1:" + std::to_string(port) + "\nErrorLog /dev/stderr\n" +
                       "DefaultRuntimeDir " + folder.path("") + "\nPidFile " + folder.path("apache.pid") + "\n";
    for (const std::string name : {"mpm_event", "authz_core", "proxy", "proxy_http"}) {
        text += "LoadModule " + name + "_module " + modules + name + ".so\n";
    }
    // The user that a server started as root switches to; other servers keep their user.
    text += "User www-data\nGroup www-data\nProxyPass / http://127.0.0.1:" + std::to_string(backend) + "/\n";
    folder.write("apache.conf", text);
    return {"apache2", "-X", "-f", folder.path("apache.conf")};
}

Command haproxy(const ScratchFolder& folder, std::uint16_t port, std::uint16_t backend) {
    folder.write("haproxy.cfg",
                 "defaults\n mode http\n retries 0\n timeout connect 1s\n timeout client 30s\n timeout server 30s\n"
                 "listen front\n bind 127.0.0.1:" +
                     std::to_string(port) + "\n server gateway 127.0.0.1:" + std::to_string(backend) + "\n");
    return {"haproxy", "-db", "-f", folder.path("haproxy.cfg")};
}

Command h2o(const ScratchFolder& folder, std::uint16_t port, std::uint16_t backend) {
    folder.write("h2o.conf", "listen: {host: 127.0.0.1, port: " + std::to_string(port) + "}\n" +
                                 (::geteuid() == 0 ? "user: root\n" : "") +
                                 "num-threads: 1\nhosts:\n  default:\n    paths:\n      /:\n"
                                 "        proxy.reverse.url: http://127.0.0.1:" +
                                 std::to_string(backend) + "/\n");
    return {"h2o", "-m", "worker", "-c", folder.path("h2o.conf")};
}

Command varnish(const ScratchFolder& folder, std::uint16_t port, std::uint16_t backend) {
    return {"varnishd", "-F",
            "-j",       "none",
            "-n",       folder.path("varnish"),
            "-s",       "malloc,16m",
            "-a",       "127.0.0.1:" + std::to_string(port),
            "-b",       "127.0.0.1:" + std::to_string(backend)};
}

struct Front {
    const char* program;
    Command (*command)(const ScratchFolder& folder, std::uint16_t port, std::uint16_t backend);
};
void PrintTo(const Front& front, std::ostream* out) { *out << front.program; }

class LostBackend : public TwoRegions, public ::testing::WithParamInterface<Front> {
  protected:
    ScratchFolder folder;
};

TEST_P(LostBackend, IsRetriedOnlyIfTheCallMayBeBilledTwice) {
    HOLYSHEEP_SKIP_WITHOUT(GetParam().program);
    const RealProxy front(folder, GetParam().program, [&](std::uint16_t port) {
        return GetParam().command(folder, port, gateway.port("us-west"));
    });
    options.regions[0].base_url = "http://" + front.address() + "/v1";
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk()) << front.log();

    for (const auto kind : {Kind::reset_before_headers, Kind::refuse}) {
        gateway.set_fault("us-west", {.kind = kind});
        client.force_close("us-west");
        const auto before = gateway.requests("us-west");
        const auto cost_safe = client.chat(question(), {.cost_safe = true});
        ASSERT_FALSE(cost_safe) << to_string(kind);
        // 0: Apache and HAProxy close without an answer if a reused connection is lost.
        EXPECT_THAT(cost_safe.error().http_status, AnyOf(0, 502, 503)) << to_string(kind);
        EXPECT_THAT(cost_safe.error().message, HasSubstr("cost_safe"));
        EXPECT_EQ(outcomes(cost_safe).size(), 1U);

        client.force_close("us-west");
        const auto retried = client.chat(question());
        ASSERT_THAT(retried, IsOk()) << to_string(kind);
        EXPECT_THAT(outcomes(retried), ElementsAre(HasSubstr("us-west "), "eu-central ok"));
        EXPECT_TRUE(retried->attempts[1].maybe_duplicated) << to_string(kind);
        EXPECT_LE(gateway.requests("us-west") - before, 2U) << "the server in front sent it again";
    }
}

INSTANTIATE_TEST_SUITE_P(Servers, LostBackend,
                         ::testing::Values(Front{"apache2", &apache}, Front{"haproxy", &haproxy}, Front{"h2o", &h2o},
                                           Front{"varnishd", &varnish}),
                         [](const auto& test) { return std::string(test.param.program); });

}  // namespace
