// Which options the environment sets, and which it does not change.
#include "client/environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace holysheep::client {
namespace {

/// Sets the four variables for one test and unsets all others of the library.
class FullEnvironment {
  public:
    FullEnvironment() {
        set("HOLYSHEEP_API_KEY", "sk-outside");
        set("HOLYSHEEP_BASE_URL", "https://{region}.outside.test");
        set("HOLYSHEEP_REGIONS", "us,eu=https://eu.test");
        set("HOLYSHEEP_LOG", "error");
    }
    ~FullEnvironment() {
        for (const auto& [name, value] : before_) {
            if (value) {
                ::setenv(name, value->c_str(), 1);
            } else {
                ::unsetenv(name);
            }
        }
    }
    FullEnvironment(const FullEnvironment&) = delete;
    FullEnvironment& operator=(const FullEnvironment&) = delete;

  private:
    void set(const char* name, const char* value) {
        const char* old = std::getenv(name);
        before_.emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old));
        ::setenv(name, value, 1);
    }
    std::map<const char*, std::optional<std::string>> before_;
};

TEST(Overlay, SetsEveryUnsetOption) {
    const FullEnvironment environment;
    ClientOptions options;
    overlay_environment(options);
    EXPECT_EQ(options.api_key, "sk-outside");
    EXPECT_EQ(options.base_url, "https://{region}.outside.test");
    ASSERT_EQ(options.regions.size(), 2U);
    EXPECT_EQ(options.regions[0].id, "us");
    EXPECT_EQ(options.regions[0].base_url, "");
    EXPECT_EQ(options.regions[1].base_url, "https://eu.test");
    EXPECT_EQ(options.log.level, LogLevel::error);
}

TEST(Overlay, NeverMixesRegionsAndUrlsOfTwoSources) {
    const FullEnvironment environment;
    ClientOptions with_url{.base_url = "https://inside.test"};
    overlay_environment(with_url);
    EXPECT_EQ(with_url.base_url, "https://inside.test");
    EXPECT_TRUE(with_url.regions.empty());
    ClientOptions with_regions{.regions = {{.id = "x"}}};
    overlay_environment(with_regions);
    EXPECT_EQ(with_regions.base_url, "");
    EXPECT_EQ(with_regions.regions.size(), 1U);
}

TEST(Overlay, AddsNoKeyIfThereIsAnotherSourceOfKeys) {
    const FullEnvironment environment;
    ClientOptions with_keys{.keys = {"sk-1"}};
    overlay_environment(with_keys);
    EXPECT_EQ(with_keys.api_key, "");
    ClientOptions with_source{.key_source = [] { return std::string(); }};
    overlay_environment(with_source);
    EXPECT_EQ(with_source.api_key, "");
    ClientOptions with_key{.api_key = "sk-inside"};
    overlay_environment(with_key);
    EXPECT_EQ(with_key.api_key, "sk-inside");
}

TEST(Overlay, KeepsTheLogLevelOfTheProgram) {
    const FullEnvironment environment;
    ClientOptions options{.log = {.level = LogLevel::off}};
    overlay_environment(options);
    EXPECT_EQ(options.log.level, LogLevel::off);
}

TEST(Overlay, DoesNothingIfDisabled) {
    const FullEnvironment environment;
    ClientOptions options{.use_environment = false};
    overlay_environment(options);
    EXPECT_EQ(options.api_key, "");
    EXPECT_EQ(options.base_url, "");
    EXPECT_TRUE(options.regions.empty());
    EXPECT_FALSE(options.log.level);
}

}  // namespace
}  // namespace holysheep::client
