// Options from the environment: which variables are read, and which are deliberately ignored.
#include <cstdlib>
#include <map>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using Variables = std::map<std::string, std::string>;

/// Sets the variables for one test and restores the old values.
class Environment {
  public:
    explicit Environment(const Variables& variables) {
        for (const auto* name :
             {"HOLYSHEEP_API_KEY", "HOLYSHEEP_BASE_URL", "HOLYSHEEP_REGIONS", "HOLYSHEEP_LOG", "OPENAI_API_KEY"}) {
            const char* old = std::getenv(name);
            before_.emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old));
            const auto value = variables.find(name);
            set(name, value == variables.end() ? std::nullopt : std::optional(value->second));
        }
    }
    ~Environment() {
        for (const auto& [name, value] : before_) set(name, value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

  private:
    static void set(const std::string& name, const std::optional<std::string>& value) {
        if (value) {
            ::setenv(name.c_str(), value->c_str(), 1);
        } else {
            ::unsetenv(name.c_str());
        }
    }
    std::map<std::string, std::optional<std::string>> before_;
};

TEST(FromEnvironment, AnEmptyEnvironmentGivesTheDefaults) {
    const Environment environment(Variables{});
    const auto options = ClientOptions::from_environment();
    EXPECT_EQ(options.api_key, "");
    EXPECT_EQ(options.base_url, "");
    EXPECT_THAT(options.regions, IsEmpty());
    EXPECT_FALSE(options.log.level);
}

TEST(FromEnvironment, ReadsEveryVariable) {
    const Environment environment(
        Variables{{"HOLYSHEEP_API_KEY", "sk-abc\n"},
                  {"HOLYSHEEP_BASE_URL", " https://{region}.test/v1 "},
                  {"HOLYSHEEP_REGIONS", "us-west, eu-central = https://eu.example/v1 ,,ap-southeast"},
                  {"HOLYSHEEP_LOG", "debug"}});
    auto options = ClientOptions::from_environment();
    EXPECT_EQ(options.base_url, "https://{region}.test/v1");
    ASSERT_THAT(options.regions, SizeIs(3));
    EXPECT_EQ(options.regions[0].id, "us-west");
    EXPECT_EQ(options.regions[0].base_url, "");
    EXPECT_EQ(options.regions[1].id, "eu-central");
    EXPECT_EQ(options.regions[1].base_url, "https://eu.example/v1");
    EXPECT_EQ(options.regions[2].id, "ap-southeast");
    EXPECT_EQ(options.log.level, LogLevel::debug);

    CallFlow flow({}, std::move(options));
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.requests()[0].url, "https://us-west.test/v1/chat/completions");
    EXPECT_EQ(header(flow.requests()[0], "Authorization"), "Bearer sk-abc");
}

TEST(FromEnvironment, AUrlMayContainAnEqualsSign) {
    const Environment environment(Variables{{"HOLYSHEEP_REGIONS", "a=https://a.test/v1?team=1"}});
    EXPECT_EQ(ClientOptions::from_environment().regions[0].base_url, "https://a.test/v1?team=1");
}

TEST(FromEnvironment, EveryLogLevelHasItsName) {
    const std::pair<const char*, std::optional<LogLevel>> levels[] = {
        {"trace", LogLevel::trace},     {"debug", LogLevel::debug}, {"info", LogLevel::info},
        {"warning", LogLevel::warning}, {"error", LogLevel::error}, {"off", LogLevel::off},
        {"nonsense", std::nullopt},     {" off ", LogLevel::off}};
    for (const auto& [name, level] : levels) {
        const Environment environment(Variables{{"HOLYSHEEP_LOG", name}});
        EXPECT_EQ(ClientOptions::from_environment().log.level, level) << name;
    }
}

TEST(FromEnvironment, AKeyForAnotherHostIsNeverRead) {
    const Environment environment(Variables{{"OPENAI_API_KEY", "sk-of-another-host"}});
    EXPECT_EQ(ClientOptions::from_environment().api_key, "");
}

TEST(FromEnvironment, AClientWithoutOptionsUsesIt) {
    const Environment environment(Variables{{"HOLYSHEEP_REGIONS", "bad id"}});
    try {
        const Client client;
        FAIL() << "the region's id is not valid";
    } catch (const Exception& exception) {
        EXPECT_THAT(exception.error().message, ::testing::HasSubstr("bad id"));
    }
}

// ---- combined with the program's own options ----

const Variables kAllVariables{{"HOLYSHEEP_API_KEY", "sk-of-environment"},
                              {"HOLYSHEEP_BASE_URL", "https://{region}.outside.test/v1"},
                              {"HOLYSHEEP_REGIONS", "north,south"},
                              {"HOLYSHEEP_LOG", "error"}};

/// Returns the URL and the key of the first request that a client with exactly these options sends.
std::pair<std::string, std::string> first_request(ClientOptions options) {
    const auto clock = std::make_shared<FakeClock>();
    const auto transport = std::make_shared<FakeTransport>(*clock);
    options.clock = clock;
    options.transport = transport;
    options.health.enabled = false;
    options.callback_executor = run_inline;
    Client client(std::move(options));
    // The transport has no script, so the call fails.
    EXPECT_FALSE(client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1, .outage_patience = 0ms}}));
    const auto seen = transport->requests();
    if (seen.empty()) return {};
    const auto& request = seen.front().request;
    return {request.url.substr(0, request.url.find("/v1")), header(request, "Authorization")};
}

TEST(EnvironmentOverlay, SetsWhatTheProgramDoesNotSet) {
    const Environment environment(kAllVariables);
    const auto [url, key] = first_request({.timeouts = {.connect = 2s}});
    EXPECT_THAT(url, ::testing::AnyOf("https://north.outside.test", "https://south.outside.test"));
    EXPECT_EQ(key, "Bearer sk-of-environment");
}

TEST(EnvironmentOverlay, SetsNeitherUrlNorRegionsIfTheProgramSetsOne) {
    const Environment environment(kAllVariables);
    EXPECT_EQ(first_request({.base_url = "https://own.test/v1"}).first, "https://own.test");
    EXPECT_EQ(first_request({.regions = {{.id = "own", .base_url = "https://own.test/v1"}}}).first, "https://own.test");
}

TEST(EnvironmentOverlay, DoesNotReplaceAnyKindOfKey) {
    const Environment environment(kAllVariables);
    EXPECT_EQ(first_request({.api_key = "sk-own"}).second, "Bearer sk-own");
    EXPECT_EQ(first_request({.keys = {"sk-own", "sk-other"}}).second, "Bearer sk-own");
    EXPECT_EQ(first_request({.key_source = [] { return std::string("sk-own"); }}).second, "Bearer sk-own");
    EXPECT_EQ(first_request({.regions = {{.id = "a", .base_url = "https://a.test/v1", .api_key = "sk-own"}}}).second,
              "Bearer sk-own");
}

TEST(EnvironmentOverlay, SetsTheLogLevelUnlessTheProgramDoes) {
    const Environment environment(kAllVariables);
    const auto lines_of = [](std::optional<LogLevel> level) {
        std::vector<std::string> lines;
        ClientOptions options{
            .log = {.level = level, .sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); }}};
        first_request(std::move(options));
        return lines;
    };
    EXPECT_THAT(lines_of({}), IsEmpty());
    EXPECT_THAT(lines_of(LogLevel::debug), ::testing::Not(IsEmpty()));
}

TEST(EnvironmentOverlay, CanBeSwitchedOff) {
    const Environment environment(kAllVariables);
    const auto [url, key] = first_request({.use_environment = false, .base_url = "https://own.test/v1"});
    EXPECT_EQ(url, "https://own.test");
    EXPECT_EQ(key, "");
    const auto without_key = Client::create({.use_environment = false});
    ASSERT_FALSE(without_key);
    EXPECT_THAT(without_key.error().message, ::testing::HasSubstr("api_key"));
}

}  // namespace
}  // namespace holysheep::flow
