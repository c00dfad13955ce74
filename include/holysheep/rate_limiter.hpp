// Limits calls and tokens: in every window, across all threads of a client and, if shared, across several clients.
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

/// Limits per account and model, by the model's name in the request. Every attempt of a call counts: retries,
/// failovers, hedges. Raw requests other than GET and HEAD share a limit of their own; probes do not count. A request
/// that was certainly not delivered does not count.
struct RateLimitOptions {
    /// Requests in any window of `per`, wherever it begins; 0: no limit. A request counts until `per` (plus 50 ms for
    /// jitter) after the gateway must have received it: at the first byte of its answer, at most a second after it was
    /// sent.
    std::int64_t requests = 0;
    milliseconds per{60'000};  ///< length of the window, 1 ms to a year
    /// Tokens of prompts and answers in any minute; 0: no limit. A call reserves `estimated_prompt_tokens`
    /// plus `max_completion_tokens` or `max_tokens`, else the 95th percentile of the model's recent answers (1,000
    /// while there are fewer than five). The `usage` of the answer replaces the reservation; without one it remains.
    std::int64_t tokens_per_minute = 0;
    /// Space requests evenly (GCRA): one every `per / requests`, instead of all at the beginning of the window.
    bool smooth = false;
    /// Whether a call that would have to wait fails with `rate_limited_locally`. Otherwise it waits in a queue, ordered
    /// by `CallOptions::priority`, then by age; it fails at once if it would have to wait beyond its deadline.
    /// `CallOptions::fail_fast` overrides this for one call.
    bool fail_fast = false;
    int burst = 1;  ///< with `smooth`: requests that may be sent at once after a pause
};

/// The present use of the limits of one account and model.
struct RateLimitLevel {
    std::string model{};                    ///< name of the model; "(others)" for a shared limit
    std::int64_t requests_used = 0;         ///< requests that count at present
    std::int64_t requests_limit = 0;        ///< 0: no limit
    std::int64_t tokens_used = 0;           ///< tokens that count at present, including reservations
    std::int64_t tokens_limit = 0;          ///< 0: no limit
    std::size_t waiting = 0;                ///< calls in the queue
    std::optional<milliseconds> next_in{};  ///< until the next request may be sent; unset: depends on calls in flight
};

/// Thread-safe. A client creates its own from `ClientOptions::rate_limit`. To share a limit among clients of a process,
/// pass the same limiter to each (`ClientOptions::limiter`). Clients with the same key share an account, wherever the
/// key comes from; all clients with a `key_source` count as one account. Limits are not shared between processes.
class HOLYSHEEP_EXPORT RateLimiter {
  public:
    /// Throws `Exception` with `invalid_options` if `options` are invalid.
    explicit RateLimiter(RateLimitOptions options);
    ~RateLimiter();
    RateLimiter(const RateLimiter&) = delete;
    RateLimiter& operator=(const RateLimiter&) = delete;

    /// The options that it was made with.
    const RateLimitOptions& options() const;
    /// The present use, one entry per account and model; at most 1,000. `now` is the time of the clients' clock.
    std::vector<RateLimitLevel> levels(std::chrono::steady_clock::time_point now) const;

    class Impl;
    /// Internal.
    const std::shared_ptr<Impl>& impl() const { return impl_; }

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
