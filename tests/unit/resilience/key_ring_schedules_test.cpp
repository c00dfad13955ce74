// Random histories of several keys: refusals, pauses, low quotas, passing time. In each of them a good key is found if
// there is one, a bad key is excluded exactly as long as it is bad, and no call tries a key twice.
#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "resilience/key_ring.hpp"
#include "resilience/random.hpp"

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using time_point = KeyRing::time_point;

constexpr std::size_t kRegions = 2;
constexpr ModelId kModels = 2;

class KeySchedule {
  public:
    explicit KeySchedule(std::uint64_t seed)
        : random_(seed),
          keys_(static_cast<std::size_t>(1 + below(5))),
          ring_(keys_),
          refused_until_(keys_),
          paused_until_(keys_ * kRegions * kModels) {}

    void run() {
        for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) {
            const auto key = static_cast<std::size_t>(below(static_cast<std::int64_t>(keys_)));
            const auto region = static_cast<std::size_t>(below(kRegions));
            const auto model = static_cast<ModelId>(below(kModels));
            switch (below(6)) {
                case 0: refuse(key); break;
                case 1: pause(key, region, model); break;
                case 2: ring_.record_remaining(key, region, model, random_.uniform() / 5, now_); break;
                case 3: accept(key); break;
                case 4: now_ += below(4) == 0 ? 5min : std::chrono::seconds(below(60)); break;
                case 5: call(region, model); break;
            }
            for (std::size_t r = 0; r < kRegions; ++r) {
                for (ModelId m = 0; m < kModels; ++m) check_pick(r, m);
            }
        }
    }

  private:
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_.uniform() * static_cast<double>(n)); }
    time_point& paused(std::size_t key, std::size_t region, ModelId model) {
        return paused_until_[(key * kRegions + region) * kModels + static_cast<std::size_t>(model)];
    }
    time_point good_at(std::size_t key, std::size_t region, ModelId model) {
        return std::max({now_, refused_until_[key], paused(key, region, model)});
    }

    void refuse(std::size_t key) {
        ring_.refuse(key, ErrorCode::insufficient_quota, now_);
        refused_until_[key] = now_ + 10min;
    }
    void accept(std::size_t key) {
        ring_.accept(key);
        refused_until_[key] = {};
    }
    void pause(std::size_t key, std::size_t region, ModelId model) {
        const auto until = now_ + std::chrono::seconds(1 + below(120));
        ring_.limit(key, region, model, until, now_);
        auto& known = paused(key, region, model);
        known = std::max(known, until);
    }

    /// Fails with every key that it gets, until there is none left.
    void call(std::size_t region, ModelId model) {
        std::set<std::size_t> tried;
        while (const auto key = ring_.pick(region, model, now_)) {
            ASSERT_TRUE(tried.insert(*key).second) << "key " << *key << " was tried twice";
            below(2) == 0 ? refuse(*key) : pause(*key, region, model);
        }
    }

    void check_pick(std::size_t region, ModelId model) {
        auto soonest = time_point::max();
        for (std::size_t key = 0; key < keys_; ++key) soonest = std::min(soonest, good_at(key, region, model));
        const auto picked = ring_.pick(region, model, now_);
        ASSERT_EQ(picked.has_value(), soonest == now_) << "finds a good key if one exists";
        if (picked) {
            ASSERT_EQ(good_at(*picked, region, model), now_) << "the picked key must be good";
            return;
        }
        ASSERT_EQ(ring_.usable_at(region, model, now_), soonest);
        ASSERT_TRUE(ring_.pick(region, model, soonest)) << "the key is back after its period";
        ASSERT_FALSE(ring_.pick(region, model, soonest - 1ns)) << "the key is back too early";
        ASSERT_LT(ring_.least_bad(), keys_);
    }

    Random random_;
    std::size_t keys_;
    KeyRing ring_;
    time_point now_{1h};
    std::vector<time_point> refused_until_, paused_until_;
};

TEST(KeyRingSchedules, AGoodKeyIsFoundAndABadOneIsExcludedForItsPeriod) {
    for (std::uint64_t seed = 1; seed <= 1'000 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        KeySchedule(seed).run();
    }
}

}  // namespace
}  // namespace holysheep::resilience
