// Decides when a call may send: one partition, with its own queue, for each account and model.
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
    class Partition;

    explicit Impl(const RateLimitOptions& options) : options_(options) {}

    /// The partition for an account (a number that identifies its key) and a model. Callers may name any number of
    /// accounts and models, so idle partitions are evicted. While none is idle, new pairs share one partition, which
    /// admits fewer calls than they could send, never more.
    std::shared_ptr<Partition> partition(std::uint64_t account, std::string_view model, time_point now);
    /// From now on both numbers identify the same account. If both have partitions, those of `account` stay in use.
    void merge_accounts(std::uint64_t account, std::uint64_t other);
    /// Adopts the server's limits where they are lower than those of the options. Returns true if they are new.
    bool adopt(Partition& partition, std::optional<std::int64_t> requests, std::optional<std::int64_t> tokens,
               time_point now);
    /// Expected tokens of an answer: the 95th percentile of the last twenty; 1,000 while fewer than five are known.
    std::int64_t answer_tokens(const Partition& partition) const;
    /// One level per partition; at most 1,000.
    std::vector<RateLimitLevel> levels(time_point now) const;
    const RateLimitOptions& options() const { return options_; }

  private:
    friend class Permit;
    friend class Partition;

    /// Arrival time, adjusted for priority, and a unique number. One priority class equals five seconds, so that no
    /// call can be overtaken for ever.
    using QueueKey = std::pair<time_point, std::uint64_t>;
    struct Waiter {
        std::int64_t tokens = 0;
        std::function<void()> on_ready{};
        time_point next_check = time_point::max();  // when it will poll on its own
    };

    /// The number that the account's partitions are stored under.
    std::uint64_t canonical_account(std::uint64_t account) const;
    bool has_partitions(std::uint64_t account) const;
    void forget_oldest_alias();
    void forget_idle_partitions(time_point now);
    /// Whether no call holds the partition and a new one would admit just as many calls.
    static bool evictable(const std::shared_ptr<Partition>& partition, time_point now);

    RateLimitOptions options_;
    mutable std::mutex mutex_;  // guards everything below
    std::unordered_map<std::string, std::shared_ptr<Partition>> partitions_;
    std::shared_ptr<Partition> shared_partition_;  // for pairs without a partition of their own
    time_point next_sweep_ = time_point::min();
    struct Alias {
        std::uint64_t account = 0;  // the canonical account; never an alias itself
        std::uint64_t used = 0;     // higher: more recently
    };
    std::unordered_map<std::uint64_t, Alias> aliases_;
    std::uint64_t next_number_ = 0, uses_ = 0;
};

class RateLimiter::Impl::Partition {
  public:
    Partition(const RateLimitOptions& options, std::string model);

  private:
    friend class RateLimiter::Impl;
    friend class Permit;

    /// Whether a call of that size may be sent now.
    bool open(std::int64_t tokens, time_point now) const;
    /// Whether no call waits, is in flight, or still counts against the limit.
    bool idle(time_point now) const;
    /// When a call of that size may be sent after `ahead` others; unset if that depends on calls in flight.
    std::optional<time_point> due(std::int64_t tokens, std::size_t ahead, time_point now) const;
    /// The callback of the first waiter, if it should poll earlier than it plans to.
    std::function<void()> next_ready(time_point now);

    std::string model_;
    std::optional<resilience::SlidingWindow> calls_;
    std::optional<resilience::Pacer> pacer_;
    std::optional<resilience::SlidingSum> tokens_;
    std::map<QueueKey, Waiter> queue_;
    std::array<std::int64_t, 20> answers_{};  // token counts of the last answers
    std::size_t answered_ = 0;
    std::uint64_t used_ = 0;  // higher: more recently
};

/// Permission to send one request: requested, waited for, then used or given back. A permit that is destroyed before it
/// was used has no effect on the limit. Different permits may be used from different threads at the same time.
class Permit {
  public:
    using time_point = Clock::time_point;
    using Impl = RateLimiter::Impl;
    struct Request {
        std::int64_t tokens = 0;
        time_point since{};  ///< start of the call; determines its position in the queue
        int priority = 1;
        /// Called, from any thread, when `poll` may succeed. Must neither block nor use the limiter.
        std::function<void()> on_ready{};
    };

    Permit() = default;
    Permit(std::shared_ptr<Impl> limiter, std::shared_ptr<Impl::Partition> partition, Request request, time_point now);
    Permit(Permit&& other) noexcept { swap(other); }
    Permit& operator=(Permit&& other) noexcept {
        Permit(std::move(other)).swap(*this);
        return *this;
    }
    ~Permit() { drop(); }

    explicit operator bool() const { return state_ != State::none; }
    bool waiting() const { return state_ == State::waiting; }
    bool granted() const { return state_ == State::granted; }
    /// Takes the permit if the call is first in its queue and the limit allows it.
    bool poll(time_point now);
    /// Whether the call is larger than the whole limit, so that waiting cannot help.
    bool exceeds_limit() const;
    /// When the permit is currently expected; unset if that depends on calls in flight.
    std::optional<time_point> expected(time_point now) const;
    /// When to poll again without a notification; unset: not before `on_ready`.
    std::optional<time_point> next_poll() const { return next_poll_; }
    /// Calls ahead in the queue.
    std::size_t ahead() const;

    void sent(time_point now);
    /// The gateway has received the request.
    void arrived(time_point now);
    /// The request was sent, but the gateway has certainly not received it: gives the permit back.
    void recall(time_point now);
    /// Replaces the reserved tokens by the tokens used; if unset, the reservation counts as used.
    void settle(std::optional<std::int64_t> prompt_and_answer, std::optional<std::int64_t> answer, time_point now);

  private:
    enum class State { none, waiting, granted, sent };
    void swap(Permit& other) noexcept;
    void drop();
    bool try_grant(time_point now);

    std::shared_ptr<Impl> limiter_{};
    std::shared_ptr<Impl::Partition> partition_{};
    State state_ = State::none;
    std::int64_t tokens_ = 0;
    Impl::QueueKey queue_key_{};
    std::optional<time_point> next_poll_{};
    time_point slot_{};  // when its slot became free; once sent, the key of its entry in the window
    time_point sent_{};
    bool has_arrived_ = false;
};

}  // namespace v0
}  // namespace holysheep
