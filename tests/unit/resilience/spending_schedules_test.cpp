// Random schedules for budgets: reservations, settlements, labels, passing time. In each of them, no span exceeds its
// ceiling, nothing that was spent is forgotten too early, and nothing stays reserved.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "resilience/random.hpp"
#include "resilience/spending.hpp"

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using time_point = Spending::time_point;

constexpr std::int64_t kCeiling = 1'000, kOfLabel = 400;

class Schedule {
  public:
    explicit Schedule(std::uint64_t seed)
        : random_(seed),
          span_(std::chrono::milliseconds(60 + below(5'000))),
          spending_({.ceiling = Money{kCeiling}, .per = span_, .labels = {{"nightly", Money{kOfLabel}}}}) {}

    void run() {
        for (int step = 0; step < 100 && !testing::Test::HasFailure(); ++step) {
            switch (below(4)) {
                case 0:
                case 1: reserve(); break;
                case 2: settle(); break;
                case 3: now_ += std::chrono::milliseconds(below(3) == 0 ? below(span_.count()) : below(20)); break;
            }
        }
        while (!open_.empty()) settle();
        now_ += span_ + span_ / 60 + 1ms;
        EXPECT_FALSE(spending_.reserve("nightly", kOfLabel, now_)) << "the whole budget is available again";
        EXPECT_FALSE(spending_.reserve("", kCeiling - kOfLabel, now_));
        EXPECT_TRUE(spending_.reserve("", 1, now_));
    }

  private:
    struct Call {
        std::string label;
        std::int64_t amount = 0;
    };
    struct Spent {
        Call call;
        time_point when;
    };

    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_.uniform() * static_cast<double>(n)); }

    /// The amount reserved now or spent within the span before `now`; an empty label means all.
    std::int64_t in_use(const std::string& label, std::chrono::nanoseconds span, time_point now) const {
        std::int64_t sum = 0;
        const auto counts = [&](const Call& call) { return label.empty() || call.label == label; };
        for (const auto& call : open_) sum += counts(call) ? call.amount : 0;
        for (const auto& spent : spent_) sum += counts(spent.call) && spent.when > now - span ? spent.call.amount : 0;
        return sum;
    }

    void reserve() {
        const Call call{.label = below(2) == 0 ? "nightly" : below(2) == 0 ? "daily" : "", .amount = below(300)};
        const bool own = call.label == "nightly";
        const auto refused = spending_.reserve(call.label, call.amount, now_);
        if (!refused) {
            open_.push_back(call);
            ASSERT_LE(in_use("", span_, now_), kCeiling);
            ASSERT_LE(in_use("nightly", span_, now_), kOfLabel);
            return;
        }
        // Amounts that are older than the span plus a sixtieth no longer count.
        const std::chrono::nanoseconds longer = span_ + std::chrono::nanoseconds(span_) / 60 + 1us;
        const bool too_much = in_use("", longer, now_) + call.amount > kCeiling;
        const bool too_much_of_label = own && in_use("nightly", longer, now_) + call.amount > kOfLabel;
        ASSERT_TRUE(refused->of_label ? too_much_of_label : too_much) << "refused without need";
        ASSERT_EQ(refused->ceiling, refused->of_label ? kOfLabel : kCeiling);
        if (!refused->until) return;
        ASSERT_GT(*refused->until, now_);
        auto later = spending_;
        const auto again = later.reserve(call.label, call.amount, *refused->until);
        ASSERT_TRUE(!again || again->of_label != refused->of_label) << "must fit at the reported time";
    }

    void settle() {
        if (open_.empty()) return;
        const auto at = open_.begin() + static_cast<std::ptrdiff_t>(below(static_cast<std::int64_t>(open_.size())));
        const auto actual = below(3) == 0 ? at->amount : below(at->amount + 1);
        spending_.settle(at->label, at->amount, actual, now_);
        spent_.push_back({{at->label, actual}, now_});
        open_.erase(at);
    }

    Random random_;
    std::chrono::milliseconds span_;
    Spending spending_;
    time_point now_{1h};
    std::vector<Call> open_;
    std::vector<Spent> spent_;
};

TEST(SpendingSchedules, NoSpanHoldsMoreThanItsCeilingAndNothingIsLost) {
    for (std::uint64_t seed = 1; seed <= 1'000 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        Schedule(seed).run();
    }
}

}  // namespace
}  // namespace holysheep::resilience
