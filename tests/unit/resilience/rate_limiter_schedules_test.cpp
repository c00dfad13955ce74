// Random schedules for the limiter: bursts, cancellations, clocks that disagree. In each of them, no window of the
// gateway exceeds its limit, no call waits forever, and nothing stays reserved.
#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "resilience/random.hpp"
#include "resilience/rate_limiter.hpp"

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using time_point = Permit::time_point;

class Schedule {
  public:
    explicit Schedule(std::uint64_t seed) : random_(seed) {
        limit_ = 1 + below(8);
        tokens_ = below(5) == 0 ? 1'000 : 0;
        limiter_ = std::make_shared<RateLimiter::Impl>(
            RateLimitOptions{.requests = limit_, .per = kSpan, .tokens_per_minute = tokens_});
        partition_ = limiter_->partition(1, "m", now_);
    }

    void run() {
        for (int step = 0; step < 40; ++step) {
            switch (below(6)) {
                case 0:
                case 1: ask(below(4) == 0 ? 8 : 1); break;
                case 2: leave(); break;
                case 3: now_ += std::chrono::milliseconds(below(400)); break;
                case 4: now_ += below(10) == 0 ? 90s : 30ms; break;
                case 5: end_some(); break;
            }
            poll();
        }
        for (int i = 0; i < 1'000 && !calls_.empty(); ++i) {
            advance_to_next_event();
            poll();
            end_some();
        }
        EXPECT_TRUE(calls_.empty()) << "a call was never granted";
        expect_windows();
        now_ += 2min;
        const auto level = limiter_->levels(now_).front();
        EXPECT_EQ(level.requests_used, 0);
        EXPECT_EQ(level.tokens_used, 0);
        EXPECT_EQ(level.waiting, 0U);
    }

  private:
    static constexpr auto kSpan = 1'000ms;
    struct Call {
        Permit permit;
        std::int64_t tokens = 0;
        time_point sent{};
    };

    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_.uniform() * static_cast<double>(n)); }
    /// Threads read the clock before they take the lock, so time may seem to go backwards.
    time_point clock() { return now_ - std::chrono::microseconds(below(2'000)); }

    void ask(std::int64_t calls) {
        for (; calls > 0; --calls) {
            const auto now = clock();
            const auto tokens = 1 + below(200);
            calls_.push_back(
                {.permit = Permit(limiter_, partition_,
                                  {.tokens = tokens, .since = now, .priority = static_cast<int>(below(3))}, now),
                 .tokens = tokens});
        }
    }
    void leave() {
        if (calls_.empty()) return;
        calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(below(static_cast<std::int64_t>(calls_.size()))));
    }
    void poll() {
        for (auto& call : calls_) {
            if (call.sent != time_point{} || !call.permit.poll(clock())) continue;
            if (below(3) == 0) continue;  // the call's connection is not ready
            call.sent = now_;
            call.permit.sent(now_);
            // The gateway receives the request before it answers, or within the grace period.
            seen_.push_back(now_ + std::chrono::milliseconds(below(100)));
            booked_.emplace_back(now_, call.tokens);
            if (below(2) == 0) call.permit.arrived(seen_.back());
        }
    }
    void advance_to_next_event() {
        auto next = now_ + 100s;
        for (const auto& call : calls_) {
            if (call.sent != time_point{} || call.permit.granted()) next = std::min(next, now_ + 10ms);
            if (const auto next_poll = call.permit.next_poll()) next = std::min(next, std::max(*next_poll, now_ + 2ms));
        }
        now_ = next;
    }
    void end_some() {
        std::erase_if(calls_, [&](Call& call) {
            if (call.sent == time_point{} || below(2) == 0) return false;
            if (below(2) == 0) call.permit.settle(call.tokens, 1, now_);
            return true;
        });
    }
    void expect_windows() {
        std::sort(seen_.begin(), seen_.end());
        const auto limit = static_cast<std::size_t>(limit_);
        for (std::size_t i = limit; i < seen_.size(); ++i) {
            ASSERT_GE(seen_[i] - seen_[i - limit], kSpan) << "more than " << limit << " calls per span";
        }
        if (tokens_ == 0) return;
        for (std::size_t i = 0; i < booked_.size(); ++i) {
            std::int64_t sum = 0;
            for (auto k = i; k < booked_.size() && booked_[k].first - booked_[i].first < 60s; ++k) {
                sum += booked_[k].second;
            }
            ASSERT_LE(sum, tokens_);
        }
    }

    resilience::Random random_;
    std::int64_t limit_ = 1, tokens_ = 0;
    std::shared_ptr<RateLimiter::Impl> limiter_;
    std::shared_ptr<RateLimiter::Impl::Partition> partition_{};
    time_point now_{1h};
    std::vector<Call> calls_;
    std::vector<time_point> seen_;
    std::vector<std::pair<time_point, std::int64_t>> booked_;
};

TEST(RateLimiterSchedules, NoWindowHoldsMoreThanItsLimit) {
    for (std::uint64_t seed = 1; seed <= 10'000 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        Schedule(seed).run();
    }
}

}  // namespace
}  // namespace holysheep
