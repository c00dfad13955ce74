// What the kernel knows about the connection of a request that is still unanswered.
#include <optional>
#include <utility>
#include <vector>

#include "gateway_under_test.hpp"
#include "runtime/io_loop.hpp"
#include "transport/curl_transport.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;

class SentCounter final : public TransferEvents {
  public:
    bool may_send(TransferId) override {
        sent.add();
        return true;
    }
    void on_head(TransferId, HttpHead) override {}
    void on_body(TransferId, std::string_view) override {}
    void on_end(TransferId, TransferEnd) override {}
    Counter sent;
};

class PathEvidenceTest : public TwoRegions {
  protected:
    /// Sends a request that will not be answered, and returns the evidence once the gateway has received it.
    std::optional<PathEvidence> ask(transport::CurlTransportOptions transport_options = {}, int requests = 1,
                                    Fault fault = {.kind = Kind::hang}) {
        gateway.set_fault("us-west", fault);
        runtime::IoLoop loop;
        std::optional<transport::CurlTransport> curl;
        curl.emplace(loop, std::move(transport_options));
        SentCounter events;
        std::vector<TransferId> ids;
        loop.post([&] {
            loop.set_socket_handler([&](int fd, runtime::Readiness ready) { curl->on_socket(fd, ready); });
            loop.set_round_handler([&] {
                curl->flush();
                return false;
            });
            loop.add_work(1);
            for (int i = 0; i < requests; ++i) {
                ids.push_back(
                    curl->start({.url = gateway.base_url("us-west") + "/chat/completions", .body = "{}"}, events));
            }
        });
        EXPECT_TRUE(events.sent.wait_for(requests));
        EXPECT_TRUE(gateway.wait_for_requests("us-west", static_cast<std::uint64_t>(requests), kTestTimeout));
        std::optional<PathEvidence> evidence;
        Counter done;
        loop.post([&] {
            for (const auto id : ids) evidence = curl->evidence(id);
            before_start = curl->evidence(ids.back() + 1'000);
            done.add();
        });
        EXPECT_TRUE(done.wait_for(1));
        loop.stop();
        curl.reset();
        return evidence;
    }
    std::optional<PathEvidence> before_start;
};

TEST_F(PathEvidenceTest, AnAcknowledgedRequestHasARoundTripAndNothingUnacked) {
    const auto evidence = ask();
    ASSERT_TRUE(evidence);
    EXPECT_GT(evidence->srtt, 0ns);
    EXPECT_LT(evidence->srtt, 1s);
    EXPECT_EQ(evidence->unacked_for, std::nullopt) << "the kernel acknowledges although the server does not answer";
    EXPECT_FALSE(evidence->via_proxy);
    EXPECT_FALSE(before_start) << "an unknown transfer has no evidence";
}

class FrozenGatewayPathEvidence : public PathEvidenceTest,
                                  public ::testing::WithParamInterface<holysheep::testing::FreezeAt> {};
INSTANTIATE_TEST_SUITE_P(FreezeMoments, FrozenGatewayPathEvidence,
                         ::testing::ValuesIn(holysheep::testing::kFreezeMoments),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST_P(FrozenGatewayPathEvidence, ShowsThatThePathIsAlive) {
    const auto evidence = ask({}, 1, {.kind = Kind::freeze, .at = GetParam()});
    ASSERT_TRUE(evidence);
    EXPECT_GT(evidence->srtt, 0ns);
    EXPECT_EQ(evidence->unacked_for, std::nullopt);
}

TEST_F(PathEvidenceTest, EachOfManyConnectionsHasItsOwnEvidence) {
    const auto evidence = ask({}, 20);
    ASSERT_TRUE(evidence);
    EXPECT_GT(evidence->srtt, 0ns);
}

TEST(TcpPath, DescriptorsOtherThanTcpSocketsHaveNone) {
    EXPECT_FALSE(transport::endpoints_of(-1));
    EXPECT_FALSE(transport::tcp_path(-1));
    EXPECT_FALSE(transport::endpoints_of(0));
    EXPECT_FALSE(transport::endpoints_of("not an address", 443, 40'000));
}

TEST_F(TwoRegions, TheClientLearnsTheRoundTripOfARegion) {
    Client client(options);
    for (int i = 0; i < 3; ++i) ASSERT_THAT(client.chat(question()), IsOk());
    const auto health = client.stats().regions[0].health;
    ASSERT_TRUE(health.rtt);
    EXPECT_LT(*health.rtt, 1s);
    EXPECT_EQ(health.liveness, Liveness::healthy);
}

// ---- requests that share a connection ----

constexpr auto kNow = Clock::time_point{} + 10s;

TEST(UnackedFor, IsTheShorterOfSinceSentAndSinceTheLastAcknowledgement) {
    EXPECT_EQ(transport::unacked_for({.unacked = false, .since_sent = 5s, .since_ack = 5s}, {}, kNow), std::nullopt);
    EXPECT_EQ(transport::unacked_for({.unacked = true, .since_sent = 5s, .since_ack = 3s}, {}, kNow), 3s);
    EXPECT_EQ(transport::unacked_for({.unacked = true, .since_sent = 2s, .since_ack = 3s}, {}, kNow), 2s);
}

TEST(UnackedFor, LaterRequestsOnTheConnectionDoNotHideTheSilence) {
    const transport::SentMark mark{.written = 1'000, .at = kNow - 400ms};
    const transport::TcpPath path{
        .unacked = true, .since_sent = 1ms, .since_ack = 500ms, .acked = 900, .written = 5'000};
    EXPECT_EQ(transport::unacked_for(path, mark, kNow), 400ms);
}

TEST(UnackedFor, RetransmissionsDoNotHideTheSilenceOfALargeRequest) {
    std::optional<transport::SentMark> mark = transport::SentMark{.written = 1'000, .at = kNow - 20s};
    const transport::TcpPath first{
        .unacked = true, .since_sent = 40ms, .since_ack = 45ms, .acked = 9'000, .written = 50'000};
    EXPECT_EQ(transport::unacked_for(first, mark, kNow), 40ms);
    mark = transport::next_mark(first, mark, kNow);
    const transport::TcpPath probed{
        .unacked = true, .since_sent = 5ms, .since_ack = 70ms, .acked = 9'000, .written = 50'000};
    EXPECT_EQ(transport::unacked_for(probed, mark, kNow + 25ms), 65ms);
    EXPECT_EQ(transport::next_mark(probed, mark, kNow + 25ms)->at, mark->at);
    const transport::TcpPath alive{
        .unacked = true, .since_sent = 1ms, .since_ack = 2ms, .acked = 60'000, .written = 90'000};
    EXPECT_EQ(transport::unacked_for(alive, transport::next_mark(alive, mark, kNow + 1s), kNow + 1s), 1ms);
    const transport::TcpPath idle{.since_sent = 2s, .since_ack = 2s, .acked = 90'000, .written = 90'000};
    EXPECT_EQ(transport::next_mark(idle, mark, kNow + 3s)->at, mark->at);
}

TEST(UnackedFor, AnAcknowledgedRequestIsNotBlamedForALaterOne) {
    const transport::SentMark mark{.written = 1'000, .at = kNow - 20s};
    const transport::TcpPath path{
        .unacked = true, .since_sent = 4ms, .since_ack = 20s, .acked = 1'000, .written = 1'300};
    EXPECT_EQ(transport::unacked_for(path, mark, kNow), 4ms);
}

}  // namespace
