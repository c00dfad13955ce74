// A limit on calls and tokens that holds: in every window, for all threads of a client, and, handed to several clients,
// for all of them together.
// RateLimitOptions → [RateLimiter] → ClientOptions::limiter
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

using std::chrono::milliseconds;

/// What may be sent for each account and model, by the name that calls ask for. Every request of a call counts:
/// retries, failovers, hedges. Raw requests other than GET and HEAD share a limit of their own; probes do not count.
/// What was certainly not delivered gives its place back.
struct RateLimitOptions {
    /// Calls in any window of `per`, wherever it begins; 0: no limit. A place is free again `per` (and 50 ms for
    /// jitter) after the gateway must have seen the call: the first byte of its answer, at most a second after it was
    /// sent.
    std::int64_t requests = 0;
    milliseconds per{60'000};
    /// Prompt and answer, in any minute; 0: no limit. Reserved before sending: the prompt by `estimated_prompt_tokens`,
    /// plus `max_completion_tokens` or `max_tokens`, else the 95th percentile of the model's recent answers (1,000
    /// while there are few). Settled with the answer's `usage`; an answer without one has used what was reserved.
    std::int64_t tokens_per_minute = 0;
    /// Even spacing (GCRA): a call every `per / requests` instead of all of them at the window's beginning.
    bool smooth = false;
    /// Whether a call that would have to wait fails with `rate_limited_locally`. Otherwise it waits for its turn, by
    /// `CallOptions::priority`, then by age; it fails at once where the turn would come after its deadline. A call may
    /// choose for itself: `CallOptions::fail_fast`.
    bool fail_fast = false;
    int burst = 1;  ///< with `smooth`: calls that may go together after a pause
};

/// One account's use of one model, as a limiter sees it.
struct RateLimitLevel {
    std::string model{};
    std::int64_t requests_used = 0, requests_limit = 0;  ///< in the current window; a limit of 0: none
    std::int64_t tokens_used = 0, tokens_limit = 0;      ///< reservations included
    std::size_t waiting = 0;                             ///< calls in the queue
    std::optional<milliseconds> next_in{};               ///< until the next place; unset: it depends on calls under way
};

/// Thread-safe. A client makes its own from `ClientOptions::rate_limit`; to share a limit among clients of one process,
/// hand the same one to each. Clients with the same key share an account, wherever each has it from; all those with a
/// `key_source` are taken for one account. Processes know nothing of each other.
class HOLYSHEEP_EXPORT RateLimiter {
  public:
    /// Throws `Exception` with `invalid_options` when `options` cannot work.
    explicit RateLimiter(RateLimitOptions options);
    ~RateLimiter();
    RateLimiter(const RateLimiter&) = delete;
    RateLimiter& operator=(const RateLimiter&) = delete;

    const RateLimitOptions& options() const;
    std::vector<RateLimitLevel> levels(std::chrono::steady_clock::time_point now) const;

    class Impl;
    /// For the library's own use.
    const std::shared_ptr<Impl>& impl() const { return impl_; }

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
