// Slow but live networks and models: the client does not leave a region for that, and false alarms are rare.
#include <atomic>

#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

class FalseAlarms : public ProtocolTest {};
INSTANTIATE_TEST_SUITE_P(Protocols, FalseAlarms, ::testing::Values(Protocol::http1, Protocol::tls_http2),
                         kProtocolNames);

TEST_P(FalseAlarms, AreRareAtOnePercentLossAnd200MsJitter) {
    Regions regions(GetParam());
    for (const auto& id : {kNear, kFar}) {
        for (const auto direction : {PathDirection::to_region, PathDirection::to_client}) {
            regions.network().set_path(id, {.delay = 10ms, .jitter = 100ms, .loss = 0.01}, direction);
        }
        regions.gateway(id).set_thinking(id, 200ms);
    }
    Client client(regions.options());
    constexpr int kThreads = 16, kCallsEach = 25;
    std::atomic<int> attempts = 0, failed = 0;
    {
        std::vector<std::jthread> callers;
        for (int t = 0; t < kThreads; ++t) {
            callers.emplace_back([&] {
                for (int i = 0; i < kCallsEach; ++i) {
                    const auto answer = client.chat(question());
                    if (!answer) ++failed;
                    attempts += static_cast<int>((answer ? answer->attempts : answer.error().attempts).size());
                }
            });
        }
    }
    EXPECT_EQ(failed, 0);
    EXPECT_LE(attempts, kThreads * kCallsEach * 105 / 100);
    RecordProperty("attempts", attempts);
}

using SlowModel = NetworkTest;

TEST_F(SlowModel, TwentySecondsOfSilenceCauseNoFailover) {
    Regions regions(Protocol::tls_http2);
    auto options = regions.options();
    options.timeouts.total = 60s;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kNear).set_thinking(kNear, 20s);
    auto whole = client.chat_async(question());
    const auto streamed = client.stream_to(question(), [](const ChatChunk&) {});
    ASSERT_THAT(streamed, IsOk());
    EXPECT_EQ(streamed->attempts.size(), 1U);
    const auto answer = whole.get();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->attempts.size(), 1U);
    EXPECT_EQ(regions.requests(kFar), 0U);
}

TEST_F(SlowModel, FiveSecondsOfKeepAlivesCauseNoFailover) {
    Regions regions(Protocol::http1);
    Client client(regions.options());
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kNear).set_fault(
        kNear, {.kind = Kind::stall_mid_stream, .period = 500ms, .after_chunks = 0, .path = "chat"});
    std::atomic<int> keep_alives = 0;
    std::stop_source stop;
    const auto streamed = client.stream_to(question(), {.stop = stop.get_token()}, [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::keep_alive && ++keep_alives == 10) stop.request_stop();
    });
    ASSERT_FALSE(streamed);
    EXPECT_EQ(streamed.error().code, ErrorCode::cancelled);
    EXPECT_EQ(streamed.error().attempts.size(), 1U);
    EXPECT_EQ(regions.requests(kFar), 0U);
}

}  // namespace
}  // namespace holysheep::network
