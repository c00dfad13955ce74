// Watch calls: the same records that feed the statistics, handed to the program.
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
    std::string operation{};  ///< "chat", "embeddings", "text_completion"; empty: another endpoint
    bool stream = false;
    std::string label{};            ///< `CallOptions::label`
    std::string requested_model{};  ///< as the program named it

    // ---- how it ended ----
    std::optional<ErrorCode> error{};           ///< unset: answered
    std::string region{};                       ///< that answered, or failed last; empty: none was asked
    std::string model{};                        ///< that answered, or was asked last
    std::string response_id{};                  ///< the id in the answer's body
    std::vector<std::string> finish_reasons{};  ///< as sent, one per choice
    std::vector<AttemptRecord> attempts{};      ///< in the order of their dispatch

    // ---- what it took ----
    nanoseconds queued{};           ///< waits before the first attempt
    nanoseconds total{};            ///< from the call's start to its end
    Usage usage{};                  ///< as the gateway counted it
    std::optional<Money> cost{};    ///< of all attempts together; unset where that of one is unknown
    bool cost_is_estimate = false;  ///< that of one attempt at least is
};

/// Extension point. Called on a thread of its own (or through `ClientOptions::callback_executor`), one record after
/// another, in order per call: the attempts, then the call. An exception that leaves a listener is caught and logged. A
/// slow one holds up nothing but itself: `QueueOptions::listener_records` wait for it at most. The client's destructor
/// lets it take what waits for as long as it takes one record within 100 ms, at most five seconds; then it is left
/// behind.
class HOLYSHEEP_EXPORT EventListener {
  public:
    virtual ~EventListener();
    virtual void on_attempt(const AttemptRecord& attempt);
    virtual void on_call(const CallRecord& call);
    /// A region's liveness, breaker or draining changed.
    virtual void on_region(const RegionHealth& region);
};

}  // namespace v0
}  // namespace holysheep
