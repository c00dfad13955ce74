// All options of a client and of a call. Precedence: default < environment < client < call.
#pragma once

#include <holysheep/export.hpp>
// (first, because it reports a standard library without stop_token)

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

/// How the first region of a call is chosen among the usable ones of the lowest `Region::tier`. Failover then tries the
/// others by ascending cost, with every strategy:
///
///     cost = (L + 600 ms · error_rate) · (1 + waiting)^0.4 / (weight · ramp)
///
/// L is the smoothed time to the first content (plain calls: to the whole answer), or the mean time that waiting
/// attempts have waited so far, if that is longer; `waiting` is the number of attempts without content; `ramp` raises
/// the share of a region that has recovered to the full one within four seconds.
enum class Strategy {
    adaptive,       ///< lowest cost, with 5 % noise, so that processes with the same view do not all switch at once
    weighted,       ///< smooth weighted round robin: shares match the configured weights (times ramp) exactly
    round_robin,    ///< equal shares
    lowest_latency  ///< lowest L + 600 ms · error_rate; ignores load, so it overloads the nearest region near
                    ///< saturation
};

/// Choice of the first region of a call.
struct SelectorOptions {
    Strategy strategy = Strategy::adaptive;  ///< see Strategy
    /// `weighted` only: multiplies each weight by (lowest cost / cost)^exponent, which shifts traffic to fast regions.
    /// 0: the exact weights; 8: a region that is a third slower keeps about a tenth of its traffic.
    double latency_exponent = 0;
};

/// Probes determine whether a region answers, not how fast it serves. They use the connections of the calls, are
/// skipped while traffic shows that the region answers, and slow down to one per minute once the client was idle for
/// five.
struct HealthOptions {
    bool enabled = true;  ///< false: no probes; the state of regions follows from calls only
    /// `models`: GET {base}/models. `head`: HEAD {base}{path}. `path`: GET {base}{path}. `completion`: requests one
    /// token of `model`, at most once per minute and region, within `completion_tokens_per_hour`; this costs money.
    enum class Probe { models, head, path, completion } probe = Probe::models;
    std::string path{};                      ///< for `head` and `path` only; begins with '/'
    std::string model{};                     ///< for `completion` only
    milliseconds interval{10'000};           ///< between probes of a healthy region, ±20 %
    milliseconds unhealthy_interval{1'000};  ///< between probes of any other region, ±20 %
    milliseconds timeout{2'000};             ///< probe timeout; adapts downward from measured probe times
    milliseconds sign_of_life{1'000};        ///< probe a region with a waiting call after this much silence; 0: never
    std::int64_t completion_tokens_per_hour = 2'000;  ///< limit of `completion` probes for the whole client
};

/// Blocks calls to a region, or to one model of it, after failures, and admits single trials later. Counted: transport
/// errors, 5xx, answers that never began. Not counted: 429 and other 4xx, 503 and 529 of a region that serves other
/// calls, cancellation, short deadlines, overtaken hedges. With a single region the breaker reports, but does not
/// block.
struct BreakerOptions {
    bool enabled = true;          ///< false: neither blocks nor reports
    int transport_failures = 3;   ///< opens after this many consecutive transport errors
    int gateway_failures = 3;     ///< opens after this many 502, 503 or 504 without a success between them
    int failures = 5;             ///< opens after this many consecutive counted failures
    double failure_rate = 0.5;    ///< opens at this share of failures within `window`, of at least `min_calls`
    int min_calls = 10;           ///< attempts within `window` from which `failure_rate` applies
    milliseconds window{10'000};  ///< window of `failure_rate`
    /// Open time: min(max_open_for, open_for · 2^k), ±20 %; k counts openings and is reset after 60 s closed.
    milliseconds open_for{2'000};
    std::optional<milliseconds> max_open_for{};  ///< unset: 20 s, or `open_for` if that is longer
    int half_open_successes = 3;  ///< successful trials, one at a time, that close it; a failure reopens it
};

/// Whether and when another attempt follows a failed one. A call fails over to the next region at once; it waits only
/// before returning to a region that it has already tried.
struct RetryOptions {
    int max_attempts = 0;  ///< per call; 0: each eligible region once plus two more; 1: one request, no failover
    /// The wait is U(0,1) · min(max_backoff, initial_backoff · 2^k) (full jitter: AWS Architecture Blog, "Exponential
    /// Backoff And Jitter").
    milliseconds initial_backoff{50};
    milliseconds throttle_backoff{1'000};  ///< replaces `initial_backoff` after a 429
    milliseconds max_backoff{20'000};      ///< longest wait
    /// How long a call waits, within its deadline, while no region is usable. Meanwhile each blocked region is tried by
    /// one call every half second, and as soon as it answers a probe again; after the first success the other calls
    /// continue, spread over 0.4 s. These trials (`AttemptRecord::panic`) do not count towards the default of
    /// `max_attempts`. 0: a trial, if one is due, else the error.
    milliseconds outage_patience{2'000};
    milliseconds max_wait{60'000};  ///< longest Retry-After, or wait for room (`adaptive`), that a call waits for
    /// `fallback_models`: how long after its first failure a model may be tried again in regions where it has failed;
    /// 0: each region once. If the failure concerns the model itself, the fallback is tried at once.
    milliseconds fallback_after{2'000};
    /// Attempts that could prolong an outage take a token from a bucket that all calls of the client share; each
    /// success returns `budget_ratio` of a token. Failover to a healthy region that the call has not tried takes none.
    double budget_ratio = 0.2;
    int budget_capacity = 20;  ///< size of the bucket
    bool server_500 = true;    ///< whether to retry after a 500
};

/// Sends a second request to another region if the first answer is slow to begin, and uses the answer that begins
/// first. Off by default, because both may be billed. A hedge is sent after max(min_delay, p95 of the model's time to
/// first content), once 30 answers of the model are known, only to a healthy region that is not slow, and not while
/// most regions are slow or failing.
struct HedgingOptions {
    bool enabled = false;        ///< `CallOptions::hedge` overrides it
    double ratio = 0.05;         ///< hedges per call on average; up to five may accumulate
    milliseconds min_delay{50};  ///< shortest wait before a hedge
    /// No hedges for longer prompts, by `estimated_prompt_tokens`.
    std::int64_t max_prompt_tokens = 4'000;
};

/// Timeouts of a call. The timeouts of an attempt run within `total`. 0 has the meaning given with each member.
struct TimeoutOptions {
    milliseconds connect{3'000};  ///< DNS, TCP and TLS; 0: no limit
    /// Until the first byte of the answer. 0: 60 s for streams, 300 s for plain calls (whose first byte is often their
    /// last) and `reasoning` models; on the last remaining region 90 s for streams, and only `total` for plain calls.
    milliseconds first_byte{0};
    /// Streams: until the first content; keep-alives do not count. 0: 120 s, 300 s for `reasoning` models.
    milliseconds first_content{0};
    /// Streams: between two pieces of content; keep-alives do not count. 0: 300 s for `reasoning` models; for others
    /// 60 s, and once 100 gaps in streams of the model are known, eight times their p99, within 10 s and 60 s.
    milliseconds stall{0};
    milliseconds attempt{0};  ///< one whole attempt; 0: no limit
    /// The whole call, including all attempts and waits; 0: no limit. Unset: 600 s, but once a stream has content, only
    /// `stall` applies (unless `CallOptions::deadline` is set).
    std::optional<milliseconds> total{};
    /// How long a stream may be paused, because its reader does not read (256 KiB are buffered) or by
    /// `StreamHandle::pause`; it occupies a connection meanwhile. Then it ends with `cancelled`. 0: no limit.
    milliseconds unread{300'000};
};

/// Limits of the queues in front of the program's own functions, so that a slow or blocked function does not exhaust
/// the memory. `Stats::dropped` counts what was refused.
struct QueueOptions {
    /// Results of asynchronous calls that wait for their callback. Beyond it, further calls fail with
    /// `rate_limited_locally`; their callback runs at once, on the calling thread.
    int callbacks = 10'000;
    int listener_records = 10'000;  ///< records that wait for one listener; further ones are dropped
};

/// Limits requests in flight per region, for one client. Calls skip a full region. If all regions are full, they wait
/// in a queue, ordered by `CallOptions::priority`, then by age. If the queue is full, the call fails with
/// `rate_limited_locally`.
struct ConcurrencyOptions {
    int max_per_region = 0;  ///< requests in flight until their last byte; 0: no limit
    /// Calls that may wait for `max_per_region` before their first request; 0: none. Calls that wait before a further
    /// attempt, or for a region that refuses load, are not limited.
    int queue = 0;
    /// Learns how many requests a region accepts at a time, per model and key, if it refuses more than about a third of
    /// them for load (429, 503, 529) and serves the others. The limit falls by up to 15 % at a time and rises with time
    /// (RFC 9438). Further calls use another region, or wait within their deadline and `retry.max_wait`.
    bool adaptive = true;
};

/// Limits the cost of calls within a span of time, in one currency. A call reserves an estimate before it is sent:
/// `estimated_prompt_tokens` and the longest answer that the request allows, else 1,000 tokens; a more expensive
/// fallback model reserves the difference. When the call ends, the cost of all its attempts, including estimates,
/// replaces the reservation. A call that does not fit fails with `budget_exceeded`; its message says how much of which
/// ceiling is spent, and until when. Calls to models without a known price are refused. Each client counts separately.
struct BudgetOptions {
    std::optional<Money> ceiling{};         ///< for all calls together; unset: none
    milliseconds per{86'400'000};           ///< length of the span, which slides in sixty steps; 60 ms to a year
    std::map<std::string, Money> labels{};  ///< for calls with that `CallOptions::label`, in addition to `ceiling`
};

/// TLS settings, for regions and proxies.
struct TlsOptions {
    std::string ca_file{};             ///< PEM file of authorities, instead of those of the system
    std::string ca_blob{};             ///< PEM text of authorities, instead of those of the system
    std::string client_certificate{};  ///< PEM file of a client certificate
    std::string client_key{};          ///< PEM file of its key
    bool allow_plaintext = false;      ///< allow http:// to hosts other than loopback
};

/// The proxy of all requests.
struct ProxyOptions {
    /// http://, https://, socks4://, socks4a://, socks5:// or socks5h:// (with a or h, the proxy resolves names).
    std::string url{};
    std::string user{};      ///< user name; empty: none
    std::string password{};  ///< password of `user`
    /// Without `url`: whether the proxy variables of the environment (https_proxy, all_proxy, no_proxy, …) apply, with
    /// their values at the time the client is made. Loopback addresses never use them.
    bool from_environment = true;
};

/// Severity of a log line, in ascending order; `off` disables the log.
enum class LogLevel { trace, debug, info, warning, error, off };

/// Log lines never contain keys, cookies or passwords. `warning`: a region is lost. `info`: other changes of a region,
/// and failed calls. `debug`: every attempt and every successful call. `trace`: details of the protocol.
struct LogOptions {
    std::optional<LogLevel> level{};  ///< lowest level that is logged; unset: HOLYSHEEP_LOG, else `warning`
    std::function<void(LogLevel, std::string_view)>
        sink{};           ///< called on any thread; empty: an spdlog logger "holysheep"
    bool bodies = false;  ///< log bodies at `trace`, up to 2 KiB each
};

/// Records that `Client::stats()` keeps in addition to its counters.
struct StatsOptions {
    int history = 100;  ///< last attempts per region (48 bytes each); 0: none
};

/// All options of a client. Invalid ones are refused together when the client is made.
struct ClientOptions {
    // ---- account ----
    std::string api_key{};  ///< sent as `Authorization: Bearer …`; white space around it is removed
    /// Keys of several accounts, instead of `api_key`. Calls use the first one that is neither refused (401, no money)
    /// nor paused (429); keys with less than a tenth of their quota come last. A refused key is skipped for ten minutes
    /// and listed in `Stats::keys`. Regions with their own `api_key` do not use these.
    std::vector<std::string> keys{};
    /// Provides the key, instead of `api_key`. Called on a thread of its own (or through `callback_executor`) before
    /// the first call, and again after a 401; calls wait for it. If it throws or returns an invalid key, they fail with
    /// `unauthenticated`. Limits count all its keys as one account.
    std::function<std::string()> key_source{};
    /// Whether unset members are taken from the environment: HOLYSHEEP_API_KEY if `api_key`, `keys` and `key_source`
    /// are unset (regions keep their own keys), HOLYSHEEP_BASE_URL and HOLYSHEEP_REGIONS (`id[=url],…`) if `base_url`
    /// and `regions` are unset, HOLYSHEEP_LOG (name of a LogLevel) if `log.level` is unset. OPENAI_API_KEY is never
    /// read, because a key must not be sent to another host.
    bool use_environment = true;

    // ---- regions: where they are, and which one is chosen ----
    std::string base_url{};         ///< empty: https://api.holysheep.ai/v1; `{region}` stands for the region's id
    std::vector<Region> regions{};  ///< empty: one region named "default"
    SelectorOptions selector{};     ///< choice of the first region
    std::shared_ptr<const RegionSelector> custom_selector{};  ///< instead of `selector`
    HealthOptions health{};                                   ///< probes
    BreakerOptions breaker{};                                 ///< when calls to a region are blocked

    // ---- failures ----
    RetryOptions retry{};                               ///< further attempts
    std::shared_ptr<const RetryPolicy> retry_policy{};  ///< may change the built-in decisions; null: none
    HedgingOptions hedging{};                           ///< second requests to slow regions
    TimeoutOptions timeouts{};                          ///< limits of time

    // ---- limits ----
    RateLimitOptions rate_limit{};           ///< per model and key
    std::shared_ptr<RateLimiter> limiter{};  ///< shared with other clients, instead of `rate_limit`
    ConcurrencyOptions concurrency{};        ///< requests in flight
    BudgetOptions budget{};                  ///< cost

    // ---- models ----
    std::map<std::string, ModelTraits> models{};  ///< amends the built-in catalogue; see ModelCatalogue::amend
    /// Models to try in this order if the requested one fails: at once if the failure concerns the model itself (not
    /// found, no permission, its breakers open; a prompt that is too long goes to a model whose window is not known to
    /// be too small), or if its servers fail (5xx, 429, no answer in time) in every region and no retry is due within
    /// `RetryOptions::fallback_after`. A stream that broke after content continues with another model if
    /// `CallOptions::stream_recovery` allows it and the first model has no attempt left. Network failures do not lead
    /// to a fallback.
    std::vector<std::string> fallback_models{};
    std::vector<ModelRule> model_rules{};  ///< choose the model of each request; see ModelRule

    // ---- connections ----
    TlsOptions tls{};      ///< certificates
    ProxyOptions proxy{};  ///< proxy of all requests
    /// Age up to which a connection is reused, ±20 %, so that a new address of a region is noticed although its
    /// connections are never idle. Requests in flight are not affected. Rounded up to seconds; 0: no limit.
    milliseconds max_connection_age{600'000};
    bool http2 = false;  ///< offer HTTP/2 (ALPN), except with libcurl 8.5.0; HTTP/1.1 uses less CPU per request
    std::vector<std::pair<std::string, std::string>> headers{};  ///< added to every request

    // ---- observation and callbacks ----
    LogOptions log{};                                         ///< log
    StatsOptions stats{};                                     ///< statistics
    std::vector<std::shared_ptr<EventListener>> listeners{};  ///< receive records of attempts and calls
    /// Runs asynchronous callbacks, listeners and `key_source`. Empty: the client uses one thread for all callbacks,
    /// one per listener and one for `key_source`, each started when it is first needed. It may run functions inline (on
    /// the I/O thread) if they never block. If it throws, the client's own thread runs the function.
    std::function<void(std::function<void()>)> callback_executor{};
    QueueOptions queues{};  ///< limits of queues for callbacks and listeners

    // ---- tests ----
    std::shared_ptr<Transport> transport{};  ///< replaces libcurl; requires `clock`
    std::shared_ptr<Clock> clock{};          ///< replaces the system clock; requires `transport`
    std::uint64_t seed = 0;                  ///< seed of all random decisions; 0: from the system

    /// The options that the environment sets, so that a program can inspect or change them before it makes a client.
    HOLYSHEEP_EXPORT static ClientOptions from_environment();
};

/// What happens to a stream that fails after content: cut, stalled, an error event, an unreadable chunk. Cancellation,
/// the deadline, and refusals that would repeat themselves (quota, key, content filter) are not recovered from. Further
/// attempts follow the rules of failover and take from the retry budget. Each of them is billed, and `usage` is their
/// sum.
enum class StreamRecovery {
    terminate,  ///< the call fails; `Error::partial` contains what was received
    /// Sends the request again. `ChunkEvent::restarted` precedes the first event of the new answer; discard everything
    /// before it.
    restart,
    /// Sends the received text as the last message, an assistant's (or appends it, if the request ends with one), and
    /// the rest of the answer follows seamlessly. White space at the end of the text is not sent, because gateways
    /// refuse it; as it was already delivered, a space may come twice at the seam. For models with
    /// `ModelTraits::prefill`. After a tool call has begun, and with several choices, it acts as `terminate`.
    continue_prefix
};

/// Priority of calls that wait in a queue of this client. Each step equals five seconds of waiting.
enum class Priority { high, normal, low };

/// Options of one call. The client's options apply where members are unset.
struct CallOptions {
    // ---- time ----
    std::stop_token stop{};  ///< cancels the call, which returns `cancelled`
    /// Counted from the start of the call; replaces `timeouts.total`. Includes streams to their end.
    std::optional<milliseconds> deadline{};
    std::optional<TimeoutOptions> timeouts{};  ///< replaces all of `ClientOptions::timeouts`

    // ---- regions ----
    std::vector<std::string> regions{};          ///< the only regions that the call may use, by id or zone. Empty: all
    std::vector<std::string> exclude_regions{};  ///< regions that the call must not use, by id or zone
    /// Calls of a session use the same region (rendezvous hashing), which keeps its prompt cache warm, unless the
    /// region is not usable or its cost exceeds twice the lowest plus 50 ms. Empty: no session.
    std::string session{};

    // ---- failures ----
    std::optional<RetryOptions> retry{};  ///< replaces all of `ClientOptions::retry`
    std::optional<bool> hedge{};          ///< overrides `HedgingOptions::enabled`
    /// Replaces `ClientOptions::fallback_models`; one empty name: no fallback. Empty: the client's.
    std::vector<std::string> fallback_models{};
    StreamRecovery stream_recovery = StreamRecovery::terminate;  ///< what happens if a stream fails after content
    int skip_malformed_chunks = 0;  ///< broken frames of a stream to skip; none while a tool call is incomplete
    /// Send no second request while the first may have reached the gateway. It certainly did not if it was never sent
    /// or was refused: no connection, a 4xx except 408, a refused HTTP/2 stream, an error that says "overloaded" or
    /// asks for a retry (`x-should-retry`). A 5xx alone is not certain, because a proxy may have written it. To lose no
    /// request to a connection that its server is closing, connections are reused only within two seconds of their last
    /// use.
    bool cost_safe = false;
    /// Sent as `Idempotency-Key`, with a suffix if the body differs: for another name of the model (fallbacks,
    /// `Region::model_map`), and to continue a cut stream. Empty: not sent.
    std::string idempotency_key{};

    // ---- limits ----
    Priority priority = Priority::normal;  ///< position in the queues of this client
    /// Whether the call fails with `rate_limited_locally` instead of waiting in a queue of this client, for the rate
    /// limit or for room in a region. Unset: `RateLimitOptions::fail_fast` applies to the rate limit, and the call
    /// waits for room.
    std::optional<bool> fail_fast{};

    // ---- request ----
    /// Added to the client's headers, replacing those of the same name. With an `Authorization`, the call has an
    /// account of its own: limits count it separately, and refusals and pauses of its key do not affect other calls. If
    /// the call may use several hosts, it is not sent to a region that has its own key.
    std::vector<std::pair<std::string, std::string>> headers{};
    /// A JSON object merged over the body last. A model in it is used under exactly that name, regardless of
    /// `ChatRequest::model`, rules and `Region::model_map`; fallback models keep their names.
    std::string extra_json{};
    /// false: text that is not UTF-8 is refused (`invalid_request` with the member). true: each ill-formed sequence is
    /// sent as U+FFFD.
    bool replace_invalid_utf8 = false;

    std::string label{};  ///< appears in the records of the call and in the ledger; selects `BudgetOptions::labels`
};

}  // namespace v0
}  // namespace holysheep
