// Options from the environment: what is read, and what is deliberately not.
#include <cstdlib>
#include <map>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using Variables = std::map<std::string, std::string>;

/// Sets the variables for one test and puts back what was there.
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

TEST(FromEnvironment, AnEmptyOneGivesTheDefaults) {
    const Environment environment(Variables{});
    const auto options = ClientOptions::from_environment();
    EXPECT_EQ(options.api_key, "");
    EXPECT_EQ(options.base_url, "");
    EXPECT_THAT(options.regions, IsEmpty());
    EXPECT_EQ(options.log.level, LogLevel::warning);
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

TEST(FromEnvironment, AUrlMayHoldAnEqualsSign) {
    const Environment environment(Variables{{"HOLYSHEEP_REGIONS", "a=https://a.test/v1?team=1"}});
    EXPECT_EQ(ClientOptions::from_environment().regions[0].base_url, "https://a.test/v1?team=1");
}

TEST(FromEnvironment, EveryLogLevelHasItsName) {
    const std::pair<const char*, LogLevel> levels[] = {{"trace", LogLevel::trace},      {"debug", LogLevel::debug},
                                                       {"info", LogLevel::info},        {"warning", LogLevel::warning},
                                                       {"error", LogLevel::error},      {"off", LogLevel::off},
                                                       {"nonsense", LogLevel::warning}, {" off ", LogLevel::off}};
    for (const auto& [name, level] : levels) {
        const Environment environment(Variables{{"HOLYSHEEP_LOG", name}});
        EXPECT_EQ(ClientOptions::from_environment().log.level, level) << name;
    }
}

TEST(FromEnvironment, AKeyForAnotherHostIsNeverTaken) {
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

}  // namespace
}  // namespace holysheep::flow
