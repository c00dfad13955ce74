// Changes the decision that follows a failed attempt.
#pragma once

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// A failed attempt, and the decision of the built-in rules.
struct RetryContext {
    const AttemptRecord& attempt;  ///< the failed attempt
    bool would_retry;              ///< the built-in rules would send another attempt
    milliseconds delay;            ///< their delay before it; 0 if another region is usable
    bool content_delivered;        ///< the caller has received a part of the answer: the decision is about its recovery
};

/// The decision of a RetryPolicy.
struct RetryVerdict {
    bool retry = false;    ///< whether to send another attempt
    milliseconds delay{};  ///< how long to wait before it
};

/// Extension point, for `ClientOptions::retry_policy`. May change the built-in decision and its delay. Deadlines, the
/// limit of attempts, and the rule that delivered content is never sent again still apply. Called on the I/O thread;
/// must not block.
class HOLYSHEEP_EXPORT RetryPolicy {
  public:
    virtual ~RetryPolicy();
    /// Called once per failed attempt. An exception is logged, and the built-in decision applies.
    virtual RetryVerdict decide(const RetryContext& context) const = 0;
};

}  // namespace v0
}  // namespace holysheep
