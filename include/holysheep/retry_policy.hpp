// Change what follows a failed attempt.
#pragma once

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// A failed attempt, and what the built-in rules would do about it.
struct RetryContext {
    const AttemptRecord& attempt;
    bool would_retry;
    milliseconds delay;      ///< before the next attempt; 0 when another region is free
    bool content_delivered;  ///< the caller has seen a part of the answer: this is about its recovery
};

struct RetryVerdict {
    bool retry = false;
    milliseconds delay{};
};

/// Extension point. Sees the built-in verdict and may change stop to retry, retry to stop, and the delay; deadlines,
/// attempt caps and the rule that delivered content is never replayed stay in force. An exception is logged and means
/// the built-in verdict. Called on the I/O thread; must not block.
class HOLYSHEEP_EXPORT RetryPolicy {
  public:
    virtual ~RetryPolicy();
    virtual RetryVerdict decide(const RetryContext& context) const = 0;
};

}  // namespace v0
}  // namespace holysheep
