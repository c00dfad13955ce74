// Notifies the program of finished attempts and calls, with the records that also feed the statistics.
// call → CallRecord → [EventListener]
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>
#include <holysheep/region_health.hpp>
#include <holysheep/usage.hpp>

namespace holysheep {
inline namespace v0 {

/// One finished call, successful or not.
struct CallRecord {
    // ---- what was asked ----
    std::string operation{};        ///< "chat", "embeddings", "text_completion"; empty: another endpoint
    bool stream = false;            ///< whether the answer was streamed
    std::string label{};            ///< `CallOptions::label`
    std::string requested_model{};  ///< as the program named it

    // ---- how it ended ----
    std::optional<ErrorCode> error{};  ///< why it failed; unset: it succeeded
    std::string region{};              ///< id of the region that answered, or failed last; empty: none was tried
    std::string model{};               ///< the model that answered, or was tried last
    std::string response_id{};         ///< `ChatCompletion::id`
    std::vector<std::string> finish_reasons{};  ///< as sent, one per choice
    std::vector<AttemptRecord> attempts{};      ///< in the order of dispatch

    // ---- what it took ----
    nanoseconds queued{};           ///< time spent waiting before the first attempt
    nanoseconds total{};            ///< from the start of the call to its end
    Usage usage{};                  ///< of the answer, as the gateway counted it
    std::optional<Money> cost{};    ///< sum of all attempts; unset: the cost of one is unknown
    bool cost_is_estimate = false;  ///< the cost of at least one attempt is an estimate
};

/// Extension point, for `ClientOptions::listeners`. Each listener is called on its own thread (or through
/// `ClientOptions::callback_executor`), one record at a time, in order per call: the attempts, then the call.
/// Exceptions are caught and logged. A slow listener delays nothing but itself; at most
/// `QueueOptions::listener_records` records are queued for it. The destructor of the client delivers queued records as
/// long as the listener takes one within 100 ms, for at most five seconds; then it abandons the listener.
class HOLYSHEEP_EXPORT EventListener {
  public:
    virtual ~EventListener();
    /// An attempt ended.
    virtual void on_attempt(const AttemptRecord& attempt);
    /// A call ended.
    virtual void on_call(const CallRecord& call);
    /// The liveness, breaker or draining of a region changed.
    virtual void on_region(const RegionHealth& region);
};

}  // namespace v0
}  // namespace holysheep
