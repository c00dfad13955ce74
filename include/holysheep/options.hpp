// Everything that can be set, for a client and for one call. Precedence: default < environment < client < call.
#pragma once

#include <holysheep/export.hpp>
// (first: it says so where the standard library has no stop_token)

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/event_listener.hpp>
#include <holysheep/model_catalogue.hpp>
#include <holysheep/model_rules.hpp>
#include <holysheep/money.hpp>
#include <holysheep/parse_money.hpp>
#include <holysheep/rate_limiter.hpp>
#include <holysheep/region.hpp>
#include <holysheep/region_selector.hpp>
#include <holysheep/retry_policy.hpp>
#include <holysheep/transport.hpp>

namespace holysheep {
inline namespace v0 {

/// How a call's first region is chosen among the usable ones of the lowest `Region::tier` that has any. Failover
/// then goes on by ascending cost, whatever the strategy:
///
///     cost = (L + 600 ms · error_rate) · (1 + waiting)^0.4 / (weight · ramp)
///
/// L is the smoothed time to first content (of plain calls: to the whole answer), or how long the waiting attempts have
/// waited so far, where that is longer; `waiting` counts attempts without content; `ramp` brings a region that
/// recovered back over four seconds.
enum class Strategy {
    adaptive,       ///< least cost, with 5 % of noise so that processes with the same view don't move in step
    weighted,       ///< smooth weighted round robin: the shares are exactly the configured weights (times ramp)
    round_robin,    ///< equal shares
    lowest_latency  ///< least L + 600 ms · error_rate: blind to load, it overruns the nearest region near saturation
};

struct SelectorOptions {
    Strategy strategy = Strategy::adaptive;
    /// `weighted` only: multiplies each weight by (least cost / cost)^exponent, so that traffic leans towards fast
    /// regions. 0: exactly the weights; 8 keeps about a tenth of the traffic on regions a third slower.
    double latency_exponent = 0;
};

/// Probes tell whether a region lives, never how fast it serves. They use the connections of the calls, are skipped
/// while traffic proves life, and slow down to one a minute once the client has been idle for five.
struct HealthOptions {
    bool enabled = true;  ///< false: no probes; regions are judged by calls alone
    /// `models`: GET {base}/models. `head`: HEAD {base}{path}. `path`: GET {base}{path}. `completion`: asks `model` for
    /// one token, at most once a minute and region and within `completion_tokens_per_hour`; it costs money.
    enum class Probe { models, head, path, completion } probe = Probe::models;
    std::string path{};                      ///< for `head` and `path`, refused with others; begins with '/'
    std::string model{};                     ///< for `completion`, refused with others
    milliseconds interval{10'000};           ///< between probes of a healthy region, ±20 %
    milliseconds unhealthy_interval{1'000};  ///< of any other, ±20 %
    milliseconds timeout{2'000};             ///< of a probe; less once the time that probes take there is known
    milliseconds sign_of_life{1'000};  ///< a waiting call asks for one when its region was silent so long; 0: never
    std::int64_t completion_tokens_per_hour = 2'000;  ///< of the whole client; beyond it `completion` probes pause
};

/// Keeps calls away from a region, or from one model of it, after failures; lets single trials through later. Counted:
/// transport errors, 5xx, answers that never began. Never counted: 429 and other 4xx, 503 and 529 of a region that
/// serves others, cancels, short deadlines, lost hedges. With a single region it reports but never blocks. `enabled =
/// false`: it does neither.
struct BreakerOptions {
    bool enabled = true;
    int transport_failures = 3;  ///< in a row: opens
    int gateway_failures = 3;    ///< 502, 503 or 504 without a success between: opens
    int failures = 5;            ///< of any counted kind in a row: opens
    double failure_rate = 0.5;   ///< within `window`, of at least `min_calls`: opens
    int min_calls = 10;
    milliseconds window{10'000};
    /// Open time: min(max_open_for, open_for · 2^k), ±20 %; k counts openings and is forgotten after 60 s closed.
    milliseconds open_for{2'000};
    std::optional<milliseconds> max_open_for{};  ///< unset: 20 s, or `open_for` where that is longer
    int half_open_successes = 3;                 ///< trials, one at a time, that close it; one failure opens it again
};

/// When and how often a failed attempt is followed by another one. A call moves to the next region at once; it waits
/// only when it must return to a region it has already tried.
struct RetryOptions {
    int max_attempts = 0;  ///< of one call; 0: each eligible region once plus two more; 1: one request, no failover
    /// Waits are U(0,1) · min(max_backoff, initial · 2^k) (full jitter: AWS Architecture Blog, "Exponential Backoff And
    /// Jitter"). `throttle_backoff` replaces `initial_backoff` after a 429.
    milliseconds initial_backoff{50}, throttle_backoff{1'000}, max_backoff{20'000};
    /// How long a call waits, within its deadline, while no region is usable. Meanwhile each blocked region is tried by
    /// one call each half second, and as soon as its probe is answered again; the first success lets the others go,
    /// spread over 0.4 s. These trials (`AttemptRecord::panic`) are not counted by the default of `max_attempts`. 0: a
    /// trial that is due at once, or the error.
    milliseconds outage_patience{2'000};
    milliseconds max_wait{60'000};  ///< the longest Retry-After, or wait for room (`adaptive`), that is waited out
    /// `fallback_models`: how long after its first failure the asked model may still be asked again, in regions that
    /// have failed it; 0: each region once. A fallback is asked at once where the failure is the model's own.
    milliseconds fallback_after{2'000};
    /// Attempts that might feed an outage take a token from a bucket shared by all calls of the client; each success
    /// puts `budget_ratio` of a token back. A move to a healthy region that this call has not tried costs nothing.
    double budget_ratio = 0.2;
    int budget_capacity = 20;
    bool server_500 = true;  ///< whether a 500 is worth another attempt
};

/// Asks a second region when the first is slow to begin, and takes the answer that comes first. Off by default, because
/// both may be billed. A hedge goes out after max(min_delay, the model's p95 time to first content), once 30 answers of
/// the model are known, only to a healthy region that is not slow, and never in general trouble.
struct HedgingOptions {
    bool enabled = false;
    double ratio = 0.05;  ///< hedges per call at most; five may be saved up
    milliseconds min_delay{50};
    /// Longer prompts, by `estimated_prompt_tokens`, are not asked twice.
    std::int64_t max_prompt_tokens = 4'000;
};

/// The clocks of a call; 0 means the rule given with each. The ones for attempts run inside `total`.
struct TimeoutOptions {
    milliseconds connect{3'000};  ///< DNS, TCP and TLS; 0: no limit of its own
    /// Until any byte of the answer. Default 60 s for streams, 300 s for plain calls (whose first byte is often their
    /// last) and `reasoning` models; on the last region that is left 90 s for streams and only the total for plain
    /// calls.
    milliseconds first_byte{0};
    milliseconds first_content{
        0};  ///< streams: until the first content, which keep-alives are not. Default 120 s, 300 s (`reasoning`)
    /// Streams: between two pieces of content, which keep-alives are not. Default 300 s for `reasoning` models; for
    /// others 60 s, and once 100 such silences of the model's streams are known, eight times their p99, between 10 s
    /// and 60 s.
    milliseconds stall{0};
    milliseconds attempt{0};  ///< one attempt as a whole. Default: no limit
    /// The whole call with all its attempts and waits; 0: no limit. Unset: 600 s, and a stream that has given content
    /// is ruled by `stall` alone (unless `CallOptions::deadline` is set).
    std::optional<milliseconds> total{};
    /// How long a stream may be paused, because its reader takes nothing (256 KiB wait) or by `StreamHandle::pause`:
    /// its connection and its place in the region are taken meanwhile. Then it ends as `cancelled`. 0: for ever.
    milliseconds unread{300'000};
};

/// Bounds on what waits for the program's own functions, so that a slow or hung one does not take the memory.
/// `Stats::dropped` counts what they kept out.
struct QueueOptions {
    /// Results of asynchronous calls that wait for their callback. Beyond it, further ones are refused with
    /// `rate_limited_locally`: their callback runs at once, on the thread that asks.
    int callbacks = 10'000;
    int listener_records = 10'000;  ///< of each listener; further ones are not delivered
};

/// Bounds what is in flight in each region, per client. A full region is passed over; where all are full, calls wait in
/// a queue, by `CallOptions::priority`, then by age. A call that finds the queue full fails with
/// `rate_limited_locally`.
struct ConcurrencyOptions {
    int max_per_region = 0;  ///< requests, to their last byte; 0: no limit
    /// Calls that may wait for room under `max_per_region` before their first request; 0: none. Those that must wait
    /// for room later, for a further attempt, always may, and so may those that wait for a region that refuses load.
    int queue = 0;
    /// Learns how many requests a region takes at a time, per model and key, where it refuses more than about a third
    /// for load (429, 503, 529) and serves the others: lowered by up to 15 % at a time, raised as time passes (RFC
    /// 9438). Calls beyond it go to another region, or wait for their turn within their deadline and `retry.max_wait`.
    bool adaptive = true;
};

/// Ceilings on what calls cost within a span, in one currency. A call reserves an estimate before it is sent: the
/// prompt by `estimated_prompt_tokens`, and the longest answer that the request allows, else 1,000 tokens; a fallback
/// model that costs more reserves the difference. It is settled with what all its attempts cost, estimates included. A
/// call that does not fit fails with `budget_exceeded`, which says how much of which ceiling is spent, and until when;
/// a model whose price is not known is refused, for it could cost anything. Each client counts for itself.
struct BudgetOptions {
    std::optional<Money> ceiling{};         ///< for all calls; unset: none
    milliseconds per{86'400'000};           ///< in any span of this length, which slides in sixty steps
    std::map<std::string, Money> labels{};  ///< for calls with that `CallOptions::label`, beside `ceiling`
};

struct TlsOptions {
    std::string ca_file{};             ///< PEM file that replaces the system's certificates
    std::string ca_blob{};             ///< PEM text that replaces the system's certificates
    std::string client_certificate{};  ///< PEM file
    std::string client_key{};          ///< PEM file
    bool allow_plaintext = false;      ///< permit http:// to hosts other than loopback
};

/// `url`: http://, https://, socks4://, socks4a://, socks5:// or socks5h:// (with a or h the proxy resolves names).
/// Without it the environment's proxy variables (https_proxy, all_proxy, no_proxy, …) apply as they are when the client
/// is made, unless `from_environment` is off; this machine itself is always reached without them. `tls` holds for a
/// proxy, too.
struct ProxyOptions {
    std::string url{}, user{}, password{};
    bool from_environment = true;
};

enum class LogLevel { trace, debug, info, warning, error, off };

/// Log lines go to `sink`, or to an spdlog logger named "holysheep" without one. Keys, cookies and passwords never
/// appear; bodies only with `bodies`, at `trace`, capped at 2 KiB. `warning`: a region was lost. `info`: any other
/// change of a region; a call failed, which its caller knows. `debug`: each attempt, and each call that succeeds.
struct LogOptions {
    std::optional<LogLevel> level{};                         ///< unset: HOLYSHEEP_LOG, else `warning`
    std::function<void(LogLevel, std::string_view)> sink{};  ///< called from any thread
    bool bodies = false;
};

/// What `Client::stats()` keeps beside its counters.
struct StatsOptions {
    int history = 100;  ///< attempts per region, 48 bytes each; 0: none
};

struct ClientOptions {
    // ---- account ----
    std::string api_key{};  ///< trimmed; sent as `Authorization: Bearer …`
    /// Several accounts instead of `api_key`. The first one that is neither refused (401, no money) nor paused (429) is
    /// used; one with less than a tenth of its quota left comes after the others. A refused key is left out for ten
    /// minutes and shown in `Stats::keys`. Regions with their own `api_key` take none of these.
    std::vector<std::string> keys{};
    /// Gives the key, in place of `api_key`: called on a thread of its own (or through `callback_executor`) before the
    /// first call, and again after a 401. Calls wait for it; one that throws or gives an unusable key fails them with
    /// `unauthenticated`. Whichever key it gives, limits count it as the same account.
    std::function<std::string()> key_source{};
    /// Whether the client takes what is not set here from the environment: HOLYSHEEP_API_KEY where there is no
    /// `api_key`, `keys` or `key_source` (regions keep their own keys), HOLYSHEEP_BASE_URL and HOLYSHEEP_REGIONS
    /// (`id[=url],…`) where there are neither a `base_url` nor `regions`, HOLYSHEEP_LOG (a LogLevel's name) where there
    /// is no `log.level`. OPENAI_API_KEY is never read: a key belongs to one host.
    bool use_environment = true;

    // ---- regions: where they are, and which one is chosen ----
    std::string base_url{};         ///< empty: https://api.holysheep.ai/v1; may hold `{region}`
    std::vector<Region> regions{};  ///< empty: one region named "default"
    SelectorOptions selector{};
    std::shared_ptr<const RegionSelector> custom_selector{};  ///< in place of `selector`
    HealthOptions health{};
    BreakerOptions breaker{};

    // ---- what follows a failure ----
    RetryOptions retry{};
    std::shared_ptr<const RetryPolicy> retry_policy{};  ///< decides in place of the built-in rules
    HedgingOptions hedging{};
    TimeoutOptions timeouts{};

    // ---- limits ----
    RateLimitOptions rate_limit{};           ///< for each model, and for each key where there are several
    std::shared_ptr<RateLimiter> limiter{};  ///< shared with other clients; in place of `rate_limit`
    ConcurrencyOptions concurrency{};
    BudgetOptions budget{};

    // ---- models ----
    std::map<std::string, ModelTraits> models{};  ///< by name; see ModelCatalogue::amend
    /// Asked in this order: at once when a model fails for reasons of its own (not found, no rights to it, its breakers
    /// open; a prompt that is too long goes to one whose window is not known to be too small), or when its servers fail
    /// (5xx, 429, no answer in time) in every region and its own retries promise no answer within
    /// `RetryOptions::fallback_after`. A stream that broke after content goes on with another model where
    /// `CallOptions::stream_recovery` asks for it and the first has no attempt left. Not for a network that is down.
    std::vector<std::string> fallback_models{};
    std::vector<ModelRule> model_rules{};

    // ---- connections ----
    TlsOptions tls{};
    ProxyOptions proxy{};
    /// The longest that a connection is reused, ±20 %: so that a new address of a region is found although its
    /// connections are never idle. Requests that are under way are left alone. Rounded up to seconds; 0: no limit.
    milliseconds max_connection_age{600'000};
    bool http2 = false;  ///< offer HTTP/2 (by ALPN), but not with libcurl 8.5.0; HTTP/1.1 costs less CPU per request
    std::vector<std::pair<std::string, std::string>> headers{};  ///< of every request

    // ---- what the program sees and runs ----
    LogOptions log{};
    StatsOptions stats{};
    std::vector<std::shared_ptr<EventListener>> listeners{};
    /// Runs asynchronous callbacks, listeners and `key_source`; unset: one thread of the client for all callbacks, and
    /// one for each listener and for `key_source`, which start when they are needed. Running them inline (on the I/O
    /// thread) is allowed to those who never block. Where it throws instead of taking a function, the client's own
    /// thread runs that one.
    std::function<void(std::function<void()>)> callback_executor{};
    QueueOptions queues{};

    // ---- tests ----
    std::shared_ptr<Transport> transport{};  ///< goes together with `clock`
    std::shared_ptr<Clock> clock{};          ///< goes together with `transport`
    std::uint64_t seed = 0;                  ///< of everything random; 0: from the system

    /// What the environment says, for a program that wants to look at it or to change it before a client is made.
    HOLYSHEEP_EXPORT static ClientOptions from_environment();
};

/// What becomes of a stream that ends badly after content: cut, stalled, with an error event or an unreadable chunk.
/// Neither a cancel nor the deadline is recovered from, nor a refusal that would be the same again (quota, key, content
/// filter). Other attempts follow the rules of failover and take from the retry budget; every one of them is billed,
/// and `usage` is their sum.
enum class StreamRecovery {
    terminate,  ///< the call fails; `Error::partial` holds what came
    /// The question is asked again. Before the first event of the new answer comes a `ChunkEvent::restarted`: what came
    /// before it is void.
    restart,
    /// The text that came is sent as the last message, an assistant's (or as the rest of it, where the request ends
    /// with one), and the rest of the answer follows as if nothing had happened. White space at the end of the text is
    /// not sent, because gateways refuse it; what was delivered stays as it is, so that at the seam a space may come
    /// twice. For models with `ModelTraits::prefill`; after a tool call has begun, and with several choices, it is
    /// `terminate`.
    continue_prefix
};

/// The order in which calls that wait for a limit of this client go on: each step is worth five seconds of waiting.
enum class Priority { high, normal, low };

/// The settings of one call. Unset members leave the client's in force.
struct CallOptions {
    // ---- how long ----
    std::stop_token stop{};  ///< ends the call as `cancelled`
    /// From the call's start, in place of `timeouts.total`. Covers streams to their end.
    std::optional<milliseconds> deadline{};
    std::optional<TimeoutOptions> timeouts{};

    // ---- where ----
    std::vector<std::string> regions{};          ///< allow list of ids or zones: the call never leaves it. Empty: all
    std::vector<std::string> exclude_regions{};  ///< ids or zones that the call never goes to
    /// Calls of one session go to the same region (rendezvous hashing), which keeps its prompt cache warm, unless that
    /// is not usable or costs more than twice the best plus 50 ms. Empty: no session.
    std::string session{};

    // ---- what follows a failure ----
    std::optional<RetryOptions> retry{};
    std::optional<bool> hedge{};  ///< overrides `HedgingOptions::enabled`
    /// In place of the client's; one empty name: none.
    std::vector<std::string> fallback_models{};
    StreamRecovery stream_recovery = StreamRecovery::terminate;
    int skip_malformed_chunks = 0;  ///< broken frames of a stream to pass over; never while a tool call is open
    /// No second dispatch while the first may have been delivered. Certain is only what was never sent or was refused:
    /// no connection, a 4xx but 408, an HTTP/2 stream that was refused, an error that says "overloaded" or asks for the
    /// request again (`x-should-retry`). A 5xx alone is not, because a proxy writes one too. So that no request is lost
    /// to a connection that its server just closes, one is reused only within two seconds of its last use.
    bool cost_safe = false;
    /// Sent as `Idempotency-Key`, with a suffix where the body is another one: under another name of the model
    /// (fallbacks, `Region::model_map`), and to continue a cut stream. Empty: not sent.
    std::string idempotency_key{};

    // ---- limits ----
    Priority priority = Priority::normal;  ///< in the queues of limits
    /// Whether the call fails with `rate_limited_locally` where it would have to wait in a queue of this client: for
    /// the rate limit, or for room in a region. Unset: as `RateLimitOptions::fail_fast` says for the rate limit, and it
    /// waits for room.
    std::optional<bool> fail_fast{};

    // ---- the request ----
    /// Over the client's. An `Authorization` is the call's own account: limits count it apart, and its refusals and
    /// pauses concern no other call. Where the call may go to several hosts, it is not sent to a region that has a key
    /// of its own.
    std::vector<std::pair<std::string, std::string>> headers{};
    /// Merged over the request's body last. A model that is named here is asked under just that name, whatever
    /// `ChatRequest::model`, rules and `Region::model_map` say; fallback models keep their own.
    std::string extra_json{};
    /// Text of the request that is not UTF-8 is refused (`invalid_request`, which names the member). True: each
    /// ill-formed part is sent as U+FFFD.
    bool replace_invalid_utf8 = false;

    std::string label{};  ///< stands in the call's records, and in the ledger
};

}  // namespace v0
}  // namespace holysheep
