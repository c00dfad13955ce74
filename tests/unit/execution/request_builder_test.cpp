// The HTTP request of one attempt: its URL, its headers, and which setting of a header takes precedence.
#include "execution/request_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;
using testing::Pair;

const std::string kModel = "deepseek-v3", kOther = "gpt-4o";

struct Building {
    Exchange exchange{};
    Target target{.base_url = "https://eu.example/v1", .chat_url = "https://eu.example/v1/chat/completions"};
    std::string sent = kModel, key = "sk-client";

    HttpRequest build() const { return build_request(exchange, target, {.sent = sent, .usual = kModel}, key, 2); }
};

TEST(RequestBuilder, NumbersTheAttemptAndCarriesTheClientsKey) {
    const Building building;
    const auto request = building.build();
    EXPECT_EQ(request.url, "https://eu.example/v1/chat/completions");
    EXPECT_THAT(request.headers,
                IsSupersetOf({Pair("X-Holysheep-Attempt", "2"), Pair("Authorization", "Bearer sk-client")}));
}

TEST(RequestBuilder, PrefersTheCallsHeadersOverTheRegionsOfTheSameName) {
    Building building;
    building.target.headers = {{"X-Team", "region"}, {"X-Zone", "eu"}};
    building.exchange.headers = {{"x-team", "call"}};
    const auto headers = building.build().headers;
    EXPECT_THAT(headers, IsSupersetOf({Pair("X-Team", "call"), Pair("X-Zone", "eu")}));
}

TEST(RequestBuilder, DoesNotSendTheCallsKeyToAHostWithItsOwn) {
    Building building;
    building.key.clear();
    building.exchange.several_hosts = true;
    building.exchange.headers = {{"Authorization", "Bearer sk-call"}};
    building.target.region.api_key = "sk-region";
    building.target.headers = {{"Authorization", "Bearer sk-region"}};
    EXPECT_THAT(building.build().headers, Contains(Pair("Authorization", "Bearer sk-region")));
}

TEST(RequestBuilder, UsesAnotherIdempotencyKeyForAnotherModel) {
    Building building;
    building.exchange.idempotency_key = "order-7";
    EXPECT_THAT(building.build().headers, Contains(Pair("Idempotency-Key", "order-7")));
    building.sent = kOther;
    EXPECT_THAT(building.build().headers, Not(Contains(Pair("Idempotency-Key", "order-7"))));
    EXPECT_EQ(building.build().headers, building.build().headers);
}

TEST(RequestBuilder, AppendsTheBaseUrlsParametersToThePaths) {
    Building building;
    building.exchange.kind = ExchangeKind::raw;
    building.target.query = "?api-version=1";
    building.exchange.raw = std::make_unique<RawRequest>(RawRequest{.method = "GET", .path = "/models"});
    EXPECT_EQ(building.build().url, "https://eu.example/v1/models?api-version=1");
    building.exchange.raw->path = "/models?limit=2";
    EXPECT_EQ(building.build().url, "https://eu.example/v1/models?limit=2&api-version=1");
    EXPECT_THAT(building.build().headers, Not(Contains(Pair("Content-Type", "application/json"))));
}

}  // namespace
}  // namespace holysheep::execution
