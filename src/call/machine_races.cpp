// Starts attempts beside a waiting one: because of a late connection, an unacknowledged request, a silent region, a
// slow answer, or a deadline that comes near. The waiting attempt continues: the first to deliver content wins.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// The kernel answers a handshake at once.
constexpr auto kHandshakeGrace = 30ms;
constexpr int kFirstTls = 4;
// If no other region was available, check again after this time.
constexpr auto kBackupCheckInterval = 250ms;
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

/// Connecting takes several round trips with TLS, and possibly a DNS lookup; but the first answer of the peer's host is
/// due after one.
nanoseconds CallMachine::handshake_late_after(std::size_t region) const {
    const auto& rtt = regions_.rtt(region);
    return rtt.known() ? rtt.late_after(kHandshakeGrace) : policy_.connect_race;
}

void CallMachine::watch_for_silence(time_point now, Commands& out) {
    const auto known = static_cast<int>(attempts_.size());
    for (int i = 1; i <= known; ++i) {
        const auto& a = at(i);
        if (a.phase != Phase::connecting || a.raced || now < a.started + connect_late_after(a)) continue;
        if (a.path_check && now >= *a.path_check) continue;  // check first what the transport knows
        const bool asked = race(i, AttemptKind::race, Evidence::late_connection, now, out);
        at(i).raced = true;  // once, even if no other region was available: it is not checked again
        if (asked) return;
    }
    // Last, because the transport's reply may start further attempts.
    for (int i = 1; i <= known; ++i) {
        auto& a = at(i);
        // A head may arrive before the whole request was sent.
        if (!without_content(a) || !a.path_check || now < *a.path_check) continue;
        a.path_check.reset();
        out.push({.kind = Command::Kind::check_path, .attempt = i, .region = a.region});
    }
}

Commands CallMachine::on_path(int attempt, const std::optional<PathEvidence>& evidence, time_point now) {
    Commands out;
    auto& a = at(attempt);
    // A proxy's acknowledgement says nothing about the region, and another region would use the same proxy.
    if (finished() || !evidence || evidence->via_proxy) return out;
    if (a.phase == Phase::connecting) {
        a.answered = !evidence->unacked_for;
        if (!a.answered) handshake_silent(attempt, *evidence->unacked_for, now, out);
        return out;
    }
    if (!without_content(a) || !evidence->unacked_for) return out;
    const auto& region = regions_.rtt(a.region);
    auto late_after = path_late_after(a.region);
    if (region.samples() < health::kSettledRtt && evidence->srtt.count() > 0) {
        late_after = evidence->srtt + std::max<nanoseconds>(4 * evidence->rttvar, kAckGrace);
    }
    if (*evidence->unacked_for < late_after) {
        a.path_check = now + (late_after - *evidence->unacked_for);
        return out;
    }
    out.push(
        {.kind = Command::Kind::late, .attempt = attempt, .region = a.region, .because = Evidence::unacknowledged});
    race(attempt, AttemptKind::race, Evidence::unacknowledged, now, out);
    return out;
}

void CallMachine::handshake_silent(int attempt, nanoseconds silent_for, time_point now, Commands& out) {
    auto& a = at(attempt);
    const auto late_after = handshake_late_after(a.region);
    if (a.raced) return;
    if (silent_for < late_after) {
        // DNS took its time, or another address was tried before.
        a.path_check = now + (late_after - silent_for);
        return;
    }
    race(attempt, AttemptKind::race, Evidence::unacknowledged, now, out);
    at(attempt).raced = true;
}

Commands CallMachine::on_region_down(std::size_t region, time_point now) {
    Commands out;
    if (finished()) return out;
    if (committed_ != 0) {
        // One probe may be lost; two lost ones are evidence, and no byte of this stream arrived meanwhile, or the
        // region would count as alive. A stream without recovery gets the time of a short disturbance.
        const bool no_recovery = policy_.recovery == StreamRecovery::terminate;
        if (at(committed_).region == region &&
            (no_recovery ? regions_.found_dead(region, now) : regions_.seems_dead(region, now))) {
            out.push({.kind = Command::Kind::cancel, .attempt = committed_, .region = region, .limit = Limit::silence});
        }
        return out;
    }
    for (int i = 1; i <= static_cast<int>(attempts_.size()); ++i) {
        const auto& a = at(i);
        if (a.region != region || a.raced || !without_content(a)) continue;
        out.push({.kind = Command::Kind::late, .attempt = i, .region = region, .because = Evidence::no_probe_answer});
        // If no other region is available, the next unanswered probe tries again.
        race(i, AttemptKind::rescue, Evidence::no_probe_answer, now, out);
        return out;
    }
    return out;
}

bool CallMachine::race(int attempt, AttemptKind kind, Evidence why, time_point now, Commands& out) {
    const bool sent = at(attempt).phase != Phase::connecting;
    if (committed_ != 0 || (sent && policy_.cost_safe)) return false;
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
    if (why == Evidence::slow_trial && (pays || regions_.unasked_for_long(*region, now))) return false;
    // An expiring deadline does not prove that the first one fails: if all regions are slow, this would double the
    // load.
    pays = pays || why == Evidence::deadline;
    if (pays && budgets_.retries.tokens() < 1) return false;
    acquire({.move = {.region = *region,
                      .kind = kind,
                      .when = now,
                      .maybe_duplicated = sent,
                      .beside = attempt,
                      .because = why},
             .pays = pays},
            out);
    return true;
}

/// Updates the budgets and attempts when an attempt beside another one is granted.
void CallMachine::pay_beside(const Request& request) {
    const auto& move = request.move;
    if (move.kind == AttemptKind::hedge) {
        budgets_.hedges.try_take();
        return;
    }
    if (request.pays) budgets_.retries.try_take();
    at(move.beside).raced = true;
    if (move.kind != AttemptKind::backup) return;
    // One attempt serves all that wait.
    for (auto& other : attempts_) {
        if (in_flight(other)) other.raced = true;
    }
}

bool CallMachine::hedge(time_point now, Commands& out) {
    if (!policy_.hedge_after || hedge_over_ || attempts_.empty()) return false;
    if (now < attempts_.front().started + *policy_.hedge_after) return false;
    hedge_over_ = true;
    const auto& first = attempts_.front();
    if (attempts_.size() != 1 || !without_content(first) || outage() || policy_.cost_safe || regions_.general_trouble())
        return false;
    if (attempts_used_up()) return false;
    const auto region = next_untried(now);
    if (!region || !regions_.in_good_shape(*region, model_, now) || budgets_.hedges.tokens() < 1) return false;
    acquire({.move = {.region = *region,
                      .kind = AttemptKind::hedge,
                      .when = now,
                      .maybe_duplicated = first.phase != Phase::connecting,
                      .beside = 1,
                      .because = Evidence::slow}},
            out);
    return true;
}

// ---- backups because of the call's time limit or a trial ----

std::optional<Backup> CallMachine::backup_of(const Attempt& a) const {
    if (committed_ != 0 || outage() || a.raced || !without_content(a) || plan_.size() < 2) return std::nullopt;
    auto limit = deadline_;
    if (policy_.user_set_first_content) {
        const auto content = a.started + policy_.first_content;
        limit = std::min(limit.value_or(content), content);
    }
    return backup_due({.started = a.started,
                       .limit = limit,
                       .usual = fallback_.current() == 0 ? policy_.usual : std::nullopt,
                       .on_trial = a.on_trial || (a.explores && policy_.usual)});
}

bool CallMachine::back_up(time_point now, Commands& out) {
    if (now < no_backup_before_) return false;
    const auto known = static_cast<int>(attempts_.size());
    for (int i = 1; i <= known; ++i) {
        const auto backup = backup_of(at(i));
        if (!backup || backup->when > now) continue;
        if (race(i, AttemptKind::backup, backup->why, now, out)) return true;
        lacks_backup(i, backup->why, now);
        if (backup->why != Evidence::slow_trial) return false;
        --i;  // its deadline may be near as well
    }
    return false;
}

/// No region is available for a backup of this attempt, or none admits it.
void CallMachine::lacks_backup(int attempt, Evidence why, time_point now) {
    if (why == Evidence::slow_trial) {
        at(attempt).on_trial = at(attempt).explores = false;  // no other region is any better
    } else {
        no_backup_before_ = now + (kBackupCheckInterval * (1 << std::min(failed_backups_++, 10)));
    }
}

}  // namespace holysheep::call
