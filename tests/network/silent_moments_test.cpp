// A region that falls silent at each stage of an answer: nginx is stopped while its kernel keeps acknowledging, or the
// path drops all packets; directly and through a proxy.
// Client → [forward proxy] ⇄ NetworkSimulator ⇄ [NginxFront] ⇄ GatewaySimulator
#include <atomic>
#include <future>

#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using holysheep::testing::FailsWith;
using holysheep::testing::FreezeAt;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

struct Silence {
    Protocol protocol = Protocol::http1;
    bool stopped = false;  ///< nginx is stopped; otherwise the path drops packets
    bool proxied = false;
};

std::string to_string(const Silence& silence) {
    return to_string(silence.protocol) + (silence.stopped ? "_stopped" : "_lost") +
           (silence.proxied ? "_by_proxy" : "");
}

/// The fault that makes the gateway stop an answer at `moment` while it still answers probes.
holysheep::testing::Fault fault_at(FreezeAt moment) {
    switch (moment) {
        case FreezeAt::before_head: return {.kind = Kind::hang, .path = "chat"};
        case FreezeAt::after_head: return {.kind = Kind::hang_after_headers, .path = "chat"};
        case FreezeAt::after_role: return {.kind = Kind::stall_mid_stream, .after_chunks = 0, .path = "chat"};
        case FreezeAt::amid_comments:
            return {.kind = Kind::stall_mid_stream, .period = 200ms, .after_chunks = 0, .path = "chat"};
        case FreezeAt::after_content: return {.kind = Kind::stall_mid_stream, .after_chunks = 1, .path = "chat"};
        case FreezeAt::before_end: break;
    }
    return {.kind = Kind::stall_mid_stream, .after_chunks = 8, .path = "chat"};
}

class SilentMoment : public NetworkTest, public ::testing::WithParamInterface<std::tuple<Silence, FreezeAt>> {};

INSTANTIATE_TEST_SUITE_P(Moments, SilentMoment,
                         ::testing::Combine(::testing::Values(Silence{.protocol = Protocol::tls_http1, .stopped = true},
                                                              Silence{.protocol = Protocol::tls_http2, .stopped = true},
                                                              Silence{.protocol = Protocol::http1},
                                                              Silence{.protocol = Protocol::tls_http2},
                                                              Silence{.protocol = Protocol::http1, .proxied = true}),
                                            ::testing::ValuesIn(holysheep::testing::kFreezeMoments)),
                         [](const auto& tested) {
                             return to_string(std::get<Silence>(tested.param)) + "_" +
                                    std::string(to_string(std::get<FreezeAt>(tested.param)));
                         });

TEST_P(SilentMoment, IsLeftByPlainCallsAndStreams) {
    const auto& silence = std::get<Silence>(GetParam());
    const auto moment = std::get<FreezeAt>(GetParam());
    const bool content = moment >= FreezeAt::after_content;
    Regions regions(silence.protocol);
    auto options = regions.options();
    const ScratchFolder folder;
    std::unique_ptr<NginxFront> proxy;
    if (silence.proxied) {
        proxy = std::make_unique<NginxFront>(folder, std::vector<std::string>{"proxy"}, [](const NginxFront& nginx) {
            return "server { listen " + nginx.address("proxy") +
                   "; location / { proxy_pass http://$http_host$request_uri; proxy_http_version 1.1; "
                   "proxy_buffering off; } }\n";
        });
        options.proxy.url = "http://" + proxy->address("proxy");
    }
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    ASSERT_TRUE(wait_until_probed(client));
    regions.gateway(kNear).set_fault(kNear, fault_at(moment));

    auto plain = client.chat_async(question());
    auto streamed =
        std::async(std::launch::async, [&client] { return client.stream_to(question(), [](const ChatChunk&) {}); });
    std::atomic<bool> restarts = false;
    auto restarted = std::async(std::launch::async, [&client, &restarts] {
        CallOptions call;
        call.stream_recovery = StreamRecovery::restart;
        return client.stream_to(question(), call, [&restarts](const ChatChunk& chunk) {
            restarts = restarts || chunk.event == ChunkEvent::restarted;
        });
    });
    ASSERT_TRUE(regions.wait_for_chat_requests(kNear, 4));
    std::this_thread::sleep_for(300ms);  // lets the answers reach that moment
    const auto began = Clock::now();
    if (silence.stopped) {
        regions.nginx(kNear).freeze();
    } else {
        regions.cut_path(kNear);
    }

    const auto answer = plain.get();
    EXPECT_LE(Clock::now() - began, 4s);
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_EQ(answer->attempts.size(), 2U);
    const auto again = restarted.get();
    EXPECT_LE(Clock::now() - began, content ? 3s : 4s);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->region, kFar);
    EXPECT_EQ(restarts, content);
    const auto result = streamed.get();
    EXPECT_LE(Clock::now() - began, content ? 3s : 4s);
    if (content) {
        ASSERT_THAT(result, FailsWith(ErrorCode::stream_stalled));
        EXPECT_THAT(result.error().attempts[0].left, StartsWith("silent in mid-answer for "));
    } else {
        ASSERT_THAT(result, IsOk());
        EXPECT_EQ(result->region, kFar);
    }
    if (silence.stopped) regions.nginx(kNear).thaw();
}

}  // namespace
}  // namespace holysheep::network
