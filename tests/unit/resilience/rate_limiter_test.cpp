// The rate limiter and its queue; time is an argument.
#include "resilience/rate_limiter.hpp"

#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <holysheep/error.hpp>

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using time_point = Permit::time_point;

constexpr time_point kStart{1h};

class Limited {
  public:
    explicit Limited(RateLimitOptions options) : limiter_(std::make_shared<RateLimiter::Impl>(options)) {}
    Permit ask(time_point now, Permit::Request request = {}) {
        if (request.since == time_point{}) request.since = now;
        return {limiter_, limiter_->partition(1, "gpt-4.1", now), std::move(request), now};
    }
    RateLimiter::Impl& operator*() { return *limiter_; }
    RateLimiter::Impl* operator->() { return limiter_.get(); }

  private:
    std::shared_ptr<RateLimiter::Impl> limiter_;
};

TEST(RateLimiter, RefusesInvalidOptions) {
    EXPECT_THROW(RateLimiter({.requests = -1}), Exception);
    EXPECT_THROW(RateLimiter({.requests = 1, .per = 0ms}), Exception);
    EXPECT_THROW(RateLimiter({.tokens_per_minute = -1}), Exception);
    EXPECT_THROW(RateLimiter({.requests = 1, .burst = 0}), Exception);
    EXPECT_THROW(RateLimiter({.requests = 1, .burst = 2}), Exception) << "as in ClientOptions::rate_limit";
    EXPECT_THROW(RateLimiter({.fail_fast = true}), Exception);
}

TEST(RateLimiter, WithoutLimitsEveryCallIsGranted) {
    Limited limiter({});
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limiter.ask(kStart).granted());
}

TEST(RateLimiter, ACallBeyondTheLimitWaitsForTheWindow) {
    Limited limiter({.requests = 2, .per = 60s});
    std::vector<Permit> permits;
    for (int i = 0; i < 2; ++i) {
        permits.push_back(limiter.ask(kStart));
        permits.back().sent(kStart);
        permits.back().arrived(kStart);
    }
    auto third = limiter.ask(kStart);
    ASSERT_TRUE(third.waiting());
    EXPECT_EQ(third.next_poll(), kStart + 60s + 50ms);
    EXPECT_EQ(third.expected(kStart), kStart + 60s + 50ms);
    EXPECT_FALSE(third.poll(kStart + 60s));
    EXPECT_TRUE(third.poll(kStart + 60s + 50ms));
}

TEST(RateLimiter, OtherModelsAndAccountsAreLimitedSeparately) {
    Limited limiter({.requests = 1});
    const auto first = limiter.ask(kStart);
    EXPECT_FALSE(limiter.ask(kStart).granted());
    const auto shared = std::shared_ptr<RateLimiter::Impl>(&*limiter, [](auto*) {});
    EXPECT_TRUE(Permit(shared, limiter->partition(1, "o3", kStart), {}, kStart).granted());
    EXPECT_TRUE(Permit(shared, limiter->partition(2, "gpt-4.1", kStart), {}, kStart).granted());
}

TEST(RateLimiter, AReturnedPermitNotifiesTheNextCall) {
    Limited limiter({.requests = 1});
    auto first = limiter.ask(kStart);
    int calls = 0;
    auto second = limiter.ask(kStart, {.on_ready = [&] { ++calls; }});
    EXPECT_FALSE(second.next_poll()) << "depends on the first call";
    first = {};
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(second.poll(kStart + 1ms));
}

TEST(RateLimiter, TheQueueIsFirstComeFirstServed) {
    Limited limiter({.requests = 1, .per = 1s});
    auto running = limiter.ask(kStart);
    auto second = limiter.ask(kStart + 1ms);
    auto third = limiter.ask(kStart + 2ms);
    EXPECT_EQ(third.ahead(), 1U);
    running = {};
    EXPECT_FALSE(third.poll(kStart + 3ms));
    EXPECT_TRUE(second.poll(kStart + 3ms));
    EXPECT_FALSE(third.poll(kStart + 3ms));
}

TEST(RateLimiter, AHigherClassIsAheadByFiveSeconds) {
    Limited limiter({.requests = 1});
    auto running = limiter.ask(kStart);
    auto low = limiter.ask(kStart, {.priority = 2});
    auto normal = limiter.ask(kStart + 4s, {.priority = 1});
    auto late = limiter.ask(kStart + 6s, {.priority = 1});
    EXPECT_EQ(normal.ahead(), 0U);
    EXPECT_EQ(low.ahead(), 1U);
    EXPECT_EQ(late.ahead(), 2U) << "after five seconds a call counts as the next higher class";
}

TEST(RateLimiter, ARetryKeepsThePositionOfItsCall) {
    Limited limiter({.requests = 1});
    auto running = limiter.ask(kStart);
    auto waiting = limiter.ask(kStart + 1s);
    running = {};
    auto retry = limiter.ask(kStart + 2s, {.since = kStart});
    EXPECT_TRUE(retry.granted());
    EXPECT_FALSE(waiting.poll(kStart + 2s));
}

TEST(RateLimiter, ACallThatLeavesTheQueueIsRemoved) {
    Limited limiter({.requests = 1});
    auto running = limiter.ask(kStart);
    auto second = limiter.ask(kStart);
    int calls = 0;
    auto third = limiter.ask(kStart, {.on_ready = [&] { ++calls; }});
    second = {};
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(third.ahead(), 0U);
    EXPECT_EQ(limiter->levels(kStart).front().waiting, 1U);
}

TEST(RateLimiter, TheAnswerReplacesTheReservedTokens) {
    Limited limiter({.tokens_per_minute = 1'000});
    auto first = limiter.ask(kStart, {.tokens = 800});
    first.sent(kStart);
    int calls = 0;
    auto second = limiter.ask(kStart, {.tokens = 700, .on_ready = [&] { ++calls; }});
    EXPECT_TRUE(second.waiting());
    first.settle(250, 200, kStart + 1s);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(second.poll(kStart + 1s));
    EXPECT_EQ(limiter->levels(kStart + 1s).front().tokens_used, 950);
}

TEST(RateLimiter, AnAnswerWithoutUsageKeepsTheReservedTokens) {
    Limited limiter({.tokens_per_minute = 1'000});
    auto first = limiter.ask(kStart, {.tokens = 800});
    first.sent(kStart);
    first.settle({}, {}, kStart + 1s);
    EXPECT_FALSE(limiter.ask(kStart + 1s, {.tokens = 201}).granted());
    EXPECT_TRUE(limiter.ask(kStart + 61s, {.tokens = 201}).granted());
}

TEST(RateLimiter, ACallLargerThanTheLimitExceedsIt) {
    Limited limiter({.tokens_per_minute = 1'000});
    const auto permit = limiter.ask(kStart, {.tokens = 1'001});
    EXPECT_TRUE(permit.exceeds_limit());
    EXPECT_FALSE(permit.expected(kStart));
}

TEST(RateLimiter, LearnsTheSizeOfAnswers) {
    Limited limiter({});
    const auto held = limiter->partition(1, "gpt-4.1", kStart);
    auto& partition = *held;
    EXPECT_EQ(limiter->answer_tokens(partition), 1'000);
    for (int i = 1; i <= 40; ++i) {
        auto permit = limiter.ask(kStart);
        permit.sent(kStart);
        permit.settle(10 + i, i, kStart);
    }
    EXPECT_EQ(limiter->answer_tokens(partition), 39);
}

TEST(RateLimiter, SmoothCallsAreSpacedEvenly) {
    Limited limiter({.requests = 60, .per = 60s, .smooth = true});
    auto first = limiter.ask(kStart);
    first.sent(kStart);
    auto second = limiter.ask(kStart);
    EXPECT_EQ(second.next_poll(), kStart + 1s);
    EXPECT_FALSE(second.poll(kStart + 999ms));
    EXPECT_TRUE(second.poll(kStart + 1s));
    second = {};
    EXPECT_TRUE(limiter.ask(kStart + 1s).granted()) << "the permit was returned";
}

TEST(RateLimiter, ABurstIsGrantedAtOnceAfterAPause) {
    Limited limiter({.requests = 60, .per = 60s, .smooth = true, .burst = 3});
    std::vector<Permit> permits;
    for (int i = 0; i < 3; ++i) {
        permits.push_back(limiter.ask(kStart));
        EXPECT_TRUE(permits.back().granted()) << i;
        permits.back().sent(kStart);
    }
    EXPECT_EQ(limiter.ask(kStart).next_poll(), kStart + 1s);
}

TEST(RateLimiter, AdoptsALowerLimitOfTheServer) {
    Limited limiter({.requests = 60, .tokens_per_minute = 1'000});
    const auto held = limiter->partition(1, "gpt-4.1", kStart);
    auto& partition = *held;
    EXPECT_TRUE(limiter->adopt(partition, 1, 500, kStart));
    EXPECT_FALSE(limiter->adopt(partition, 1, 500, kStart)) << "unchanged";
    const auto first = limiter.ask(kStart, {.tokens = 500});
    EXPECT_TRUE(first.granted());
    EXPECT_TRUE(limiter.ask(kStart, {.tokens = 0}).waiting());
    EXPECT_FALSE(limiter->adopt(partition, 100, 9'000, kStart) && limiter->levels(kStart).front().requests_limit > 60);
}

TEST(RateLimiter, IgnoresAHigherLimitOfTheServer) {
    Limited limiter({.requests = 2, .tokens_per_minute = 1'000});
    EXPECT_FALSE(limiter->adopt(*limiter->partition(1, "m", kStart), 500, 500'000, kStart));
    const auto level = limiter->levels(kStart).front();
    EXPECT_EQ(level.requests_limit, 2);
    EXPECT_EQ(level.tokens_limit, 1'000);
}

TEST(RateLimiter, NotifiesACallThatExceedsALoweredLimit) {
    Limited limiter({.tokens_per_minute = 1'000});
    auto first = limiter.ask(kStart, {.tokens = 900});
    first.sent(kStart);
    int notified = 0;
    auto second = limiter.ask(kStart, {.tokens = 800, .on_ready = [&] { ++notified; }});
    EXPECT_TRUE(second.waiting());
    limiter->adopt(*limiter->partition(1, "gpt-4.1", kStart), {}, 500, kStart);
    EXPECT_EQ(notified, 1);
    EXPECT_TRUE(second.exceeds_limit());
}

TEST(RateLimiter, PermitsInUseDoNotInflateTheExpectedWait) {
    Limited limiter({.requests = 10, .per = 60s});
    std::vector<Permit> permits;
    for (int i = 0; i < 30; ++i) permits.push_back(limiter.ask(kStart));
    permits.front().sent(kStart);
    const auto last = permits.back().expected(kStart);
    EXPECT_TRUE(!last || *last < kStart + 5min) << "nineteen calls are ahead: two windows";
}

TEST(RateLimiter, SmoothCallsRespectTheWindow) {
    Limited limiter({.requests = 2, .per = 2s, .smooth = true});
    auto first = limiter.ask(kStart);
    first.sent(kStart);
    auto dropped = limiter.ask(kStart + 1s);
    const auto later = kStart + 2'300ms;
    auto third = limiter.ask(later);
    ASSERT_TRUE(third.granted());
    third.sent(later);
    dropped = {};
    auto fourth = limiter.ask(later);
    ASSERT_TRUE(fourth.granted()) << "replaces the dropped call";
    fourth.sent(later);
    EXPECT_FALSE(limiter.ask(later + 1s).granted()) << "two calls were sent within two seconds";
}

// ---- any number of accounts and models ----

class ManyPartitions {
  public:
    std::shared_ptr<RateLimiter::Impl> limiter =
        std::make_shared<RateLimiter::Impl>(RateLimitOptions{.requests = 2, .per = 60s});
    time_point now = kStart;

    Permit ask(std::uint64_t account, const std::string& model = "gpt-4.1") {
        return {limiter, limiter->partition(account, model, now), {.since = now}, now};
    }
    /// Sends two calls, the whole limit of a partition. Returns false if fewer were granted.
    bool use_up(std::uint64_t account, const std::string& model = "gpt-4.1") {
        auto first = ask(account, model), second = ask(account, model);
        for (auto* permit : {&first, &second}) {
            permit->sent(now);
            permit->arrived(now);
        }
        return second.granted() || (!first.waiting() && !second.waiting());
    }
    std::size_t partitions() const { return limiter->levels(now).size(); }
};

TEST(RateLimiterPartitions, IdlePartitionsAreEvicted) {
    ManyPartitions many;
    for (std::uint64_t account = 1; account <= 5'000; ++account) {
        many.now += 100ms;  // a minute has 600 such steps
        EXPECT_TRUE(many.use_up(account)) << "account " << account << " has its own partition";
        if (account % 250 != 0) continue;
        ASSERT_LE(many.partitions(), 1'000U);
    }
}

TEST(RateLimiterPartitions, AnAccountLeavesTheSharedPartitionOnceItsUseThereHasExpired) {
    ManyPartitions many;
    for (std::uint64_t account = 1; account <= 999; ++account) many.use_up(account);
    many.now += 59s;
    EXPECT_TRUE(many.use_up(1'000));
    many.now += 2s;  // the 999 others are now idle
    EXPECT_FALSE(many.ask(1'000).granted()) << "two calls were sent two seconds ago";
    many.now += 59s;
    EXPECT_TRUE(many.ask(1'000).granted());
}

TEST(RateLimiterPartitions, NewAccountsShareAPartitionWhileNoneIsIdle) {
    ManyPartitions many;
    for (std::uint64_t account = 1; account <= 999; ++account) EXPECT_TRUE(many.use_up(account));
    EXPECT_EQ(many.partitions(), 999U);
    EXPECT_TRUE(many.use_up(1'000));
    EXPECT_FALSE(many.ask(1'001).granted()) << "the shared partition is used up";
    EXPECT_FALSE(many.ask(500).granted()) << "the account's own partition is used up";
    EXPECT_EQ(many.partitions(), 1'000U);
    many.now = kStart + 61s;
    EXPECT_TRUE(many.use_up(1'000)) << "its two calls have expired";
    EXPECT_FALSE(many.ask(1'000).granted());
    EXPECT_LE(many.partitions(), 1'000U);
}

TEST(RateLimiterPartitions, APartitionInUseIsNotEvicted) {
    ManyPartitions many;
    auto waiting = many.ask(1);
    many.use_up(1);
    auto queued = many.ask(1);
    ASSERT_TRUE(queued.waiting());
    for (std::uint64_t account = 2; account <= 3'000; ++account) many.limiter->partition(account, "m", many.now);
    many.now += 2min;
    EXPECT_TRUE(queued.poll(many.now));
    EXPECT_LE(many.partitions(), 1'000U);
}

TEST(RateLimiterPartitions, LongNamesAreTruncated) {
    ManyPartitions many;
    many.limiter->partition(1, std::string(100'000, 'x'), kStart);
    EXPECT_EQ(many.limiter->levels(kStart).front().model.size(), 256U);
}

TEST(RateLimiterAccounts, RotatingKeysRemainOneAccount) {
    ManyPartitions many;
    constexpr std::uint64_t kFetched = 2;
    ASSERT_TRUE(many.use_up(kFetched));
    std::uint64_t key = 0;
    for (int rotation = 0; rotation < 10'100; ++rotation) {
        key = 1'000'001 + 2 * static_cast<std::uint64_t>(rotation);
        many.limiter->merge_accounts(kFetched, key);
    }
    EXPECT_FALSE(many.ask(key).granted()) << "the limit was used up under the previous key";
    EXPECT_FALSE(many.ask(kFetched).granted());
}

TEST(RateLimiterAccounts, FollowTheirAccountIntoAnotherOne) {
    ManyPartitions many;
    many.limiter->merge_accounts(1, 2);  // one account is known under both numbers
    ASSERT_TRUE(many.use_up(3));
    many.limiter->merge_accounts(3, 1);
    EXPECT_FALSE(many.ask(1).granted());
    EXPECT_FALSE(many.ask(2).granted()) << "and both became the third";
}

}  // namespace
}  // namespace holysheep
