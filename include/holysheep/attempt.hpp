// The record of one attempt of a call. Every result and every error carries the records of its attempts.
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

/// Why an attempt was sent. If several run at the same time, the first one with content wins.
enum class AttemptKind {
    first,     ///< the first attempt of the call
    retry,     ///< again in a region that this call has already tried
    failover,  ///< in another region, after a failed attempt
    hedge,     ///< a second request, because the first answer is slow to begin; see HedgingOptions
    race,    ///< a second connection, because the first one is late; the request is sent on the one that is ready first
    rescue,  ///< a second request, because the region of the first fell silent
    fallback_model,  ///< the first attempt with a fallback model
    backup           ///< a second request, because the deadline is near or a region on trial is slow
};
/// The name of the enumerator, such as "failover".
HOLYSHEEP_EXPORT std::string_view to_string(AttemptKind kind);

/// When the phases of an attempt ended, counted from its dispatch. Unset if the phase was not reached; `dns`, `connect`
/// and `tls` are also unset if a connection was reused.
struct AttemptTimings {
    std::optional<nanoseconds> dns{};            ///< the host name was resolved
    std::optional<nanoseconds> connect{};        ///< TCP was connected
    std::optional<nanoseconds> tls{};            ///< the TLS handshake was complete
    std::optional<nanoseconds> sent{};           ///< the request was handed to the connection
    std::optional<nanoseconds> first_byte{};     ///< the first byte of the answer arrived
    std::optional<nanoseconds> first_content{};  ///< the first content of the answer arrived
    std::optional<nanoseconds> total{};          ///< the attempt ended
};

/// One attempt of a call: one request to one region.
struct AttemptRecord {
    int number = 0;  ///< 1, 2, … in the order of dispatch within the call
    AttemptKind kind = AttemptKind::first;
    std::string region{};              ///< id of the region
    std::string model{};               ///< the model as sent, after `Region::model_map`
    std::string server{};              ///< host of the region's URL, and its port if the URL names one
    nanoseconds started{};             ///< time of dispatch, counted from the start of the call
    AttemptTimings timings{};          ///< when the phases ended
    int http_status = 0;               ///< 0: there was no HTTP answer
    std::optional<ErrorCode> error{};  ///< why the attempt failed; unset: it succeeded
    std::string detail{};              ///< one line about the failure, without secrets
    /// Why another attempt was sent while this one was in flight: the phase that this attempt was in, and the evidence,
    /// such as "silent after its head for 1.0 s; no answer to a probe". Empty: none was sent.
    std::string left{};
    std::string request_id{};        ///< the gateway's id of this request, from the response headers
    bool connection_reused = false;  ///< the connection had served an earlier request
    bool maybe_duplicated = false;   ///< sent although an earlier attempt may have reached the gateway
    bool panic = false;              ///< sent although no region was usable, instead of failing the call at once
    bool winner = false;             ///< the caller received the answer of this attempt, or a part of it
    /// What the attempt cost. Zero if the request never reached the gateway or was refused. Unset: the price is
    /// unknown.
    std::optional<Money> cost{};
    /// The gateway sent no usage, or the attempt ended before it did. Then about four bytes of the prompt and of the
    /// received text count as one token.
    bool cost_is_estimate = false;
};

/// Summarises attempts in one line: "us-west refused after 0.1 ms → eu-central 200 in 212 ms".
HOLYSHEEP_EXPORT std::string describe(std::span<const AttemptRecord> attempts);

}  // namespace v0
}  // namespace holysheep
