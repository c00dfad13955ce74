// Secrets never appear in logs, errors, dumps or on another host. Input that could leak them is refused.
#include <cstdlib>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "gateway_under_test.hpp"
#include "plain_server.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kRegionKey = "sk-lamb-9876543210";
const std::string kCookie = "session=black-sheep-7";

/// Collects everything that a program could print: the most detailed log, errors, attempts, records, statistics.
class Secrets : public ::testing::Test, public EventListener {
  protected:
    Secrets() {
        options.regions = gateway.regions();
        options.regions[1].api_key = kRegionKey;
        options.headers = {{"Cookie", kCookie}};
        options.retry.initial_backoff = options.retry.throttle_backoff = 1ms;
        options.retry.outage_patience = 50ms;
        options.log = {.level = LogLevel::trace,
                       .sink = [this](LogLevel, std::string_view line) { record(std::string(line)); },
                       .bodies = true};
        options.listeners = {std::shared_ptr<EventListener>(this, [](EventListener*) {})};
    }
    void record(const std::string& text) {
        std::lock_guard lock(mutex);
        output += text + "\n";
    }
    void on_call(const CallRecord& call) override { record(describe(call.attempts)); }
    void on_attempt(const AttemptRecord& attempt) override {
        record(attempt.detail + " " + attempt.request_id + " " + attempt.region);
    }
    template <class Value>
    void record_result(const Result<Value>& result) {
        if (result) return;
        const auto& error = result.error();
        std::ostringstream text;
        text << error << '\n' << error.message << error.raw_body << error.provider_type << error.provider_code;
        text << error.provider_param << error.request_id << describe(error.attempts) << Exception(error).what();
        for (const auto& attempt : error.attempts) text << attempt.detail << attempt.request_id;
        record(text.str());
    }
    /// Makes every kind of call and records all its output.
    void make_all_calls(const Client& const_client) {
        auto& client = const_cast<Client&>(const_client);
        record_result(client.chat(question()));
        record_result(client.stream(question()).finish());
        record_result(client.chat_async(question()).get());
        record_result(client.models());
        record_result(client.verify_key());
        record_result(client.request({.method = "POST", .path = "/embeddings", .body_json = "{}"}));
        record_result(client.warm_up({.deadline = 5s}));
        std::ostringstream text;
        text << client.stats() << client.stats().to_json();
        record(text.str());
    }
    void expect_no_secrets(const std::vector<std::string>& secrets = {kKey, kRegionKey, kCookie}) {
        std::lock_guard lock(mutex);  // the client is alive and still logs its probes
        for (const auto& secret : secrets) EXPECT_THAT(output, Not(HasSubstr(secret)));
        EXPECT_THAT(output, Not(IsEmpty()));
    }

    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}, SimulatedRegion{.id = "eu-central"}}};
    ClientOptions options = options_for(gateway);
    std::mutex mutex;  // guards output
    std::string output;
};

TEST_F(Secrets, AreNotShownBySuccessfulCalls) {
    make_all_calls(Client(options));
    expect_no_secrets();
}

TEST_F(Secrets, AreNotShownWhenTheGatewayQuotesThem) {
    for (const int status : {200, 400, 401, 403, 404, 429, 500, 503}) {
        for (const auto* id : {"us-west", "eu-central"}) {
            gateway.set_fault(
                id, {.kind = Kind::status,
                     .status = status,
                     .headers = {{"X-Request-Id", "for " + kKey}, {"X-Echo", kRegionKey}},
                     .body = R"({"error":{"message":"Incorrect key )" + kKey + " or " + kRegionKey + R"(","type":")" +
                             kKey + R"(","code":")" + kCookie + R"(","param":")" + kRegionKey + "\"}}"});
        }
        make_all_calls(Client(options));
    }
    expect_no_secrets();
}

TEST_F(Secrets, AreNotShownByBrokenAnswersThatContainThem) {
    for (const auto& body : {"<html>" + kKey + "</html>", kKey, R"({"choices":[],"x":")" + kKey + "\"}",
                             "data: {\"error\":{\"message\":\"" + kKey + "\"}}\n\n", "data: " + kKey + "\n\n"}) {
        gateway.set_fault("us-west", {.kind = Kind::status, .status = 200, .body = body});
        gateway.set_fault("eu-central", {.kind = Kind::html, .status = 502, .body = body});
        make_all_calls(Client(options));
    }
    expect_no_secrets();
}

TEST_F(Secrets, AreNotShownWhenNothingAnswers) {
    for (const auto* id : {"us-west", "eu-central"}) gateway.set_fault(id, {.kind = Kind::refuse});
    make_all_calls(Client(options));
    expect_no_secrets();
}

TEST_F(Secrets, OfACallsHeadersAreNotShown) {
    const std::string call_key = "sk-own-5555555555";
    gateway.set_fault(
        "us-west", {.kind = Kind::status, .status = 401, .body = R"({"error":{"message":"bad )" + call_key + "\"}}"});
    Client client(options);
    record_result(
        client.chat(question(), {.regions = {"us-west"}, .headers = {{"Authorization", "Bearer " + call_key}}}));
    EXPECT_EQ(gateway.seen("us-west").at(0).header("Authorization"), "Bearer " + call_key);
    expect_no_secrets({call_key, kKey, kRegionKey, kCookie});
}

TEST_F(Secrets, AreNotShownInPartWhereATextIsTruncated) {
    options.regions.resize(1);
    for (std::size_t before = 960; before < 1'020; before += 4) {
        gateway.set_fault("us-west", {.kind = Kind::status,
                                      .status = 400,
                                      .body = R"({"error":{"message":")" + std::string(before, 'A') + kKey + "\"}}"});
        Client client(options);
        record_result(client.chat(question()));
    }
    auto request = question();
    for (std::size_t length = 1'900; length < 2'000; length += 4) {
        request.messages = {user(std::string(length, 'w') + kKey)};
        Client client(options);
        record_result(client.chat(request));
    }
    expect_no_secrets({kKey.substr(0, 6)});
}

TEST_F(Secrets, OfAProxyFromTheEnvironmentAreNotShown) {
    ::setenv("https_proxy", "http://pu:proxy/pass99@proxy.invalid:3128", 1);  // libcurl quotes unparsable text
    options.regions = {{.id = "a", .base_url = "https://gateway.invalid/v1"}};
    options.retry.max_attempts = 1;
    Client client(options);
    record_result(client.chat(question()));
    expect_no_secrets({"pass99"});
    ::unsetenv("https_proxy");
}

TEST_F(Secrets, OfARegionReachOnlyThatRegion) {
    options.regions[0].headers = {{"X-West", "only-west-1"}};
    options.regions[1].headers = {{"X-Centre", "only-centre-1"}};
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 503});
    Client client(options);
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(client.chat(question()), IsOk());
        EXPECT_THAT(client.stream(question()).finish(), IsOk());
        EXPECT_THAT(client.models(), IsOk());
    }
    const auto sent_to = [&](const std::string& region) {
        std::string text;
        for (const auto& seen : gateway.seen(region)) {
            for (const auto& [name, value] : seen.headers) text += name + ": " + value + "\n";
            text += seen.path + seen.body;
        }
        return text;
    };
    EXPECT_THAT(sent_to("us-west"), AllOf(HasSubstr(kKey), HasSubstr("only-west-1")));
    EXPECT_THAT(sent_to("us-west"), AllOf(Not(HasSubstr(kRegionKey)), Not(HasSubstr("only-centre-1"))));
    EXPECT_THAT(sent_to("eu-central"), AllOf(HasSubstr(kRegionKey), HasSubstr("only-centre-1")));
    EXPECT_THAT(sent_to("eu-central"), AllOf(Not(HasSubstr(kKey)), Not(HasSubstr("only-west-1"))));
}

TEST_F(Secrets, OfAnotherProviderAreNeverRead) {
    ::setenv("OPENAI_API_KEY", "sk-openai-1111111111", 1);
    options.api_key.clear();
    options.regions[1].api_key.clear();
    Client client(options);
    EXPECT_THAT(client.chat(question()), IsOk());
    EXPECT_THAT(gateway.seen("us-west").at(0).header("Authorization"), IsEmpty());
    EXPECT_THAT(ClientOptions::from_environment().api_key, Not(HasSubstr("openai")));
    ::unsetenv("OPENAI_API_KEY");
}

/// The error of `create` for these options; empty if it accepts them.
std::string problems_of(const ClientOptions& options) {
    const auto client = Client::create(options);
    if (client) return {};
    EXPECT_EQ(client.error().code, ErrorCode::invalid_options);
    return client.error().message;
}

class InvalidInput : public TwoRegions {};

TEST_F(InvalidInput, ControlCharactersInHeadersAreRefused) {
    const std::vector<std::string> values{"a\r\nX-Evil: 1",       "a\nb",  "a\rb",
                                          std::string("a\0b", 3), "a\x7f", "a\x1b[31m"};
    for (const auto& value : values) {
        auto bad = options;
        bad.api_key = value;
        EXPECT_THAT(problems_of(bad), AllOf(HasSubstr("api_key"), Not(HasSubstr(value))));
        bad = options;
        bad.regions[1].api_key = value;
        EXPECT_THAT(problems_of(bad), HasSubstr("regions[1].api_key"));
        bad = options;
        bad.headers = {{"X-Team", value}};
        EXPECT_THAT(problems_of(bad), HasSubstr("headers"));
        bad = options;
        bad.headers = {{value, "x"}};
        EXPECT_THAT(problems_of(bad), HasSubstr("headers"));
        bad = options;
        bad.regions[0].headers = {{"X-Team", value}};
        EXPECT_THAT(problems_of(bad), HasSubstr("regions[0].headers"));
        bad = options;
        bad.regions[0].id = value;
        EXPECT_THAT(problems_of(bad), HasSubstr("regions[0].id"));
        bad = options;
        bad.regions[0].base_url += value;
        EXPECT_THAT(problems_of(bad), HasSubstr("regions[0].base_url"));

        Client client(options);
        EXPECT_FALSE(client.chat(question(), {.idempotency_key = value}));
        EXPECT_FALSE(client.chat(question(), {.headers = {{"X-Team", value}}}));
        EXPECT_FALSE(client.chat(question(), {.headers = {{value, "x"}}}));
        EXPECT_FALSE(client.chat(question(), {.regions = {value}}));
        EXPECT_FALSE(client.request({.path = "/models" + value}));
        EXPECT_FALSE(client.request({.method = "GET" + value, .path = "/models"}));
        auto request = question();
        request.model = value;
        EXPECT_FALSE(client.chat(request)) << "model";
        EXPECT_FALSE(client.stream(request).finish()) << "model";
    }
    EXPECT_EQ(gateway.requests("us-west") + gateway.requests("eu-central"), 0u);
}

TEST_F(InvalidInput, PlaintextBeyondLoopbackIsRefused) {
    for (const auto* url : {"http://gateway.example/v1", "http://127.0.0.1.example/v1", "http://localhost.example/v1",
                            "http://10.0.0.1/v1", "http://[::2]/v1", "http://127.0.0.1@gateway.example/v1",
                            "HTTP://gateway.example/v1", "ftp://127.0.0.1/v1", "file:///etc/passwd",
                            "http://user:pass@127.0.0.1/v1", "https://127.0.0.1:0/v1", "127.0.0.1/v1"}) {
        auto bad = options;
        bad.regions[0].base_url = url;
        EXPECT_THAT(problems_of(bad), HasSubstr("regions[0].base_url")) << url;
    }
}

TEST_F(InvalidInput, AllProblemsAreReportedAtOnce) {
    auto bad = options;
    bad.api_key = "two words";
    bad.regions[0].base_url = "http://gateway.example";
    bad.regions[1].weight = 0;
    bad.timeouts.connect = -1ms;
    EXPECT_THAT(problems_of(bad),
                AllOf(HasSubstr("api_key"), HasSubstr("regions[0].base_url"), HasSubstr("regions[1].weight"),
                      HasSubstr("timeouts.connect"), Not(HasSubstr("two words"))));
}

TEST_F(InvalidInput, APathThatLeavesItsHostIsRefused) {
    Client client(options);
    for (const auto* path :
         {"models", "//evil.example/v1", "@evil.example/", "", "http://evil.example/", "/a b", "/a#b"}) {
        EXPECT_THAT(client.request({.path = path}), FailsWith(ErrorCode::invalid_request)) << path;
    }
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(InvalidInput, AHeaderOwnedByTheTransportIsRefused) {
    Client client(options);
    for (const auto* name : {"Content-Length", "Transfer-Encoding", "connection"}) {
        EXPECT_THAT(client.chat(question(), {.headers = {{name, "7"}}}), FailsWith(ErrorCode::invalid_options)) << name;
    }
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(InvalidInput, AKeyIsTrimmedBeforeTheCheck) {
    options.api_key = " \t" + kKey + "\r\n";
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    EXPECT_EQ(gateway.seen("us-west").at(0).header("Authorization"), "Bearer " + kKey);
}

TEST(RedirectToAnotherHost, DoesNotReceiveTheKey) {
    const PlainServer other(http_answer("200 OK", "", completion_json("stolen")));
    const PlainServer first(
        http_answer("307 Temporary Redirect",
                    "Location: http://localhost:" + std::to_string(other.port()) +
                        "/v1/chat/completions\r\nAlt-Svc: h2=\"localhost:" + std::to_string(other.port()) +
                        "\"\r\nRefresh: 0; url=http://localhost:" + std::to_string(other.port()) +
                        "\r\nSet-Cookie: a=b; Domain=localhost\r\n",
                    ""));
    Client client(options_for({first.region("a")}));
    EXPECT_FALSE(client.chat(question()));
    EXPECT_FALSE(client.chat(question()));
    EXPECT_THAT(other.requests(), IsEmpty());
    EXPECT_THAT(header_of(first.requests().back(), "Cookie"), IsEmpty()) << "a cookie was kept";
}

}  // namespace
