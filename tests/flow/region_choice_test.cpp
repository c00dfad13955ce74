// Which regions a call uses: order, allow lists, draining. A region's own options apply to that region only.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<Region> four_regions() {
    auto regions = FakeTransport::regions({"us-west", "eu-central", "eu-north", "ap-southeast"});
    regions[1].zone = regions[2].zone = "eu";
    return regions;
}

void fail_everywhere(CallFlow& flow) {
    for (const auto* id : {"us-west", "eu-central", "eu-north", "ap-southeast"}) {
        flow.transport.fail(id, ErrorCode::transport_failed);
    }
}

std::vector<std::string> first_round(const std::vector<std::string>& attempts, std::size_t regions) {
    return {attempts.begin(), attempts.begin() + static_cast<std::ptrdiff_t>(std::min(regions, attempts.size()))};
}

TEST(RegionChoice, FollowsPriorityThenWeightWhileNothingElseIsKnown) {
    auto regions = four_regions();
    regions[0].tier = 1;
    regions[1].weight = 2;
    regions[2].weight = 4;
    CallFlow flow({}, {.regions = regions});
    fail_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_THAT(first_round(flow.attempts(), 4), ElementsAre("eu-north", "eu-central", "ap-southeast", "us-west"));
}

TEST(RegionChoice, ACallNeverLeavesItsAllowList) {
    CallFlow flow({}, {.regions = four_regions()});
    fail_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question(), {.regions = {"eu"}}));
    for (const auto& region : flow.attempts()) EXPECT_THAT(region, HasSubstr("eu-"));
    EXPECT_THAT(first_round(flow.attempts(), 2), ::testing::UnorderedElementsAre("eu-central", "eu-north"));
}

TEST(RegionChoice, ARaceStaysWithinTheAllowList) {
    CallFlow flow({}, {.regions = four_regions()});
    flow.transport.never_connects("us-west").reply("eu-central", "no");
    EXPECT_THAT(flow.client.chat(a_question(), {.regions = {"us-west"}}), FailsWith(ErrorCode::timed_out));
    EXPECT_THAT(flow.attempts(), Each(std::string("us-west")));
}

TEST(RegionChoice, ExcludedRegionsAreNotUsed) {
    CallFlow flow({}, {.regions = four_regions()});
    fail_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question(), {.exclude_regions = {"eu", "us-west"}}));
    EXPECT_THAT(flow.attempts(), Each(std::string("ap-southeast")));
}

TEST(RegionChoice, TheOnlyAllowedRegionKeepsItsErrorClass) {
    CallFlow flow({}, {.regions = four_regions()});
    fail_everywhere(flow);
    EXPECT_THAT(flow.client.chat(a_question(), {.regions = {"eu-north"}}), FailsWith(ErrorCode::transport_failed));
}

TEST(RegionChoice, AListThatMatchesNoRegionIsRefused) {
    CallFlow flow({}, {.regions = four_regions()});
    for (const auto& options :
         {CallOptions{.regions = {"mars"}}, CallOptions{.exclude_regions = {"mars"}},
          CallOptions{.regions = {"eu"}, .exclude_regions = {"eu"}}, CallOptions{.regions = {""}}}) {
        EXPECT_THAT(flow.client.chat(a_question(), options), FailsWith(ErrorCode::invalid_options));
    }
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(RegionChoice, ADrainingRegionGetsNoNewAttempts) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply("us-west", "a").reply("eu-central", "b");
    flow.client.drain("us-west");
    EXPECT_EQ(flow.client.chat(a_question())->region, "eu-central");
    EXPECT_EQ(flow.client.stats().regions[0].health.liveness, Liveness::draining);
    flow.client.resume("us-west");
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
    EXPECT_NE(flow.client.stats().regions[0].health.liveness, Liveness::draining);
    flow.client.drain("mars");  // an unknown region is ignored
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
}

TEST(RegionChoice, ADrainingRegionFinishesItsCalls) {
    CallFlow flow({"us-west", "eu-central"}, {}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 5s}).reply("eu-central", "b");
    auto answer = flow.client.chat_async(a_question());
    flow.client.drain("us-west");
    flow.clock.advance(5s);
    EXPECT_EQ(answer.get()->region, "us-west");
}

TEST(RegionChoice, ACallThatBacksOffDoesNotReturnToARegionDrainedMeanwhile) {
    CallFlow flow({"us-west", "eu-central"}, {}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "2"}}, "");
    flow.transport.reply_raw("eu-central", 429, {{"Retry-After", "4"}}, "").reply("eu-central", "b");
    auto answer = flow.client.chat_async(a_question());
    flow.client.drain("us-west");
    flow.clock.advance(4s);
    ASSERT_TRUE(is_ready(answer));
    EXPECT_EQ(answer.get()->region, "eu-central");
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central", "eu-central"));
}

// ---- options of a single region ----

TEST(RegionChoice, KeysAndHeadersStayWithTheirRegion) {
    auto regions = FakeTransport::regions({"us-west", "eu-central"});
    regions[0].api_key = "key-of-us";
    regions[0].headers = {{"X-Us", "secret-of-us"}, {"X-Shared", "us"}};
    regions[1].headers = {{"Cookie", "eu=1"}};
    CallFlow flow({}, {.api_key = "key-of-all", .regions = regions, .headers = {{"X-Shared", "all"}}});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto requests = flow.requests();
    EXPECT_EQ(header(requests[0], "Authorization"), "Bearer key-of-us");
    EXPECT_EQ(header(requests[0], "X-Us"), "secret-of-us");
    EXPECT_EQ(header(requests[0], "X-Shared"), "us") << "the region's value replaces the client's";
    EXPECT_EQ(header(requests[0], "Cookie"), "");
    EXPECT_EQ(header(requests[1], "Authorization"), "Bearer key-of-all");
    EXPECT_EQ(header(requests[1], "X-Us"), "");
    EXPECT_EQ(header(requests[1], "X-Shared"), "all");
    EXPECT_EQ(header(requests[1], "Cookie"), "eu=1");
}

TEST(RegionChoice, ARefusedKeyFailsOverIfRegionsHaveTheirOwnKeys) {
    auto regions = FakeTransport::regions({"us-west", "eu-central"});
    regions[1].api_key = "key-of-eu";
    CallFlow flow({}, {.regions = regions});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("eu-central", "hello");
    EXPECT_EQ(flow.client.chat(a_question())->region, "eu-central");
}

TEST(RegionChoice, HeadersAloneDoNotMakeKeysDiffer) {
    auto regions = FakeTransport::regions({"us-west", "eu-central"});
    regions[1].headers = {{"X-Datacentre", "2"}};
    CallFlow flow({}, {.regions = regions});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("eu-central", "no");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(RegionChoice, AModelMayHaveAnotherNameInARegion) {
    auto regions = FakeTransport::regions({"us-west", "eu-central"});
    regions[1].model_map = {{"gpt-4.1", "eu/gpt-4.1-2025"}};
    CallFlow flow({}, {.regions = regions});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(flow.requests()[0].body, HasSubstr(R"("model":"gpt-4.1")"));
    EXPECT_THAT(flow.requests()[1].body, HasSubstr(R"("model":"eu/gpt-4.1-2025")"));
    EXPECT_EQ(reply->requested_model, "gpt-4.1");
    EXPECT_EQ(reply->attempts[0].model, "gpt-4.1");
    EXPECT_EQ(reply->attempts[1].model, "eu/gpt-4.1-2025");
}

TEST(RegionChoice, EachRegionHasItsOwnUrl) {
    CallFlow flow({},
                  {.base_url = "https://{region}.test/api/v1/?team=wool",
                   .regions = {{.id = "us-west"}, {.id = "eu-central", .base_url = "https://eu-central.test/other"}}});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.requests()[0].url, "https://us-west.test/api/v1/chat/completions?team=wool");
    EXPECT_EQ(flow.requests()[1].url, "https://eu-central.test/other/chat/completions");
}

}  // namespace
}  // namespace holysheep::flow
