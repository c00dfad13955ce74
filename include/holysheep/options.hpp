// Everything that can be set, for a client and for one call. Precedence: default < environment < client < call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/event_listener.hpp>
#include <holysheep/export.hpp>
#include <holysheep/region.hpp>
#include <holysheep/retry_policy.hpp>
#include <holysheep/transport.hpp>

namespace holysheep {
inline namespace v0 {

/// When and how often a failed attempt is followed by another one. A call moves to the next region at once; it waits
/// only when it must return to a region it has already tried.
struct RetryOptions {
    int max_attempts = 0;  ///< of one call; 0: each eligible region once plus two more; 1: one request, no failover
    /// Waits are U(0,1) · min(max_backoff, initial · 2^k) (full jitter: AWS Architecture Blog, "Exponential Backoff And
    /// Jitter"). `throttle_backoff` replaces `initial_backoff` after a 429.
    milliseconds initial_backoff{50}, throttle_backoff{1'000}, max_backoff{20'000};
    milliseconds max_wait{60'000};  ///< the longest hint of a gateway (Retry-After) that is waited out
    /// Attempts that might feed an outage take a token from a bucket shared by all calls of the client; each success
    /// puts `budget_ratio` of a token back. A move to a healthy region that this call has not tried costs nothing.
    double budget_ratio = 0.2;
    int budget_capacity = 20;
    bool server_500 = true;  ///< whether a 500 is worth another attempt
};

/// The clocks of a call; 0 means the rule given with each. The ones for attempts run inside `total`.
struct TimeoutOptions {
    milliseconds connect{3'000};  ///< DNS, TCP and TLS; 0: no limit of its own
    /// Until any byte of the answer. Default 60 s for streams, 300 s for plain calls (whose first byte is often their
    /// last); on the last region that is left 90 s for streams and only the total for plain calls.
    milliseconds first_byte{0};
    milliseconds first_content{0};  ///< streams: until the first content, which keep-alives are not. Default 120 s
    milliseconds stall{0};          ///< streams: between two pieces of content. Default 60 s
    milliseconds attempt{0};        ///< one attempt as a whole. Default: no limit
    /// The whole call with all its attempts and waits. A stream that has given content is ruled by `stall` alone,
    /// unless this was changed from its default or `CallOptions::deadline` was set.
    milliseconds total{600'000};
};

struct TlsOptions {
    std::string ca_file{};             ///< PEM file that replaces the system's certificates
    std::string ca_blob{};             ///< PEM text that replaces the system's certificates
    std::string client_certificate{};  ///< PEM file
    std::string client_key{};          ///< PEM file
    bool allow_plaintext = false;      ///< permit http:// to hosts other than loopback
};

/// Without `url`, the environment's proxy variables (https_proxy, no_proxy, …) apply, unless `from_environment` is off.
struct ProxyOptions {
    std::string url{}, user{}, password{};
    bool from_environment = true;
};

enum class LogLevel { trace, debug, info, warning, error, off };

/// Log lines go to `sink`, or to an spdlog logger named "holysheep" without one. Keys, cookies and passwords never
/// appear; bodies only with `bodies`, at `trace`, capped at 2 KiB.
struct LogOptions {
    LogLevel level = LogLevel::warning;
    std::function<void(LogLevel, std::string_view)> sink{};  ///< called from any thread
    bool bodies = false;
};

struct ClientOptions {
    std::string api_key{};          ///< trimmed; sent as `Authorization: Bearer …`
    std::string base_url{};         ///< empty: https://api.holysheep.ai/v1; may hold `{region}`
    std::vector<Region> regions{};  ///< empty: one region named "default"
    RetryOptions retry{};
    TimeoutOptions timeouts{};
    TlsOptions tls{};
    ProxyOptions proxy{};
    bool http2 = false;  ///< offer HTTP/2 (by ALPN); HTTP/1.1 costs less CPU per request
    std::vector<std::pair<std::string, std::string>> headers{};
    LogOptions log{};
    std::vector<std::shared_ptr<EventListener>> listeners{};
    /// Runs asynchronous callbacks and listeners; unset: one thread of the client. Running them inline (on the I/O
    /// thread) is allowed to those who never block.
    std::function<void(std::function<void()>)> callback_executor{};
    std::shared_ptr<const RetryPolicy> retry_policy{};
    std::shared_ptr<Transport> transport{};  ///< goes together with `clock`
    std::shared_ptr<Clock> clock{};          ///< goes together with `transport`
    std::uint64_t seed = 0;                  ///< of everything random; 0: from the system

    /// HOLYSHEEP_API_KEY, HOLYSHEEP_BASE_URL, HOLYSHEEP_REGIONS (`id[=url],…`), HOLYSHEEP_LOG (a LogLevel's name).
    /// OPENAI_API_KEY is never read: a key belongs to one host.
    HOLYSHEEP_EXPORT static ClientOptions from_environment();
};

/// The settings of one call. Unset members leave the client's in force.
struct CallOptions {
    std::stop_token stop{};
    std::optional<milliseconds> deadline{};  ///< from the start of the call; covers everything, streams too
    std::vector<std::string> regions{};      ///< allow list of ids or zones: the call never leaves it. Empty: all
    std::vector<std::string> exclude_regions{};
    std::string label{};            ///< travels into the records
    std::string idempotency_key{};  ///< sent as `Idempotency-Key`, the same for all attempts; empty: not sent
    int skip_malformed_chunks = 0;  ///< broken frames of a stream to pass over; never while a tool call is open
    bool cost_safe = false;         ///< no second dispatch while the first may have been delivered
    std::optional<RetryOptions> retry{};
    std::optional<TimeoutOptions> timeouts{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string extra_json{};  ///< merged over the request's body last
};

}  // namespace v0
}  // namespace holysheep
