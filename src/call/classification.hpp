// What a failed attempt calls for: stop, the next region, or the same one again. One table, without state.
// attempt's outcome → [classify] → CallMachine
#pragma once

#include <optional>

#include <holysheep/options.hpp>

#include "health/region_health_tracker.hpp"

namespace holysheep::call {

/// The clock of an attempt that ran out. `silence`: its region was found dead while it waited for more content.
enum class Limit { none, connect, first_byte, first_content, stall, attempt, silence };

/// How an attempt ended, as far as decisions need it.
struct Outcome {
    bool answered = false;  ///< a whole, good answer; the rest is then unused
    ErrorCode error = ErrorCode::transport_failed;
    Limit limit = Limit::none;  ///< set where one of our clocks ended the attempt
    int status = 0;             ///< the effective one; 0 without an HTTP answer
    bool certainly_not_delivered = false;
    bool refused = false;  ///< the gateway said itself that it did not do the work
    bool new_connection_helps = false;
    int proxy_status = 0;  ///< see TransferEnd
    bool connection_reused = false;
    bool any_byte = false;   ///< of the answer
    bool resumable = false;  ///< the text that came can be continued: no tool call, one choice, not finished
    std::optional<milliseconds> retry_after{};
    std::optional<bool> should_retry{};  ///< the gateway's x-should-retry
};

/// What the client's keys mean for a failure.
struct KeyOutlook {
    bool differ = false;       ///< regions have different keys, so that a refused key may be good elsewhere
    bool another_key = false;  ///< the key is what was refused, and there is another one for this region
    std::optional<milliseconds> usable_in{};  ///< the first key can be used again then, whatever the gateway says
};

enum class Action {
    stop,        ///< the answer would be the same everywhere
    next,        ///< another region, or this one after a wait when there is none
    same_fresh,  ///< the same region over a new connection, once
    same_later   ///< the same region after a wait, once
};

struct Verdict {
    Action action = Action::stop;
    health::FailureClass charge = health::FailureClass::none;
    bool another_key = false;                   ///< see KeyOutlook
    std::optional<milliseconds> retry_after{};  ///< to stay away from the region, for this call's keys
};

/// Whether the work may have been done although no answer came: all but what is certain, because a proxy answers with a
/// 5xx also where the gateway behind it has the request.
bool maybe_delivered(const Outcome& outcome);
/// Whether the work may have been billed: a gateway that answers with an error of its own bills nothing.
bool maybe_billed(const Outcome& outcome);

/// Redirects are not followed, for the key belongs to one host: the region leads elsewhere, the others may not.
bool is_redirect(const Outcome& outcome);
/// What answered is no gateway: a redirect, a login page, a text that is no answer.
bool is_misrouted(const Outcome& outcome);

/// A region that is alive refuses this request because of its load or of a quota: 429, 503, 529.
bool is_refused_for_load(const Outcome& outcome);

/// Once per outcome: the verdict travels with it.
Verdict classify(const Outcome& outcome, const RetryOptions& retry, const KeyOutlook& keys = {});

}  // namespace holysheep::call
