// Classifies a failed attempt: stop, try the next region, or retry the same one. One table, without state.
// attempt's outcome → [classify] → CallMachine
#pragma once

#include <optional>

#include <holysheep/options.hpp>

#include "health/region_health_tracker.hpp"

namespace holysheep::call {

/// The time limit of an attempt that expired. `silence`: its region was found dead while it waited for more content.
enum class Limit { none, connect, first_byte, first_content, stall, attempt, silence };

/// How an attempt ended, with the details that decisions need.
struct Outcome {
    bool answered = false;  ///< a complete, valid answer; the other members are then unused
    ErrorCode error = ErrorCode::transport_failed;
    Limit limit = Limit::none;  ///< set if one of our time limits ended the attempt
    int status = 0;             ///< the effective one; 0 without an HTTP answer
    bool certainly_not_delivered = false;
    bool refused = false;  ///< the gateway itself said that it did not process the request
    bool new_connection_helps = false;
    int proxy_status = 0;  ///< see TransferEnd
    bool connection_reused = false;
    bool any_byte = false;   ///< whether any byte of the answer arrived
    bool resumable = false;  ///< the received text can be continued: no tool call, one choice, not finished
    std::optional<milliseconds> retry_after{};
    std::optional<bool> should_retry{};  ///< the gateway's x-should-retry
};

/// The consequences of a failure for the client's keys.
struct KeyOutlook {
    bool differ = false;       ///< regions have different keys, so a key refused here may be valid elsewhere
    bool another_key = false;  ///< the key was refused, and there is another one for this region
    std::optional<milliseconds> usable_in{};  ///< when a key is usable again; overrides the gateway's hint
};

enum class Action {
    stop,        ///< the answer would be the same everywhere
    next,        ///< another region; if there is none, this one after a wait
    same_fresh,  ///< the same region over a new connection, once
    same_later   ///< the same region after a wait, once
};

struct Verdict {
    Action action = Action::stop;
    health::FailureClass charge = health::FailureClass::none;
    bool another_key = false;                   ///< see KeyOutlook
    std::optional<milliseconds> retry_after{};  ///< how long to avoid the region with the keys of this call
};

/// Whether the request may have been processed although no answer arrived. False only if that is certain: a proxy may
/// send a 5xx even though the gateway has received the request.
bool maybe_delivered(const Outcome& outcome);
/// Whether the request may have been billed: a gateway that answers with its own error bills nothing.
bool maybe_billed(const Outcome& outcome);

/// Redirects are not followed, because the key belongs to one host: the redirect may concern only this region.
bool is_redirect(const Outcome& outcome);
/// The response does not come from a gateway: a redirect, a login page, or text that is not an answer.
bool is_misrouted(const Outcome& outcome);

/// A region that is alive refuses this request because of load or a quota: 429, 503, 529.
bool is_refused_for_load(const Outcome& outcome);

/// Call it once per outcome: the verdict is stored with the outcome.
Verdict classify(const Outcome& outcome, const RetryOptions& retry, const KeyOutlook& keys = {});

}  // namespace holysheep::call
