// A gateway that is stopped while its kernel keeps acknowledging: only an unanswered probe reveals it.
#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

class FrozenGateway : public ProtocolTest {};
INSTANTIATE_TEST_SUITE_P(Protocols, FrozenGateway, ::testing::Values(Protocol::tls_http1, Protocol::tls_http2),
                         kProtocolNames);

TEST_P(FrozenGateway, IsLeftRightAfterSuccessfulCalls) {
    Regions regions(GetParam());
    Client client(regions.options());
    for (int i = 0; i < 3; ++i) ASSERT_THAT(client.chat(question()), IsOk());
    ASSERT_TRUE(wait_until_probed(client));
    regions.nginx(kNear).freeze();
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    // On a busy machine the kernel's acknowledgement may come late: then a race starts before the rescue.
    EXPECT_THAT(kinds(answer->attempts),
                ElementsAre(AttemptKind::first, AnyOf(AttemptKind::rescue, AttemptKind::race)));
    EXPECT_TRUE(answer->attempts[1].maybe_duplicated);
    regions.nginx(kNear).thaw();
}

TEST_P(FrozenGateway, EveryWaitingCallMovesOnce) {
    constexpr std::size_t kCalls = 100;
    Regions regions(GetParam());
    Client client(regions.options());
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.gateway(kNear).set_thinking(kNear, 20s);
    auto calls = regions.start_concurrent_calls(client, kCalls);
    regions.nginx(kNear).freeze();
    for (auto& call : calls) {
        const auto answer = call.get();
        ASSERT_THAT(answer, IsOk()) << answer.error();
        EXPECT_EQ(answer->region, kFar);
    }
    EXPECT_EQ(regions.requests(kFar), kCalls);
    regions.nginx(kNear).thaw();
}

TEST_P(FrozenGateway, IsUsedAgainAfterItResumes) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.unhealthy_interval = 200ms;
    options.health.sign_of_life = 200ms;
    options.breaker.open_for = 200ms;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    regions.nginx(kNear).freeze();
    for (int i = 0; i < 5; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->region, kFar);
    }
    regions.nginx(kNear).thaw();
    EXPECT_TRUE(answers_come_from(client, kNear));
}

TEST_P(FrozenGateway, CostSafeCallsKeepTheirOnlyAttempt) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.sign_of_life = 200ms;
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    ASSERT_TRUE(wait_until_probed(client));
    regions.nginx(kNear).freeze();
    auto answer = client.chat_async(question(), {.cost_safe = true});
    std::this_thread::sleep_for(700ms);
    regions.nginx(kNear).thaw();
    const auto result = answer.get();
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->attempts.size(), 1U);
    EXPECT_EQ(regions.requests(kFar), 0U);
}

}  // namespace
}  // namespace holysheep::network
