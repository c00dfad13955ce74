// Programs set locales; even if theirs uses a decimal comma, 0.5 is sent with a point.
#include <gtest/gtest.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <locale>
#include <string>
#include <utility>
#include <vector>

#include "wire/chat_encoder.hpp"
#include "wire/completion_decoder.hpp"
#include "wire/response_headers.hpp"

#if defined(__SANITIZE_ADDRESS__)
// The C library keeps the data of a locale that is found by its path.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:argz_add_sep\n"; }
#endif

namespace holysheep::wire {
namespace {

using namespace std::chrono_literals;

class ForeignLocale : public testing::Test {
  protected:
    void SetUp() override {
        ::setenv("LOCPATH", HOLYSHEEP_TEST_LOCALES, 1);
        if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr)
            GTEST_SKIP() << "no German locale; install the package locales to enable this test";
        std::locale::global(std::locale("de_DE.UTF-8"));
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%.1f", 0.5);
        ASSERT_STREQ(text.data(), "0,5") << "the locale is not active";
    }
    void TearDown() override {
        std::locale::global(std::locale::classic());
        std::setlocale(LC_ALL, "C");
        ::unsetenv("LOCPATH");
    }
};

TEST_F(ForeignLocale, RequestsUseADecimalPoint) {
    ChatRequest request{.model = "m", .messages = {user("a")}};
    request.temperature = 0.5;
    request.max_tokens = 1'234'567;
    const auto chat = encode_chat(request, false, {});
    ASSERT_TRUE(chat);
    EXPECT_EQ(body_for_model(*chat, "m"),
              R"({"model":"m","messages":[{"role":"user","content":"a"}],"temperature":0.5,"max_tokens":1234567})");
}

TEST_F(ForeignLocale, AnswersAreReadAndKeptWithADecimalPoint) {
    const std::string body = R"({"choices":[{"message":{"content":"a"},"logprobs":{"content":[{"logprob":-0.25}]}}],)"
                             R"("created":1700000000.5,"score":1.5,"usage":{"total_tokens":1234567,"cost":0.25}})";
    for (const auto& answer : {decode_completion(body), decode_completion_by_tree(body)}) {
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->created, 1'700'000'000);
        EXPECT_EQ(answer->usage.total_tokens, 1'234'567);
        EXPECT_EQ(answer->usage.reported_cost->nano, 250'000'000);
        EXPECT_EQ(answer->extra_json, R"({"score":1.5})");
        EXPECT_EQ(answer->choices.at(0).logprobs_json, R"({"content":[{"logprob":-0.25}]})");
    }
}

TEST_F(ForeignLocale, HeadersAreReadWithADecimalPoint) {
    const std::vector<std::pair<std::string, std::string>> headers = {{"retry-after", "1.5"},
                                                                      {"x-ratelimit-reset-tokens", "7.66s"}};
    EXPECT_EQ(parse_retry_after(headers, {}), 1500ms);
    EXPECT_EQ(parse_rate_limits(headers).reset_tokens, 7660ms);
}

}  // namespace
}  // namespace holysheep::wire
