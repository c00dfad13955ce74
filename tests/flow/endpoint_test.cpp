// The other endpoints: the list of models, key verification, raw requests, and opening connections early.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Endpoints, ModelsAreListed) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    const auto models = flow.client.models();
    ASSERT_THAT(models, IsOk());
    ASSERT_THAT(*models, SizeIs(1));
    EXPECT_EQ((*models)[0].id, "fake-model");
    EXPECT_EQ(flow.requests()[0].method, "GET");
    EXPECT_EQ(flow.requests()[0].url, "https://us-west.test/v1/models");
    EXPECT_EQ(flow.requests()[0].body, "");
}

TEST(Endpoints, ModelsFailOver) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    EXPECT_THAT(flow.client.models(), IsOk());
    EXPECT_THAT(flow.transport.attempts("GET"), ElementsAre("us-west", "eu-central"));
}

TEST(Endpoints, AnUnreadableListReportsItsRegion) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, {}, "<html>");
    const auto models = flow.client.models();
    ASSERT_THAT(models, FailsWith(ErrorCode::malformed_response));
    EXPECT_EQ(models.error().region, "us-west");
    EXPECT_EQ(models.error().http_status, 200);
    EXPECT_THAT(models.error().attempts, SizeIs(1));
}

TEST(Endpoints, ARefusedKeyIsExplained) {
    struct Row {
        int status;
        std::string body;
        ErrorCode code;
        const char* help;
    };
    const Row rows[] = {{401, error_body("invalid_api_key"), ErrorCode::unauthenticated, "typing errors"},
                        {403, "", ErrorCode::permission_denied, "permissions"},
                        {402, "", ErrorCode::insufficient_quota, "top it up"}};
    for (const auto& row : rows) {
        CallFlow flow({"us-west"});
        flow.transport.reply_raw("us-west", row.status, {}, row.body);
        const auto verdict = flow.client.verify_key();
        ASSERT_FALSE(verdict);
        EXPECT_EQ(verdict.error().code, row.code);
        EXPECT_THAT(verdict.error().message, HasSubstr(row.help));
    }
    CallFlow down({"us-west", "eu-central"});
    EXPECT_THAT(down.client.verify_key().error().message, HasSubstr("nothing is known about the key"));
    CallFlow good({"us-west"});
    good.transport.reply("us-west", "hello");
    EXPECT_TRUE(good.client.verify_key());
}

TEST(Endpoints, AnyPathCanBeRequested) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 502, {}, "").reply_raw("eu-central", 200, {{"X-Kind", "vector"}}, "[1,2]");
    const auto reply =
        flow.client.request({.method = "POST", .path = "/embeddings", .body_json = R"({"input":"wool"})"});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "[1,2]");
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_THAT(reply->headers, ElementsAre(std::pair<std::string, std::string>("X-Kind", "vector")));
    EXPECT_THAT(reply->attempts, SizeIs(2));
    const auto request = flow.requests()[1];
    EXPECT_EQ(request.url, "https://eu-central.test/v1/embeddings");
    EXPECT_EQ(request.body, R"({"input":"wool"})");
    EXPECT_EQ(header(request, "Content-Type"), "application/json");
    EXPECT_EQ(header(request, "X-Holysheep-Attempt"), "2");
}

TEST(Endpoints, AnHttpErrorIsAnError) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 404, {}, "no such path");
    const auto reply = flow.client.request({.path = "/nowhere"});
    ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_request));
    EXPECT_EQ(reply.error().http_status, 404);
}

TEST(Endpoints, AnInvalidRawRequestIsRefused) {
    const RawRequest requests[] = {{.method = "", .path = "/a"},
                                   {.method = "get", .path = "/a"},
                                   {.method = "GET /x HTTP/1.1\r\n", .path = "/a"},
                                   {.path = ""},
                                   {.path = "models"},
                                   {.path = "//other.host/"},
                                   {.path = "/a b"},
                                   {.path = "/a\r\nX: y"},
                                   {.path = "/a#b"},
                                   {.path = "/\xC3\xA4"},
                                   {.method = "GET", .path = "/a", .body_json = "{}"},
                                   {.method = "HEAD", .path = "/a", .body_json = "{}"}};
    CallFlow flow({"us-west"});
    for (const auto& request : requests) {
        EXPECT_THAT(flow.client.request(request), FailsWith(ErrorCode::invalid_request))
            << request.method << request.path;
    }
    EXPECT_THAT(flow.requests(), IsEmpty());
}

TEST(Endpoints, ARequestWithoutAModelIsRefusedBeforeItIsSent) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    EXPECT_FALSE(flow.client.chat({.messages = {user("hello?")}}));
    EXPECT_THAT(flow.requests(), IsEmpty());
}

TEST(Endpoints, WarmUpAsksEveryRegionAtOnce) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    flow.transport.reply("us-west", "a", {.first_byte = 100ms})
        .reply_raw("eu-central", 401, {}, "")
        .hang("ap-southeast");
    EXPECT_TRUE(flow.client.warm_up({.deadline = 2s}));
    EXPECT_THAT(flow.transport.attempts("GET"), ElementsAre("us-west", "eu-central", "ap-southeast"));
}

TEST(Endpoints, WarmUpAsksOnlyTheRegionsThatItIsGiven) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    flow.transport.reply("us-west", "a").reply("eu-central", "a").reply("ap-southeast", "a");
    EXPECT_TRUE(flow.client.warm_up({.regions = {"us-west", "eu-central"}, .exclude_regions = {"us-west"}}));
    EXPECT_THAT(flow.transport.attempts("GET"), ElementsAre("eu-central"));
    EXPECT_THAT(flow.client.warm_up({.regions = {"nowhere"}}), FailsWith(ErrorCode::invalid_options));
}

TEST(Endpoints, WarmUpWaitsForTheConnectTimeout) {
    CallFlow flow({"us-west"}, {.timeouts = {.connect = 700ms}});
    flow.transport.hang("us-west");
    EXPECT_FALSE(flow.client.warm_up());
    EXPECT_EQ(flow.elapsed(), 700ms);
}

TEST(Endpoints, WarmUpWithoutAConnectTimeoutWaitsForTheTotal) {
    CallFlow flow({"us-west"}, {.timeouts = {.connect = 0ms, .total = 9s}});
    flow.transport.reply("us-west", "a", {.first_byte = 5s});
    EXPECT_TRUE(flow.client.warm_up());
}

TEST(Endpoints, WarmUpCanBeCancelled) {
    CallFlow flow({"us-west"});
    flow.transport.hang("us-west");
    std::stop_source stop;
    stop.request_stop();
    const auto result = flow.client.warm_up({.stop = stop.get_token()});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().cause, ErrorCode::cancelled);
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Endpoints, WarmUpNamesEachRegionWhenNoneAnswered) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::tls_failed).hang("eu-central");
    const auto result = flow.client.warm_up({.deadline = 2s});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::all_regions_unavailable);
    EXPECT_EQ(result.error().cause, ErrorCode::tls_failed);
    EXPECT_THAT(result.error().attempts, SizeIs(2));
    EXPECT_THAT(result.error().message, HasSubstr("us-west"));
}

}  // namespace
}  // namespace holysheep::flow
