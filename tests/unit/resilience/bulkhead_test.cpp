// Permits per region, and the queue for permits.
#include "resilience/bulkhead.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using enum Bulkhead::QueueCap;

constexpr Bulkhead::time_point kBulkheadStart{1h};

std::vector<Bulkhead::Target> targets(const std::vector<std::size_t>& regions, LimiterKey key = {}) {
    std::vector<Bulkhead::Target> all;
    for (const auto region : regions) all.push_back({region, key});
    return all;
}

/// Two full regions with one permit each; records the names of notified waiters.
class FullRegions {
  public:
    explicit FullRegions(int queue = 10) : bulkhead(2, {.max_per_region = 1, .queue = queue}, 1) {
        for (const std::size_t region : {0U, 1U}) permits.push_back(bulkhead.acquire(region, {}, kBulkheadStart));
    }
    Bulkhead::Waiter waiter(std::string name, std::vector<std::size_t> of, Bulkhead::time_point since = kBulkheadStart,
                            int priority = 1, Bulkhead::QueueCap cap = enforced) {
        return bulkhead.join(targets(of), since, priority, cap, [this, name] { notified.push_back(name); });
    }

    Bulkhead bulkhead;
    std::vector<Bulkhead::Permit> permits;
    std::vector<std::string> notified;
};

TEST(Bulkhead, AReleaseNotifiesTheFirstWaiterOfThatRegion) {
    FullRegions regions;
    const auto near = regions.waiter("near", {0}), far = regions.waiter("far", {1}),
               any = regions.waiter("any", {0, 1});
    regions.permits[1].release();
    EXPECT_THAT(regions.notified, ElementsAre("far"));
    EXPECT_TRUE(regions.bulkhead.has_room(1, {}, kBulkheadStart));
    EXPECT_FALSE(regions.bulkhead.has_room(0, {}, kBulkheadStart));
}

TEST(Bulkhead, OnePriorityClassEqualsFiveSecondsOfAge) {
    FullRegions regions;
    const auto low = regions.waiter("low", {0}, kBulkheadStart, 2),
               younger = regions.waiter("younger", {0}, kBulkheadStart + 1s);
    auto high = regions.waiter("high", {0}, kBulkheadStart + 5s, 0);
    regions.permits[0].release();
    EXPECT_THAT(regions.notified, ElementsAre("high"));
    high.leave();
    EXPECT_THAT(regions.notified, ElementsAre("high", "younger")) << "the unused notification goes to the next waiter";
}

TEST(Bulkhead, RoomThatTheFirstCannotUseGoesToTheNext) {
    FullRegions regions;
    auto first = regions.waiter("first", {0, 1});
    auto other = regions.waiter("other", {0}), second = regions.waiter("second", {1});
    regions.permits[1].release();
    first.skip(targets({0, 1}));
    EXPECT_THAT(regions.notified, ElementsAre("first", "second"));
    second.skip(targets({1}));
    EXPECT_THAT(regions.notified, ElementsAre("first", "second")) << "no other waiter";
}

TEST(Bulkhead, AFullQueueAcceptsOnlyExemptCalls) {
    FullRegions regions(1);
    const auto first = regions.waiter("first", {0});
    EXPECT_FALSE(regions.waiter("second", {0}));
    const auto back = regions.waiter("back", {0}, kBulkheadStart - 1s, 1, exempt);
    EXPECT_TRUE(back);
    regions.permits[0].release();
    EXPECT_THAT(regions.notified, ElementsAre("back")) << "ordered by age";
}

TEST(Bulkhead, ADestroyedWaiterLeavesTheQueue) {
    FullRegions regions(1);
    { const auto waiter = regions.waiter("gone", {0}); }
    EXPECT_EQ(regions.bulkhead.waiting(), 0U);
    regions.permits[0].release();
    EXPECT_THAT(regions.notified, ElementsAre());
}

// ---- load limits ----

constexpr LimiterKey kKey{.model = 7, .account = 1}, kOtherModel{.model = 8, .account = 1},
    kOtherAccount{.model = 7, .account = 2};

/// One region with a learned limit of three requests at a time.
class FullRegion {
  public:
    explicit FullRegion(bool adaptive = true) : bulkhead(1, {.adaptive = adaptive}, 1) {
        for (int i = 0; i < 3; ++i) permits.push_back(bulkhead.acquire(0, kKey, kBulkheadStart));
        auto refused = bulkhead.acquire(0, kKey, kBulkheadStart);
        refused.on_refusal({}, kBulkheadStart);
    }
    Bulkhead::Waiter waiter(std::string name, Bulkhead::time_point since, LimiterKey key = kKey) {
        return bulkhead.join(targets({0}, key), since, 1, exempt, [this, name] { notified.push_back(name); });
    }

    Bulkhead bulkhead;
    std::vector<Bulkhead::Permit> permits;
    std::vector<std::string> notified;
};

TEST(Bulkhead, ARefusalSetsTheLimit) {
    FullRegion region;
    EXPECT_FALSE(region.bulkhead.has_room(0, kKey, kBulkheadStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kKey, kBulkheadStart), 3);
    region.permits.pop_back();
    EXPECT_TRUE(region.bulkhead.has_room(0, kKey, kBulkheadStart));
}

TEST(Bulkhead, ALimitAppliesToOneModelAndAccount) {
    FullRegion region;
    EXPECT_TRUE(region.bulkhead.has_room(0, kOtherModel, kBulkheadStart));
    EXPECT_TRUE(region.bulkhead.has_room(0, kOtherAccount, kBulkheadStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kOtherAccount, kBulkheadStart), std::nullopt);
    EXPECT_EQ(region.bulkhead.load_limit(0, kBulkheadStart), 3) << "the lowest limit of any model and account";
}

TEST(Bulkhead, LearnsNoLimitUnlessAdaptive) {
    FullRegion region(false);
    EXPECT_TRUE(region.bulkhead.has_room(0, kKey, kBulkheadStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kBulkheadStart), std::nullopt);
}

TEST(Bulkhead, RoomGoesToTheOldestWaiter) {
    FullRegion region;
    const auto younger = region.waiter("younger", kBulkheadStart + 1s), older = region.waiter("older", kBulkheadStart);
    region.permits.pop_back();
    EXPECT_THAT(region.notified, ElementsAre("older"));
    const auto now = kBulkheadStart + 2s;
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kKey, older.queue_key(), now));
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kKey, younger.queue_key(), now));
    const Bulkhead::QueueKey new_waiter{Bulkhead::age(now, 1), ~std::uint64_t{0}};
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kKey, new_waiter, now)) << "two waiters are ahead";
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kOtherModel, new_waiter, now)) << "no waiters for that key";
}

TEST(Bulkhead, AWaiterThatSkipsDoesNotBlockTheOthers) {
    FullRegion region;
    auto first = region.waiter("first", kBulkheadStart);
    const auto second = region.waiter("second", kBulkheadStart + 1s);
    region.permits.pop_back();
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kKey, second.queue_key(), kBulkheadStart + 2s));
    first.skip(targets({0}, kKey));
    EXPECT_THAT(region.notified, ElementsAre("first", "second"));
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kKey, second.queue_key(), kBulkheadStart + 2s));
}

TEST(Bulkhead, ManyWaitersForAFullKeyDoNotHideOthersBehindThem) {
    FullRegion region;
    auto other = region.bulkhead.acquire(0, kOtherModel, kBulkheadStart);
    { region.bulkhead.acquire(0, kOtherModel, kBulkheadStart).on_refusal({}, kBulkheadStart); }
    std::vector<Bulkhead::Waiter> waiters;
    for (int i = 0; i < 500; ++i) waiters.push_back(region.waiter("other", kBulkheadStart));
    const auto behind = region.waiter("behind", kBulkheadStart + 1s, kOtherModel);
    region.notified.clear();
    other.release();
    EXPECT_THAT(region.notified, ElementsAre("behind"));
    EXPECT_TRUE(behind.near_front());
    EXPECT_FALSE(waiters.back().near_front());
}

TEST(Bulkhead, ASkipWithoutANotificationWakesNoWaiter) {
    FullRegion region;
    auto first = region.waiter("first", kBulkheadStart);
    const auto second = region.waiter("second", kBulkheadStart + 1s);
    first.skip(targets({0}, kKey));
    EXPECT_THAT(region.notified, ElementsAre());
}

TEST(Bulkhead, IdleKeysAreDroppedWhenThereAreMany) {
    FullRegion region;
    for (std::uint64_t model = 100; model < 10'000; ++model) {
        auto permit = region.bulkhead.acquire(0, {.model = model, .account = 1}, kBulkheadStart);
        permit.on_refusal({}, kBulkheadStart);
    }
    EXPECT_FALSE(region.bulkhead.has_room(0, kKey, kBulkheadStart)) << "requests in flight still count";
    EXPECT_EQ(region.bulkhead.load_limit(0, {.model = 100, .account = 1}, kBulkheadStart), std::nullopt);
}

}  // namespace
}  // namespace holysheep::resilience
