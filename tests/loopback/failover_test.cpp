// Each way in which a region can fail a call; the caller gets the other region's answer.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using holysheep::testing::FreezeAt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A fault of the first region, and the error recorded for its attempt.
struct RegionFault {
    std::string name;
    Fault fault;
    ErrorCode recorded;
    int status = 0;
    std::uint64_t requests = 1;  ///< requests that reach the region
};

std::ostream& operator<<(std::ostream& out, const RegionFault& region_fault) { return out << region_fault.name; }
std::string name_of(const ::testing::TestParamInfo<RegionFault>& info) { return info.param.name; }

class Failover : public TwoRegions, public ::testing::WithParamInterface<RegionFault> {
  protected:
    Failover() {
        gateway.set_fault("us-west", GetParam().fault);
        options.timeouts.first_byte = 400ms;
        options.timeouts.first_content = 400ms;
        options.timeouts.stall = 400ms;
    }
    void expect_second_region(const Result<ChatCompletion>& answer) {
        const auto& region_fault = GetParam();
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(answer->text(), StartsWith("[eu-central] hello sheep"));
        EXPECT_EQ(answer->region, "eu-central");
        // A silent attempt within the limit for the first content gets a backup in time.
        const bool backed_up =
            region_fault.recorded == ErrorCode::timed_out && answer->attempts.back().kind == AttemptKind::backup;
        const auto recorded = backed_up ? ErrorCode::cancelled : region_fault.recorded;
        ASSERT_THAT(outcomes(answer), ElementsAre("us-west " + std::string(to_string(recorded)), "eu-central ok"));
        EXPECT_EQ(answer->attempts[0].http_status, region_fault.status);
        EXPECT_THAT(answer->attempts[0].detail, Not(::testing::IsEmpty()));
        EXPECT_THAT(answer->attempts[0].detail, Not(HasSubstr("<html")));
        EXPECT_EQ(answer->attempts[1].kind, backed_up ? AttemptKind::backup : AttemptKind::failover);
        EXPECT_TRUE(answer->attempts[1].winner);
        EXPECT_EQ(gateway.requests("us-west"), region_fault.requests);
        EXPECT_EQ(gateway.requests("eu-central"), 1u);
    }
};

class FailoverOfCallsAndStreams : public Failover {};

TEST_P(FailoverOfCallsAndStreams, APlainCallIsAnsweredByTheNextRegion) {
    Client client(options);
    expect_second_region(client.chat(question()));
}

TEST_P(FailoverOfCallsAndStreams, AStreamIsAnsweredByTheNextRegion) {
    Client client(options);
    auto stream = client.stream(question());
    std::string text;
    for (const auto& chunk : stream) {
        if (chunk.event == ChunkEvent::content) text += chunk.text;
    }
    expect_second_region(stream.finish());
    EXPECT_THAT(text, StartsWith("[eu-central] hello sheep"));
    EXPECT_THAT(text, Not(HasSubstr("us-west")));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FailoverOfCallsAndStreams,
    ::testing::Values(
        RegionFault{"Refuse", {.kind = Kind::refuse}, ErrorCode::transport_failed, 0, 0},
        RegionFault{"ResetBeforeHeaders", {.kind = Kind::reset_before_headers}, ErrorCode::transport_failed},
        RegionFault{"ResetAfterHeaders", {.kind = Kind::reset_after_headers}, ErrorCode::transport_failed, 200},
        RegionFault{"Hang", {.kind = Kind::hang}, ErrorCode::timed_out},
        RegionFault{"HangAfterHeaders", {.kind = Kind::hang_after_headers}, ErrorCode::timed_out, 200},
        RegionFault{"FreezeBeforeHead", {.kind = Kind::freeze, .at = FreezeAt::before_head}, ErrorCode::timed_out},
        RegionFault{"FreezeAfterHead", {.kind = Kind::freeze, .at = FreezeAt::after_head}, ErrorCode::timed_out, 200},
        RegionFault{"FreezeAfterRole", {.kind = Kind::freeze, .at = FreezeAt::after_role}, ErrorCode::timed_out, 200},
        RegionFault{
            "FreezeAmidComments", {.kind = Kind::freeze, .at = FreezeAt::amid_comments}, ErrorCode::timed_out, 200},
        RegionFault{"Garbage", {.kind = Kind::garbage}, ErrorCode::malformed_response},
        RegionFault{"HtmlWith200", {.kind = Kind::html, .status = 200}, ErrorCode::malformed_response, 200},
        RegionFault{"HtmlWith502", {.kind = Kind::html, .status = 502}, ErrorCode::server_failed, 502},
        RegionFault{"EmptyBody", {.kind = Kind::empty_body}, ErrorCode::malformed_response, 200},
        RegionFault{"ErrorIn200", {.kind = Kind::error_in_200, .status = 503}, ErrorCode::server_failed, 200},
        RegionFault{"EndlessHeaders", {.kind = Kind::endless_headers}, ErrorCode::malformed_response},
        RegionFault{"HugeHeaderLine", {.kind = Kind::huge_header_line}, ErrorCode::malformed_response},
        RegionFault{"Status408", {.kind = Kind::status, .status = 408}, ErrorCode::timed_out, 408},
        RegionFault{"Status429", {.kind = Kind::status, .status = 429}, ErrorCode::rate_limited, 429},
        RegionFault{"Status500", {.kind = Kind::status, .status = 500}, ErrorCode::server_failed, 500},
        RegionFault{"Status502", {.kind = Kind::status, .status = 502}, ErrorCode::server_failed, 502},
        RegionFault{"Status503", {.kind = Kind::status, .status = 503}, ErrorCode::server_failed, 503},
        RegionFault{"Status504", {.kind = Kind::status, .status = 504}, ErrorCode::timed_out, 504},
        RegionFault{"Status520", {.kind = Kind::status, .status = 520}, ErrorCode::server_failed, 520},
        RegionFault{"Status529", {.kind = Kind::status, .status = 529}, ErrorCode::server_failed, 529},
        RegionFault{"ModelUnknownHere", {.kind = Kind::status, .status = 404}, ErrorCode::model_not_found, 404}),
    name_of);

class FailoverOfPlainCalls : public Failover {};

TEST_P(FailoverOfPlainCalls, AnIncompleteAnswerFailsOver) {
    Client client(options);
    expect_second_region(client.chat(question()));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FailoverOfPlainCalls,
    ::testing::Values(
        RegionFault{"ResetInTheBody", {.kind = Kind::reset_mid_stream}, ErrorCode::transport_failed, 200},
        RegionFault{"CutInTheBody", {.kind = Kind::cut}, ErrorCode::transport_failed, 200},
        RegionFault{"StallInTheBody", {.kind = Kind::stall_mid_stream}, ErrorCode::timed_out, 200},
        RegionFault{
            "FreezeInTheBody", {.kind = Kind::freeze, .at = FreezeAt::after_content}, ErrorCode::timed_out, 200},
        RegionFault{
            "FreezeBeforeTheEnd", {.kind = Kind::freeze, .at = FreezeAt::before_end}, ErrorCode::timed_out, 200}),
    name_of);

class FailoverOfStreams : public Failover {};

TEST_P(FailoverOfStreams, AnAttemptThatEndsBeforeContentLeavesNoTraceInTheStream) {
    Client client(options);
    auto stream = client.stream(question());
    int started = 0;
    std::string text;
    for (const auto& chunk : stream) {
        started += chunk.event == ChunkEvent::started ? 1 : 0;
        if (chunk.event == ChunkEvent::content) text += chunk.text;
    }
    expect_second_region(stream.finish());
    EXPECT_THAT(text, StartsWith("[eu-central] hello sheep"));
    EXPECT_LE(started, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FailoverOfStreams,
    ::testing::Values(
        RegionFault{"Reset", {.kind = Kind::reset_mid_stream, .after_chunks = 0}, ErrorCode::transport_failed, 200},
        RegionFault{"Cut", {.kind = Kind::cut, .after_chunks = 0}, ErrorCode::transport_failed, 200},
        RegionFault{"ErrorEvent",
                    {.kind = Kind::error_in_stream, .status = 503, .after_chunks = 0},
                    ErrorCode::server_failed,
                    200},
        RegionFault{"Stall", {.kind = Kind::stall_mid_stream, .after_chunks = 0}, ErrorCode::timed_out, 200},
        RegionFault{"StallWithKeepAlives",
                    {.kind = Kind::stall_mid_stream, .period = 50ms, .after_chunks = 0},
                    ErrorCode::timed_out,
                    200}),
    name_of);

/// Unusual but harmless answers.
class UnusualAnswer : public TwoRegions, public ::testing::WithParamInterface<RegionFault> {};

TEST_P(UnusualAnswer, IsAcceptedWithoutAFailover) {
    gateway.set_fault("us-west", GetParam().fault);
    gateway.set_stream("us-west", 2, 0ms);
    Client client(options);
    for (int round = 0; round < 2; ++round) {
        const auto whole = client.chat(question());
        ASSERT_THAT(whole, IsOk());
        EXPECT_EQ(whole->region, "us-west");
        const auto streamed = client.stream(question()).finish();
        ASSERT_THAT(streamed, IsOk());
        EXPECT_EQ(streamed->text(), whole->text());
    }
}

INSTANTIATE_TEST_SUITE_P(Answers, UnusualAnswer,
                         ::testing::Values(RegionFault{"WrongContentType", {.kind = Kind::wrong_content_type}, {}},
                                           RegionFault{"CloseAfterResponse", {.kind = Kind::close_after_response}, {}},
                                           RegionFault{"SlowDrip", {.kind = Kind::slow_drip, .period = 1ms}, {}},
                                           RegionFault{"NoDoneMarker", {.kind = Kind::no_done_marker}, {}}),
                         name_of);

/// Errors that every region would give.
class PermanentError : public TwoRegions, public ::testing::WithParamInterface<RegionFault> {};

TEST_P(PermanentError, DoesNotFailOver) {
    gateway.set_fault("us-west", GetParam().fault);
    Client client(options);
    for (const auto& answer : {client.chat(question()), client.stream(question()).finish()}) {
        EXPECT_THAT(answer, FailsWith(GetParam().recorded));
        EXPECT_EQ(answer.error().http_status, GetParam().status);
        EXPECT_EQ(answer.error().region, "us-west");
        EXPECT_EQ(answer.error().attempts.size(), 1u);
    }
    EXPECT_EQ(gateway.requests("us-west"), 2u);
    EXPECT_EQ(gateway.requests("eu-central"), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, PermanentError,
    ::testing::Values(
        RegionFault{"Status400", {.kind = Kind::status, .status = 400}, ErrorCode::invalid_request, 400},
        RegionFault{"Status401", {.kind = Kind::status, .status = 401}, ErrorCode::unauthenticated, 401},
        RegionFault{"Status402", {.kind = Kind::status, .status = 402}, ErrorCode::insufficient_quota, 402},
        RegionFault{"Status403", {.kind = Kind::status, .status = 403}, ErrorCode::permission_denied, 403},
        RegionFault{"Status413", {.kind = Kind::status, .status = 413}, ErrorCode::request_too_large, 413},
        RegionFault{"Status422", {.kind = Kind::status, .status = 422}, ErrorCode::invalid_request, 422},
        RegionFault{"Status501", {.kind = Kind::status, .status = 501}, ErrorCode::server_failed, 501},
        RegionFault{"Quota", {.kind = Kind::quota}, ErrorCode::insufficient_quota, 429},
        RegionFault{"ShouldNotRetry",
                    {.kind = Kind::status, .status = 503, .headers = {{"x-should-retry", "false"}}},
                    ErrorCode::server_failed,
                    503}),
    name_of);

/// Heads come at once from every region, but one of the three takes 30 times as long for content.
TEST(Hedging, AvoidsMostWaitsForARegionWithFastHeadsAndSlowContent) {
    const std::vector<std::string> ids{"us-west", "eu-central", "ap-southeast"};
    std::vector<SimulatedRegion> regions;
    for (const auto& id : ids) regions.push_back({.id = id, .thinking = 60ms});
    GatewaySimulator gateway(std::move(regions));
    auto options = options_for(gateway);
    for (auto& region : options.regions) region.tier = 0;
    options.hedging.enabled = true;
    Client client(options);
    for (int i = 0; i < 40; ++i) ASSERT_THAT(client.stream(question()).finish(), IsOk());
    gateway.set_thinking("us-west", 1800ms);

    std::atomic<int> late = 0;
    {
        std::vector<std::jthread> callers;
        for (int caller = 0; caller < 16; ++caller) {
            callers.emplace_back([&] {
                for (int i = 0; i < 5; ++i) {
                    const auto began = std::chrono::steady_clock::now();
                    EXPECT_THAT(client.stream(question()).finish(), IsOk());
                    if (std::chrono::steady_clock::now() - began > 1500ms) ++late;
                }
            });
        }
    }
    EXPECT_LE(late, 8) << "of 80";
    EXPECT_GT(client.stats().hedges, 0U);
    RecordProperty("late", late);
}

TEST_F(TwoRegions, TheAttemptDescriptionNamesARefusedConnection) {
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(answer->attempts[0].detail, HasSubstr("Connection refused"));
    EXPECT_THAT(describe(answer->attempts),
                ::testing::MatchesRegex("us-west refused after [0-9.]+ ms → eu-central 200 in [0-9.]+ ms"));
}

}  // namespace
