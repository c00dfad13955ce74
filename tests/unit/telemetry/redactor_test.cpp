// Secrets are removed from all text that leaves the library.
#include "telemetry/redactor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::telemetry {
namespace {

std::string scrubbed(const Redactor& redactor, std::string text) {
    redactor.scrub(text);
    return text;
}

TEST(Redactor, ReplacesEverySecretEverywhere) {
    Redactor redactor;
    redactor.add("sk-alpha-1");
    redactor.add("hunter22");
    EXPECT_EQ(scrubbed(redactor, "key sk-alpha-1, again sk-alpha-1; password=hunter22"),
              "key <redacted>, again <redacted>; password=<redacted>");
    EXPECT_EQ(scrubbed(redactor, "sk-alpha-1sk-alpha-1"), "<redacted><redacted>");
    EXPECT_EQ(scrubbed(redactor, "nothing here"), "nothing here");
}

TEST(Redactor, ASecretThatContainsAnotherIsReplacedAsAWhole) {
    Redactor redactor;
    redactor.add("sk-abcdef");
    redactor.add("sk-abcdef-longer");
    EXPECT_EQ(scrubbed(redactor, "is sk-abcdef-longer known?"), "is <redacted> known?");
}

TEST(Redactor, ShortValuesAreIgnored) {
    Redactor redactor;
    redactor.add("");
    redactor.add("short");
    EXPECT_EQ(scrubbed(redactor, "a short text"), "a short text");
}

TEST(Redactor, TruncatedSecretsAreReplacedToo) {
    Redactor redactor;
    redactor.add("sk-alpha-1");
    EXPECT_EQ(scrubbed(redactor, "quotes sk-alpha-"), "quotes <redacted>");
    EXPECT_EQ(scrubbed(redactor, "quotes sk-a"), "quotes <redacted>");
    EXPECT_EQ(scrubbed(redactor, "quotes sk-"), "quotes sk-") << "too short to identify a secret";
    EXPECT_EQ(scrubbed(redactor, "quotes sk-alp… (HTML), then sk-al… and more"),
              "quotes <redacted>… (HTML), then <redacted>… and more");
    EXPECT_EQ(scrubbed(redactor, "sk-alp is no end"), "sk-alp is no end");
    EXPECT_EQ(scrubbed(redactor, "sk-alpha-1"), "<redacted>");
}

TEST(Redactor, ScrubsEveryTextOfAnError) {
    const std::string secret = "sk-alpha-1";
    Redactor redactor;
    redactor.add(secret);
    const std::string text = "quotes " + secret;
    Error error{.message = text,
                .provider_type = text,
                .provider_code = text,
                .provider_param = text,
                .request_id = text,
                .attempts = {{.detail = text, .request_id = text}, {.detail = text}},
                .raw_body = text};
    redactor.scrub(error);
    for (const auto& part :
         {error.message, error.provider_type, error.provider_code, error.provider_param, error.request_id,
          error.raw_body, error.attempts[0].detail, error.attempts[0].request_id, error.attempts[1].detail}) {
        EXPECT_EQ(part, "quotes <redacted>");
    }
}

TEST(CarriesASecret, IsDecidedByTheWordsOfTheName) {
    for (const auto* name : {"Authorization",
                             "Proxy-Authorization",
                             "X-Authentication",
                             "x-authenticated-by",
                             "X-Auth",
                             "auth",
                             "x-oauth-2",
                             "api-key",
                             "x-api-key",
                             "apikey",
                             "X-API-KEY",
                             "x-goog-api-key",
                             "Ocp-Apim-Subscription-Key",
                             "api_key_2",
                             "key",
                             "AWSAccessKeyId",
                             "apiKey",
                             "X-Amz-Security-Token",
                             "accessToken",
                             "x-token",
                             "token1",
                             "x-client-secret",
                             "password",
                             "Cookie",
                             "x-credential",
                             "x-session-id",
                             "X-Amz-Signature",
                             "sig",
                             "code"}) {
        EXPECT_TRUE(carries_a_secret(name)) << name;
    }
}

TEST(CarriesASecret, IsFalseForAWordThatOnlyStartsAlike) {
    for (const auto* name :
         {"Idempotency-Key", "x-idempotency-key", "x-author", "X-Authority", "x-coauthored-by", "x-keyword",
          "x-keyboard", "keep-alive", "max-tokens", "x-ratelimit-limit-tokens", "maxTokens", "x-tokenizer",
          "api-version", "x-region", "encoding", "x-status-code", "user-agent", "x-design", ""}) {
        EXPECT_FALSE(carries_a_secret(name)) << name;
    }
}

TEST(Redactor, RecognizesSecretHeadersByName) {
    Redactor redactor;
    redactor.add({{"x-api-key", "abcdef"}, {"x-max-tokens", "100000"}, {"x-author", "Shepherd"}});
    EXPECT_EQ(scrubbed(redactor, "abcdef of Shepherd: 100000 tokens"), "<redacted> of Shepherd: 100000 tokens");
}

}  // namespace
}  // namespace holysheep::telemetry
