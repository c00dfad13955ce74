// A region whose host does not answer the SYN: connections race, but no request is sent twice.
#include "network_under_test.hpp"

namespace holysheep::network {
namespace {

using ::testing::ElementsAre;

class SilentConnect : public ProtocolTest {};
INSTANTIATE_TEST_SUITE_P(Protocols, SilentConnect, ::testing::Values(Protocol::http1, Protocol::tls_http1),
                         kProtocolNames);

TEST_P(SilentConnect, OnFirstContactCostsNeitherARequestNorATimeout) {
    Regions regions(GetParam());
    regions.network().set_path(kNear, {.drop_syn = true});
    Client client(regions.options());
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_NE(answer->attempts[0].error, ErrorCode::timed_out);
    EXPECT_FALSE(answer->attempts[1].maybe_duplicated) << "nothing had been sent";
    EXPECT_EQ(regions.requests(kNear), 0U);
    EXPECT_EQ(regions.requests(kFar), 1U);
    EXPECT_EQ(regions.gateway(kNear).connections(kNear), 0U);
}

TEST_P(SilentConnect, OfAKnownRegionIsDetectedAfterItsRoundTrip) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.health.enabled = false;  // so that no probe leaves an idle connection
    Client client(options);
    const auto warm = client.chat(question());
    ASSERT_THAT(warm, IsOk());
    ASSERT_EQ(warm->region, kNear);
    regions.gateway(kNear).set_thinking(kNear, 20s);
    auto thinking = client.chat_async(question());  // occupies the only connection
    ASSERT_TRUE(regions.wait_for_chat_requests(kNear, 2));
    regions.cut_path(kNear);
    const auto answer = client.chat(question("on a new connection"));
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_FALSE(answer->attempts[1].maybe_duplicated);
    EXPECT_EQ(regions.requests(kNear), 2U);
}

TEST_P(SilentConnect, AnUnreachableAddressFailsOverAtOnce) {
    Regions regions(GetParam());
    auto options = regions.options();
    options.regions[0].base_url = "http://10.99.0.1:8080/v1";
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->region, kFar);
    EXPECT_THAT(kinds(answer->attempts), ElementsAre(AttemptKind::first, AttemptKind::failover));
    EXPECT_EQ(answer->attempts[0].error, ErrorCode::transport_failed);
}

}  // namespace
}  // namespace holysheep::network
