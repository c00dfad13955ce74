// Who may send now, and who waits for whom: one lane for each account and model, with a queue in front of it.
// call::Admission → [RateLimiter::Impl] → Permit
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/rate_limiter.hpp>

#include "resilience/pacer.hpp"
#include "resilience/sliding_sum.hpp"
#include "resilience/sliding_window.hpp"

namespace holysheep {
inline namespace v0 {

class RateLimiter::Impl {
  public:
    using time_point = Clock::time_point;
    class Lane;

    explicit Impl(const RateLimitOptions& options) : options_(options) {}

    /// The lane of an account (a number that stands for its key) and a model. Accounts and models come from callers
    /// without bound, so lanes that limit nothing any more make room for others. While no lane can be spared, newcomers
    /// share one: it lets less through than they might send, never more.
    std::shared_ptr<Lane> lane(std::uint64_t account, std::string_view model, time_point now);
    /// From now on two numbers stand for one account. Of lanes that both have already, the first one's go on.
    void count_together(std::uint64_t account, std::uint64_t other);
    /// The server's own limits, where they are lower than those of the options. True: they were not known.
    bool adopt(Lane& lane, std::optional<std::int64_t> requests, std::optional<std::int64_t> tokens, time_point now);
    std::int64_t answer_tokens(const Lane& lane) const;
    /// One for each lane; at most 1,000.
    std::vector<RateLimitLevel> levels(time_point now) const;
    const RateLimitOptions& options() const { return options_; }

  private:
    friend class Permit;
    friend class Lane;

    /// By age and class: a class is worth five seconds, so that nobody is overtaken for ever.
    using Place = std::pair<time_point, std::uint64_t>;
    struct Waiter {
        std::int64_t tokens = 0;
        std::function<void()> on_turn{};
        time_point told = time_point::max();  // when it will look again
    };

    std::uint64_t known_as(std::uint64_t account) const;
    bool has_lanes(std::uint64_t account) const;
    void forget_oldest_alias();
    void forget_idle_lanes(time_point now);
    /// No call holds it, and a new one would let just as many go.
    static bool can_go(const std::shared_ptr<Lane>& lane, time_point now);

    RateLimitOptions options_;
    mutable std::mutex mutex_;  // guards everything below
    std::unordered_map<std::string, std::shared_ptr<Lane>> lanes_;
    std::shared_ptr<Lane> shared_lane_;  // of those that have none
    time_point next_sweep_ = time_point::min();
    struct Alias {
        std::uint64_t account = 0;  // the one that lanes are under; it is no alias itself
        std::uint64_t used = 0;     // higher: more recently
    };
    std::unordered_map<std::uint64_t, Alias> aliases_;
    std::uint64_t next_ticket_ = 0, uses_ = 0;
};

class RateLimiter::Impl::Lane {
  public:
    Lane(const RateLimitOptions& options, std::string model);

  private:
    friend class RateLimiter::Impl;
    friend class Permit;

    bool open(std::int64_t tokens, time_point now) const;
    /// Nothing waits, is under way or rests.
    bool idle(time_point now) const;
    /// When a call of that size may go, `ahead` others before it; unset: it depends on calls under way.
    std::optional<time_point> due(std::int64_t tokens, std::size_t ahead, time_point now) const;
    /// The first in the queue when it should look again earlier than it knows.
    std::function<void()> whose_turn(time_point now);

    std::string model_;
    std::optional<resilience::SlidingWindow> calls_;
    std::optional<resilience::Pacer> pacer_;
    std::optional<resilience::SlidingSum> tokens_;
    std::map<Place, Waiter> queue_;
    std::array<std::int64_t, 20> answers_{};  // tokens of the last ones
    std::size_t answered_ = 0;
    std::uint64_t used_ = 0;  // higher: more recently
};

/// The right to send one request: asked for, waited for, used or given back. Destroyed before it was used, it leaves no
/// trace. Thread-safe as the limiter is; one permit belongs to one call.
class Permit {
  public:
    using time_point = Clock::time_point;
    using Impl = RateLimiter::Impl;
    struct Request {
        std::int64_t tokens = 0;
        time_point since{};  ///< the age of the call, which is its place in the queue
        int priority = 1;
        /// Called from any thread when a look is worth while: must not block, nor use the limiter.
        std::function<void()> on_turn{};
    };

    Permit() = default;
    Permit(std::shared_ptr<Impl> limiter, std::shared_ptr<Impl::Lane> lane, Request request, time_point now);
    Permit(Permit&& other) noexcept { swap(other); }
    Permit& operator=(Permit&& other) noexcept {
        Permit(std::move(other)).swap(*this);
        return *this;
    }
    ~Permit() { drop(); }

    explicit operator bool() const { return state_ != State::none; }
    bool waiting() const { return state_ == State::waiting; }
    bool granted() const { return state_ == State::granted; }
    /// Whether it has become this call's turn.
    bool look(time_point now);
    /// No amount of waiting will do: the call is larger than the limit.
    bool hopeless() const;
    /// The expected turn, as things stand; unset: it depends on calls under way.
    std::optional<time_point> expected(time_point now) const;
    /// When to look again without being called; unset: not before `on_turn`.
    std::optional<time_point> look_at() const { return look_at_; }
    std::size_t ahead() const;

    void sent(time_point now);
    void arrived(time_point now);
    /// It was sent, but the gateway has certainly not seen it.
    void recall(time_point now);
    /// The answer's tokens; unset: what was reserved has been used.
    void settle(std::optional<std::int64_t> prompt_and_answer, std::optional<std::int64_t> answer, time_point now);

  private:
    enum class State { none, waiting, granted, sent };
    void swap(Permit& other) noexcept;
    void drop();
    bool try_grant(time_point now);

    std::shared_ptr<Impl> limiter_{};
    std::shared_ptr<Impl::Lane> lane_{};
    State state_ = State::none;
    std::int64_t tokens_ = 0;
    Impl::Place place_{};
    std::optional<time_point> look_at_{};
    time_point slot_{};  // since when it was free, then the mark it rests under
    time_point sent_{};
    bool has_arrived_ = false;
};

}  // namespace v0
}  // namespace holysheep
