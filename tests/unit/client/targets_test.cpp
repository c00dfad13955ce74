// What each region's requests carry: its URLs, its headers and its key; and which texts are secrets.
#include "client/targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "client/options_check.hpp"
#include "execution/keys.hpp"

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ClientOptions two_regions() {
    return {
        .api_key = "sk-client",
        .regions = {{.id = "us", .base_url = "https://us.test/v1"}, {.id = "eu", .base_url = "https://eu.test/v1"}}};
}

/// The text without the secrets of the options.
std::string scrubbed_text(const ClientOptions& options, std::string text) {
    telemetry::Redactor redactor;
    collect_secrets(options, redactor);
    redactor.scrub(text);
    return text;
}

/// Sets one environment variable for one test.
class ScopedVariable {
  public:
    ScopedVariable(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) before_ = old;
        ::setenv(name, value, 1);
    }
    ~ScopedVariable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }
    ScopedVariable(const ScopedVariable&) = delete;
    ScopedVariable& operator=(const ScopedVariable&) = delete;

  private:
    const char* name_;
    std::optional<std::string> before_{};
};

TEST(Targets, PutTheChatPathBetweenTheBaseUrlAndItsQuery) {
    auto options = two_regions();
    options.regions.resize(1);
    options.regions[0].base_url = "https://us.test/v1/?api-version=3";
    const auto targets = make_targets(options);
    ASSERT_EQ(targets.size(), 1U);
    EXPECT_EQ(targets[0].base_url, "https://us.test/v1");
    EXPECT_EQ(targets[0].query, "?api-version=3");
    EXPECT_EQ(targets[0].chat_url, "https://us.test/v1/chat/completions?api-version=3");
}

TEST(Targets, SendARegionsKeyToThatRegionOnly) {
    auto options = two_regions();
    options.regions[1].api_key = "sk-eu";
    const auto targets = make_targets(options);
    EXPECT_THAT(targets[0].headers, ElementsAre(Pair("Authorization", "Bearer sk-client")));
    EXPECT_THAT(targets[1].headers, ElementsAre(Pair("Authorization", "Bearer sk-eu")));
}

TEST(Targets, CarryNoClientKeyIfAttemptsChooseKeys) {
    auto options = two_regions();
    options.keys = {"sk-1", "sk-2"};
    options.regions[1].api_key = "sk-eu";
    EXPECT_THAT(make_targets(options)[0].headers, IsEmpty());
    EXPECT_THAT(make_targets(options)[1].headers, ElementsAre(Pair("Authorization", "Bearer sk-eu")));
    options.keys.clear();
    options.key_source = [] { return std::string("sk-fetched"); };
    EXPECT_THAT(make_targets(options)[0].headers, IsEmpty());
}

TEST(Targets, PreferTheRegionsHeadersOverTheClientsAndTheKey) {
    auto options = two_regions();
    options.headers = {{"X-Team", "client"}, {"X-Plan", "a"}};
    options.regions[0].headers = {{"x-team", "region"}, {"authorization", "Basic Zm9v"}};
    const auto targets = make_targets(options);
    EXPECT_THAT(targets[0].headers, UnorderedElementsAre(Pair("Authorization", "Basic Zm9v"), Pair("X-Team", "region"),
                                                         Pair("X-Plan", "a")));
    EXPECT_THAT(targets[1].headers, UnorderedElementsAre(Pair("Authorization", "Bearer sk-client"),
                                                         Pair("X-Team", "client"), Pair("X-Plan", "a")));
}

TEST(RegionAccounts, AreEqualForEqualKeysAndZeroForTheKeyRing) {
    auto options = two_regions();
    auto accounts = region_accounts(options, make_targets(options));
    EXPECT_THAT(accounts,
                ElementsAre(execution::account_of("Bearer sk-client"), execution::account_of("Bearer sk-client")));
    options.regions[1].api_key = "sk-eu";
    options.keys = {"sk-1"};
    accounts = region_accounts(options, make_targets(options));
    EXPECT_THAT(accounts, ElementsAre(0U, execution::account_of("Bearer sk-eu")));
}

TEST(RegionAccounts, AreOneSharedAccountWithoutAnyKey) {
    auto options = two_regions();
    options.api_key.clear();
    EXPECT_THAT(region_accounts(options, make_targets(options)), ElementsAre(1U, 1U));
}

TEST(KeysDiffer, ConsidersOnlyHeadersWithSecrets) {
    auto options = two_regions();
    options.regions[0].headers = {{"X-Region", "us"}};
    EXPECT_FALSE(keys_differ(make_targets(options)));
    options.regions[0].headers = {{"X-Goog-Api-Key", "abcdef"}};
    EXPECT_TRUE(keys_differ(make_targets(options)));
    options.regions[0].headers.clear();
    options.regions[1].api_key = "sk-eu";
    EXPECT_TRUE(keys_differ(make_targets(options)));
}

TEST(CollectSecrets, FindsEveryPlaceThatHoldsAKey) {
    auto options = two_regions();
    options.api_key = "first-secret";
    options.keys = {"second-secret"};
    options.proxy.password = "third-secret";
    options.headers = {{"X-Api-Key", "fourth-secret"}, {"X-Plan", "not-a-secret"}};
    options.regions[0].api_key = "fifth-secret";
    options.regions[0].headers = {{"Authorization", "Bearer sixth-secret"}};
    options.regions[1].base_url = "https://eu.test/v1?subscription-key=seventh-secret&plan=business";
    EXPECT_EQ(scrubbed_text(options,
                            "first-secret second-secret third-secret fourth-secret fifth-secret sixth-secret "
                            "seventh-secret business not-a-secret"),
              "<redacted> <redacted> <redacted> <redacted> <redacted> <redacted> <redacted> business not-a-secret");
}

TEST(CollectSecrets, ReadsTheProxiesOfTheEnvironmentOnlyIfTheyAreUsed) {
    const ScopedVariable proxy("https_proxy", "http://someone:pass@word@proxy.test:3128");
    auto options = two_regions();
    EXPECT_EQ(scrubbed_text(options, "someone:pass@word, or pass@word"), "<redacted>, or <redacted>");
    EXPECT_EQ(scrubbed_text(options, "at proxy.test:3128"), "at proxy.test:3128");
    options.proxy.from_environment = false;
    EXPECT_EQ(scrubbed_text(options, "pass@word"), "pass@word");
}

}  // namespace
}  // namespace holysheep::client
