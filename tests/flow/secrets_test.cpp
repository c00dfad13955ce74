// Keys of every form: where they are sent, and that no text shows them.
#include <set>
#include <sstream>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// Two regions on two hosts; the second has its own key.
ClientOptions two_hosts() {
    ClientOptions options;
    options.regions = FakeTransport::regions({"us-west", "eu-central"});
    for (int tier = 0; auto& region : options.regions) region.tier = tier++;
    options.regions[1].api_key = "sk-of-the-second-host";
    return options;
}

TEST(Secrets, ACallsKeyIsNotSentToARegionWithItsOwnKey) {
    CallFlow flow({"us-west", "eu-central"}, two_hosts());
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.headers = {{"authorization", "Bearer sk-of-the-call"}}}), IsOk());
    EXPECT_EQ(header(flow.requests().at(0), "Authorization"), "Bearer sk-of-the-call");
    EXPECT_EQ(header(flow.requests().at(1), "Authorization"), "Bearer sk-of-the-second-host");
}

TEST(Secrets, ACallRestrictedToOneRegionSendsItsKeyThere) {
    CallFlow flow({"us-west", "eu-central"}, two_hosts());
    flow.transport.reply("eu-central", "hello");
    const auto answer = flow.client.chat(
        a_question(), {.regions = {"eu-central"}, .headers = {{"Authorization", "Bearer sk-of-the-call"}}});
    EXPECT_THAT(answer, IsOk());
    EXPECT_EQ(header(flow.requests().at(0), "Authorization"), "Bearer sk-of-the-call");
}

/// All texts of a failed call in which the gateway quotes back what it was sent.
std::vector<std::string> texts_of_failed_call(ClientOptions options, CallOptions call, const std::string& quoted) {
    options.log.level = LogLevel::debug;
    CallFlow flow({"us-west"}, std::move(options));
    flow.transport.reply_raw("us-west", 400, {}, R"({"error":{"message":"bad credential )" + quoted + R"("}})");
    const auto answer = flow.client.chat(a_question(), std::move(call));
    EXPECT_FALSE(answer);
    std::ostringstream line;
    line << answer.error();
    std::vector<std::string> texts = flow.log();
    texts.insert(texts.end(), {line.str(), answer.error().message, answer.error().raw_body});
    for (const auto& attempt : answer.error().attempts) texts.push_back(attempt.detail);
    return texts;
}

TEST(Secrets, HeadersOfAnyNameThatLookLikeCredentialsAreNeverShown) {
    for (const std::string name :
         {"x-goog-api-key", "Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "X-Auth", "x-client-secret"}) {
        const std::string secret = "wolf-in-the-fold";
        EXPECT_THAT(texts_of_failed_call({.headers = {{name, secret}}}, {}, secret), Each(Not(HasSubstr(secret))))
            << name;
        EXPECT_THAT(texts_of_failed_call({}, {.headers = {{name, secret}}}, secret), Each(Not(HasSubstr(secret))))
            << name;
    }
    const std::string random = "9f8e7d6c5b4a39281706f5e4";
    EXPECT_THAT(texts_of_failed_call({.headers = {{"x-house", random}}}, {}, random), Each(Not(HasSubstr(random))));
}

TEST(Secrets, AKeyInABaseUrlIsNeverShown) {
    const std::string secret = "wolf-in-the-fold";
    ClientOptions options;
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].base_url += "?api-version=2024-06-01&subscription-key=" + secret;
    EXPECT_THAT(texts_of_failed_call(options, {}, secret), Each(Not(HasSubstr(secret))));
    options.api_key = "k";
    options.regions[0].base_url = "ftp://us-west.test/v1?key=" + secret;
    EXPECT_THAT(Client::create(options).error().message, Not(HasSubstr(secret)));
}

TEST(BaseUrl, ItsParametersFollowThoseOfThePath) {
    ClientOptions options;
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].base_url += "?api-version=2024-06-01";
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.request({.method = "GET", .path = "/models"}), IsOk());
    EXPECT_THAT(flow.client.request({.method = "GET", .path = "/models?limit=2"}), IsOk());
    const auto requests = flow.requests();
    EXPECT_EQ(requests.at(0).url, "https://us-west.test/v1/chat/completions?api-version=2024-06-01");
    EXPECT_EQ(requests.at(1).url, "https://us-west.test/v1/models?api-version=2024-06-01");
    EXPECT_EQ(requests.at(2).url, "https://us-west.test/v1/models?limit=2&api-version=2024-06-01");
}

TEST(Requests, InvalidUtf8IsRefusedOrReplacedAsConfigured) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    auto request = a_question();
    request.messages.push_back(user("caf\xe9"));
    const auto refused = flow.client.chat(request);
    ASSERT_THAT(refused, FailsWith(ErrorCode::invalid_request));
    EXPECT_THAT(refused.error().message, HasSubstr("messages[1].content is not UTF-8: byte 3"));
    EXPECT_TRUE(flow.requests().empty());
    EXPECT_THAT(flow.client.chat(request, {.replace_invalid_utf8 = true}), IsOk());
    EXPECT_THAT(flow.requests().at(0).body, HasSubstr("caf\xEF\xBF\xBD"));
}

TEST(OptionRules, ARegionsIdMustNotBeAnotherRegionsZone) {
    ClientOptions options{.api_key = "k", .regions = FakeTransport::regions({"eu", "us-west"})};
    options.regions[1].zone = "eu";
    const auto client = Client::create(options);
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message, HasSubstr("\"eu\" is the id of one region and the zone of"));
}

TEST(OptionRules, EveryKeyForTheDefaultHostIsChecked) {
    const auto client = Client::create({.keys = {"sk-good-0123", "pk-other-0123"}});
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message, HasSubstr("keys[1]"));
}

TEST(Ledger, ItsTableShowsNoControlCharacters) {
    CostLedger ledger;
    ledger.lines.push_back({.model = "gpt\x1b[2J", .region = "us-west", .label = "two\nlines", .cost = {0, "USD"}});
    std::ostringstream table;
    table << ledger;
    EXPECT_THAT(table.str(), Not(HasSubstr("\x1b")));
    EXPECT_THAT(table.str(), HasSubstr("two lines"));
}

TEST(Metrics, DifferentNamesStayDistinctAndNoSeriesIsRepeated) {
    Stats stats;
    for (const char* name : {"a\xff", "a\xfe", "a\xff"}) stats.models.push_back({.model = name, .calls = 1});
    const auto text = stats.to_prometheus();
    std::set<std::string> series;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) continue;
        EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
    EXPECT_THAT(text, HasSubstr("a%fe"));
    EXPECT_THAT(text, HasSubstr("a%ff"));
}

}  // namespace
}  // namespace holysheep::flow
