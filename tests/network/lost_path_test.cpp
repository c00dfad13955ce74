// A path that drops packets on established connections: the only evidence is the missing TCP acknowledgement.
#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

struct Loss {
    Protocol protocol = Protocol::http1;
    PathDirection direction = PathDirection::both;
};

class LostPath : public NetworkTest, public ::testing::WithParamInterface<Loss> {};
INSTANTIATE_TEST_SUITE_P(
    Losses, LostPath,
    ::testing::Values(Loss{Protocol::http1, PathDirection::both}, Loss{Protocol::http1, PathDirection::to_region},
                      Loss{Protocol::http1, PathDirection::to_client}, Loss{Protocol::tls_http1, PathDirection::both},
                      Loss{Protocol::tls_http2, PathDirection::both},
                      Loss{Protocol::tls_http2, PathDirection::to_client}),
    [](const auto& parameter) {
        const auto direction = parameter.param.direction;
        return to_string(parameter.param.protocol) + (direction == PathDirection::both        ? "_both_ways"
                                                      : direction == PathDirection::to_region ? "_to_region"
                                                                                              : "_to_client");
    });

TEST_P(LostPath, TheNextRegionRacesOverAnEstablishedConnection) {
    Regions regions(GetParam().protocol);
    auto options = regions.options();
    options.health.enabled = false;  // so that no probe helps
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.cut_path(kNear, GetParam().direction);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_TRUE(answer->attempts[1].maybe_duplicated) << "a missing acknowledgement does not prove loss";
    EXPECT_EQ(regions.requests(kFar), 1U);
    EXPECT_EQ(regions.requests(kNear), GetParam().direction == PathDirection::to_client ? 2U : 1U);
}

class LostPathByProtocol : public ProtocolTest {};
INSTANTIATE_TEST_SUITE_P(Protocols, LostPathByProtocol, ::testing::Values(Protocol::http1, Protocol::tls_http2),
                         kProtocolNames);

TEST_P(LostPathByProtocol, TheFirstAttemptIsKeptAndWinsWhenThePathRecovers) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.enabled = false;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kFar).set_thinking(kFar, 20s);
    regions.cut_path(kNear);
    auto answer = client.chat_async(question());
    ASSERT_TRUE(regions.wait_for_chat_requests(kFar, 1));
    regions.restore_path(kNear);
    const auto result = answer.get();
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->region, kNear) << "TCP retransmits the request";
    EXPECT_TRUE(result->attempts[0].winner);
    EXPECT_TRUE(regions.gateway(kFar).wait_for_early_closes(kFar, 1, kTestTimeout)) << "the loser is cancelled";
}

TEST_P(LostPathByProtocol, CostSafeCallsWaitForTheirOnlyAttempt) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.enabled = false;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.cut_path(kNear);
    auto answer = client.chat_async(question(), {.cost_safe = true});
    std::this_thread::sleep_for(500ms);
    regions.restore_path(kNear);
    const auto result = answer.get();
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->attempts.size(), 1U);
    EXPECT_EQ(regions.requests(kFar), 0U);
}

using LostPathAfterIdleTime = NetworkTest;

TEST_F(LostPathAfterIdleTime, ACallAfterFourIdleSecondsFailsOver) {
    Regions regions(Protocol::tls_http1);
    Client client(regions.options());
    for (int i = 0; i < 2; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->attempts.size(), 1U);
        std::this_thread::sleep_for(4s);
    }
    regions.cut_path(kNear);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    // Either is detected first: the missing acknowledgement, or no answer to the probe after the idle time.
    EXPECT_THAT(kinds(answer->attempts),
                ElementsAre(AttemptKind::first, AnyOf(AttemptKind::race, AttemptKind::rescue)));
}

TEST_P(LostPathByProtocol, EveryCallInFlightMovesOnce) {
    constexpr std::size_t kCalls = 200;
    Regions regions(GetParam());
    Client client(regions.options());
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kNear).set_thinking(kNear, 20s);
    auto calls = regions.start_concurrent_calls(client, kCalls);
    regions.cut_path(kNear);
    for (auto& call : calls) {
        const auto answer = call.get();
        ASSERT_THAT(answer, IsOk()) << answer.error();
        EXPECT_EQ(answer->region, kFar);
    }
    EXPECT_LE(regions.requests(kNear), kCalls + 1);
    EXPECT_EQ(regions.requests(kFar), kCalls) << "each call is sent there exactly once";
}

TEST_P(LostPathByProtocol, AStartedStreamEndsWithItsPartAndIsNotResent) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.timeouts.stall = 1s;
    Client client(options);
    regions.gateway(kNear).set_stream(kNear, 1'000, 20ms);
    int chunks = 0;
    const auto result = client.stream_to(question(), [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::content && ++chunks == 5) regions.cut_path(kNear);
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::stream_stalled);
    ASSERT_TRUE(result.error().partial);
    EXPECT_FALSE(result.error().partial->text().empty());
    EXPECT_EQ(result.error().attempts.size(), 1U);
    EXPECT_EQ(regions.requests(kFar), 0U);
}

TEST_P(LostPathByProtocol, TrafficReturnsWhenThePathRecovers) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.unhealthy_interval = 200ms;
    options.breaker.open_for = 200ms;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.cut_path(kNear);
    for (int i = 0; i < 10; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->region, kFar);
    }
    EXPECT_LE(regions.requests(kNear), 1U);
    regions.restore_path(kNear);
    EXPECT_TRUE(answers_come_from(client, kNear));
}

}  // namespace
}  // namespace holysheep::network
