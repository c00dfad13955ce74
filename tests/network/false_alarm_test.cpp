// Networks and models that are slow, but alive: nobody is left for that, and the alarms that do go off stay few.
#include <atomic>

#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

class FalseAlarms : public OverEachWire {};
INSTANTIATE_TEST_SUITE_P(Wires, FalseAlarms, ::testing::Values(Wire::http1, Wire::tls_http2), kWireNames);

TEST_P(FalseAlarms, AreFewWhereOnePacketInAHundredIsLostAndDelaysVaryBy200Ms) {
    Regions regions(GetParam());
    for (const auto& id : {kNear, kFar}) {
        for (const auto way : {PathDirection::to_region, PathDirection::to_client}) {
            regions.network().set_path(id, {.delay = 10ms, .jitter = 100ms, .loss = 0.01}, way);
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

using Thinking = NetworkTest;

TEST_F(Thinking, AModelThatIsSilentForTwentySecondsIsNotLeft) {
    Regions regions(Wire::tls_http2);
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

TEST_F(Thinking, AModelThatSendsKeepAlivesForFiveSecondsIsNotLeft) {
    Regions regions(Wire::http1);
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
