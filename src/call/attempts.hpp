// Remembers the attempts of one call: where each was sent, how far it came and how it ended. Pure.
// CallMachine → [Attempts] → MovePlanner
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <holysheep/attempt.hpp>

#include "call/classification.hpp"
#include "call/policy.hpp"

namespace holysheep::call {

/// `waiting`: the request was sent. `receiving`: the head of the response arrived. `committed`: the caller got content,
/// so another attempt cannot replace it unnoticed.
enum class Phase { connecting, waiting, receiving, committed, ended };

struct Attempt {
    std::size_t region = 0, model = 0;
    AttemptKind kind = AttemptKind::first;
    bool canary = false;
    Phase phase = Phase::connecting;
    time_point started{}, progress{}, ended{};
    time_point sent{};
    std::optional<time_point> path_check{};  ///< when to check whether the peer's host has answered
    Outcome outcome{};                       ///< set once it has ended
    Verdict verdict{};
    bool lost = false;      ///< cancelled by the machine without a failure of its own
    bool answered = false;  ///< the host answered its handshake, TLS is not done yet
    bool raced = false;     ///< another attempt was started because this one is late
    bool on_trial = false, explores = false;
    bool body = false;        ///< part of a plain answer's body arrived
    bool found_full = false;  ///< its region refused it because of load, and serves other requests

    bool in_flight() const { return phase != Phase::ended; }
    bool without_content() const {
        return phase == Phase::connecting || phase == Phase::waiting || phase == Phase::receiving;
    }
    /// It lost a race of connections, so its region was sent no request.
    bool turned_away() const { return lost && sent == time_point{}; }
    bool failed() const { return !in_flight() && !lost; }
};

/// Attempts have the numbers 1, 2, …
class Attempts {
  public:
    int add(const Attempt& attempt) {
        items_.push_back(attempt);
        return count();
    }
    Attempt& operator[](int number) { return items_[static_cast<std::size_t>(number - 1)]; }
    const Attempt& operator[](int number) const { return items_[static_cast<std::size_t>(number - 1)]; }
    int count() const { return static_cast<int>(items_.size()); }
    bool empty() const { return items_.empty(); }
    const Attempt& front() const { return items_.front(); }
    const Attempt& back() const { return items_.back(); }
    auto begin() { return items_.begin(); }
    auto end() { return items_.end(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }

    int in_flight() const;
    /// Whether each attempt in flight is so late that another one was started beside it.
    bool only_late_ones_in_flight() const;
    /// Whether the region was asked and failed, or is being asked; a lost race does not count.
    bool asked(std::size_t region) const;
    /// Whether the region was sent a request for this model.
    bool tried(std::size_t region, std::size_t model) const;
    /// Whether the region answered with a redirect, which is not followed.
    bool redirected(std::size_t region) const;
    bool every_one_redirected() const;
    /// The latest failed attempt of this model in the region.
    const Attempt* last_failure(std::size_t region, std::size_t model) const;
    /// Whether all failures were of this class.
    bool all_failed_with(ErrorCode error) const;
    /// Whether another region answered this model with a 500, too: the request itself may be at fault.
    bool server_error_elsewhere(const Attempt& failed) const;
    /// A proxy that refuses a second region, or one region twice, does not refuse the first host only.
    bool refused_by_proxy_before(const Attempt& failed) const;

  private:
    std::vector<Attempt> items_;
};

}  // namespace holysheep::call
