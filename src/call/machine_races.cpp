// Attempts beside a waiting one: a connection that is late, a request that nobody acknowledged, a region that fell
// silent, an answer that is slow to begin. The waiting one is kept: the first to give content wins.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// A handshake's answer comes from the kernel at once.
constexpr auto kHandshakeGrace = 30ms;
constexpr int kFirstTls = 4;
// Linux delays acknowledgements by up to 40 ms while the application does not read.
constexpr auto kAckGrace = 45ms;

}  // namespace

nanoseconds CallMachine::connect_late_after(const Attempt& a) const {
    // On first contact with a host that answers, TLS may take as many slow round trips as it needs.
    const auto unknown = a.answered ? kFirstTls * policy_.connect_race : policy_.connect_race;
    return regions_.connect_late_after(a.region).value_or(unknown);
}

nanoseconds CallMachine::path_late_after(std::size_t region) const {
    const auto& rtt = regions_.rtt(region);
    return rtt.known() ? rtt.late_after(kAckGrace) : policy_.connect_race;
}

/// Connecting takes several round trips where TLS is spoken, and a name may be looked up first; but the first answer of
/// the peer's host is due after one.
nanoseconds CallMachine::handshake_late_after(std::size_t region) const {
    const auto& rtt = regions_.rtt(region);
    return rtt.known() ? rtt.late_after(kHandshakeGrace) : policy_.connect_race;
}

/// When the region of a waiting attempt should be asked for a sign of life.
time_point CallMachine::life_due(const Attempt& a) const {
    const auto heard = regions_.alive_at(a.region);
    const auto silent_since = heard == time_point{} ? a.sent : heard;
    return std::max(a.sent, std::max(silent_since, a.asked) + policy_.sign_of_life);
}

void CallMachine::watch_for_silence(time_point now, Commands& out) {
    const auto known = static_cast<int>(attempts_.size());
    for (int i = 1; i <= known; ++i) {
        const auto& a = at(i);
        if (a.phase != Phase::connecting || a.raced || now < a.started + connect_late_after(a)) continue;
        if (a.path_check && now >= *a.path_check) continue;  // what the network knows comes first
        race(i, AttemptKind::race, now, out);
        at(i).raced = true;  // once, also where there was nowhere to go: it is not looked at again
    }
    // Last, because what the transport answers may start attempts of its own.
    for (int i = 1; i <= known; ++i) {
        auto& a = at(i);
        if (a.phase != Phase::waiting && a.phase != Phase::connecting) continue;
        if (a.phase == Phase::waiting) look_for_life(i, now, out);
        if (!a.path_check || now < *a.path_check) continue;
        a.path_check.reset();
        out.push({.kind = Command::Kind::check_path, .attempt = i, .region = a.region});
    }
}

void CallMachine::look_for_life(int attempt, time_point now, Commands& out) {
    auto& a = at(attempt);
    if (policy_.sign_of_life.count() <= 0 || now < life_due(a)) return;
    a.asked = now;
    out.push({.kind = Command::Kind::probe, .attempt = attempt, .region = a.region});
}

Commands CallMachine::on_path(int attempt, const std::optional<PathEvidence>& evidence, time_point now) {
    Commands out;
    auto& a = at(attempt);
    // What a proxy acknowledged says nothing about the region behind it, and another region would go through it too.
    if (finished() || !evidence || evidence->via_proxy) return out;
    if (a.phase == Phase::connecting) {
        a.answered = !evidence->unacked_for;
        if (!a.answered) handshake_silent(attempt, *evidence->unacked_for, now, out);
        return out;
    }
    if (a.phase != Phase::waiting || !evidence->unacked_for) return out;
    const auto& region = regions_.rtt(a.region);
    auto late_after = path_late_after(a.region);
    if (region.samples() < health::kSettledRtt && evidence->srtt.count() > 0) {
        late_after = evidence->srtt + std::max<nanoseconds>(4 * evidence->rttvar, kAckGrace);
    }
    if (*evidence->unacked_for < late_after) {
        a.path_check = now + (late_after - *evidence->unacked_for);
        return out;
    }
    out.push({.kind = Command::Kind::late, .attempt = attempt, .region = a.region});
    race(attempt, AttemptKind::race, now, out);
    return out;
}

void CallMachine::handshake_silent(int attempt, nanoseconds silent_for, time_point now, Commands& out) {
    auto& a = at(attempt);
    const auto late_after = handshake_late_after(a.region);
    if (a.raced) return;
    if (silent_for < late_after) {
        // The name took its time, or another address was tried before.
        a.path_check = now + (late_after - silent_for);
        return;
    }
    race(attempt, AttemptKind::race, now, out);
    at(attempt).raced = true;
}

Commands CallMachine::on_region_down(std::size_t region, time_point now) {
    Commands out;
    if (finished() || rescued()) return out;
    for (int i = 1; i <= static_cast<int>(attempts_.size()); ++i) {
        const auto& a = at(i);
        if (a.region != region || a.raced || (a.phase != Phase::connecting && a.phase != Phase::waiting)) continue;
        out.push({.kind = Command::Kind::late, .attempt = i, .region = region});
        // Where there is nowhere to go, the next probe that goes unanswered asks again.
        race(i, AttemptKind::rescue, now, out);
        return out;
    }
    return out;
}

/// Once per call; but one that lost a race of connections sent nothing, and saved nobody.
bool CallMachine::rescued() const {
    return std::ranges::any_of(attempts_,
                               [](const Attempt& a) { return a.kind == AttemptKind::rescue && !a.turned_away(); });
}

bool CallMachine::race(int attempt, AttemptKind kind, time_point now, Commands& out) {
    const bool sent = at(attempt).phase == Phase::waiting;
    if (committed_ != 0 || panic_ || (sent && policy_.cost_safe)) return false;
    if (attempts_used_up()) return false;
    auto region = next_untried(now);
    if (!region) return false;
    bool pays = false;
    if (!regions_.healthy(*region, model_, now)) {
        const auto better = std::ranges::find_if(
            plan_, [&](std::size_t r) { return usable(r, now) && regions_.healthy(r, model_, now); });
        pays = better == plan_.end();
        if (!pays) region = *better;
    }
    if (pays && budgets_.retries.tokens() < 1) return false;
    if (!admitted_beside(attempt, *region, now)) return false;
    if (pays) budgets_.retries.try_take();
    at(attempt).raced = true;
    dispatch({.region = *region, .kind = kind, .when = now, .maybe_duplicated = sent, .admitted = true}, now, out);
    return true;
}

void CallMachine::hedge(time_point now, Commands& out) {
    if (!policy_.hedge_after || hedge_over_ || attempts_.empty()) return;
    if (now < attempts_.front().started + *policy_.hedge_after) return;
    hedge_over_ = true;
    const auto& first = attempts_.front();
    const bool slow = first.phase == Phase::connecting || first.phase == Phase::waiting;
    if (attempts_.size() != 1 || !slow || panic_ || policy_.cost_safe || regions_.general_trouble()) return;
    if (attempts_used_up()) return;
    const auto region = next_untried(now);
    if (!region || !regions_.in_good_shape(*region, model_, now)) return;
    if (budgets_.hedges.tokens() < 1 || !admitted_beside(1, *region, now)) return;
    budgets_.hedges.try_take();
    dispatch({.region = *region,
              .kind = AttemptKind::hedge,
              .when = now,
              .maybe_duplicated = first.phase == Phase::waiting,
              .admitted = true},
             now, out);
}

// ---- when nothing is usable ----

std::optional<CallMachine::Move> CallMachine::wait_for_quota(time_point now) {
    std::optional<Move> soonest;
    for (const auto region : plan_) {
        if (!eligible(region) || !regions_.has_model(region, model_, now)) continue;
        const auto until = regions_.limited_until(region, model_);
        if (until <= now || !regions_.breakers_admit(region, model_, now)) continue;
        if (soonest && soonest->when <= until) continue;
        soonest = Move{.region = region, .kind = AttemptKind::first, .when = until, .pause = until};
    }
    return soonest;
}

/// Better one attempt at a region that may have recovered than a certain failure: the one whose trial is due first.
std::optional<CallMachine::Move> CallMachine::panic_move(time_point now) const {
    std::optional<Move> best;
    time_point best_trial{};
    for (const bool any_model : {false, true}) {
        for (const auto region : plan_) {
            if (!eligible(region) || regions_.forced_open(region) || regions_.limited_until(region, model_) > now)
                continue;
            if (admission_ != nullptr && !admission_->has_room(region)) continue;
            const bool has_model = regions_.has_model(region, model_, now);
            if (!has_model && !any_model) continue;
            // One whose trial is out just now is the most likely to be back.
            const auto trial = regions_.usable_at(region, model_, now).value_or(now);
            if (best && trial >= best_trial) continue;
            best = Move{.region = region, .kind = AttemptKind::first, .when = now, .panic = has_model};
            best_trial = trial;
        }
        if (best) break;
    }
    return best;
}

}  // namespace holysheep::call
