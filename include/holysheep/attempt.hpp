// What one attempt of a call was and how it ended: the entries of the trail that every result and every error carries.
// transport → [AttemptRecord] → ChatCompletion::attempts, Error::attempts, EventListener
#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <holysheep/error_code.hpp>
#include <holysheep/export.hpp>
#include <holysheep/money.hpp>

namespace holysheep {
inline namespace v0 {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Why an attempt was dispatched. Of all that run beside each other, the first to give content wins.
enum class AttemptKind {
    first,           ///< the call's first
    retry,           ///< in a region that this call has tried before
    failover,        ///< in another region, after a failure
    hedge,           ///< beside an answer that is slow to begin: see HedgingOptions
    race,            ///< the earlier one's connection is late: the request goes to whichever is ready first
    rescue,          ///< beside an attempt whose region fell silent
    fallback_model,  ///< the first with another model
    backup           ///< beside an attempt: the deadline is near, or a region on trial is slow
};
HOLYSHEEP_EXPORT std::string_view to_string(AttemptKind kind);

/// Moments of one attempt, counted from its dispatch. Unset where the phase was not reached, and for `dns`, `connect`
/// and `tls` also where a connection was reused.
struct AttemptTimings {
    std::optional<nanoseconds> dns{}, connect{}, tls{}, sent{}, first_byte{}, first_content{}, total{};
};

/// One attempt: one request to one region.
struct AttemptRecord {
    int number = 0;  ///< 1, 2, … in the order of dispatch within the call
    AttemptKind kind = AttemptKind::first;
    std::string region{}, model{};
    std::string server{};   ///< host, and port where the region's URL names one
    nanoseconds started{};  ///< dispatch, counted from the call's start
    AttemptTimings timings{};
    int http_status = 0;               ///< 0: there was no HTTP answer
    std::optional<ErrorCode> error{};  ///< unset: this attempt gave the answer
    std::string detail{};              ///< one line, without secrets
    /// Why another region was asked while this attempt was still out: the phase it was in, and the evidence. "silent
    /// after its head for 1.0 s; no answer to a probe". Empty where none was.
    std::string left{};
    std::string request_id{};  ///< the gateway's id for this request, as its headers gave it
    bool connection_reused = false;
    bool maybe_duplicated = false;  ///< dispatched although an earlier attempt may have been delivered
    bool panic = false;             ///< sent although every region was blocked: better one than a certain failure
    bool winner = false;            ///< the attempt whose answer the caller got (or got a part of)
    /// Zero where the request never reached the gateway or was refused by it. Unset: unknown, because the price is.
    std::optional<Money> cost{};
    /// The gateway did not say what it counted, or the attempt was over before the answer: about four bytes make a
    /// token, of the prompt and of what had come.
    bool cost_is_estimate = false;
};

/// A short story of the trail: "us-west refused after 0.1 ms → eu-central 200 in 212 ms".
HOLYSHEEP_EXPORT std::string describe(std::span<const AttemptRecord> attempts);

}  // namespace v0
}  // namespace holysheep
