// Starts attempts beside a waiting one: because of a late connection, an unacknowledged request, a silent region, a
// slow answer, or a deadline that comes near. The waiting attempt continues: the first to deliver content wins.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// If no other region was available, check again after this time.
constexpr auto kBackupCheckInterval = 250ms;

}  // namespace

void CallMachine::watch_for_silence(time_point now, Commands& out) {
    const int known = attempts_.count();
    for (int i = 1; i <= known; ++i) {
        if (!silence_.connection_is_late(at(i), now)) continue;
        const bool asked = race(i, AttemptKind::race, Evidence::late_connection, now, out);
        at(i).raced = true;  // once, even if no other region was available: it is not checked again
        if (asked) return;
    }
    // Last, because the transport's reply may start further attempts.
    for (int i = 1; i <= known; ++i) {
        if (!silence_.take_path_check(at(i), now)) continue;
        out.push({.kind = Command::Kind::check_path, .attempt = i, .region = at(i).region});
    }
}

Commands CallMachine::on_path(int attempt, const std::optional<PathEvidence>& evidence, time_point now) {
    Commands out;
    auto& a = at(attempt);
    if (finished() || !evidence || !silence_.host_is_silent(a, *evidence, now)) return out;
    const bool connecting = a.phase == Phase::connecting;
    if (!connecting) {
        out.push(
            {.kind = Command::Kind::late, .attempt = attempt, .region = a.region, .because = Evidence::unacknowledged});
    }
    race(attempt, AttemptKind::race, Evidence::unacknowledged, now, out);
    if (connecting) at(attempt).raced = true;
    return out;
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
    for (int i = 1; i <= attempts_.count(); ++i) {
        const auto& a = at(i);
        if (a.region != region || a.raced || !a.without_content()) continue;
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
    if (planner_.attempts_used_up()) return false;
    auto region = planner_.next_untried(now);
    if (!region) return false;
    bool pays = false;
    if (!regions_.healthy(*region, planner_.model(), now)) {
        const auto better = std::ranges::find_if(plan_, [&](std::size_t r) {
            return planner_.usable(r, now) && regions_.healthy(r, planner_.model(), now);
        });
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
        if (other.in_flight()) other.raced = true;
    }
}

bool CallMachine::hedge(time_point now, Commands& out) {
    if (!policy_.hedge_after || hedge_over_ || attempts_.empty()) return false;
    if (now < attempts_.front().started + *policy_.hedge_after) return false;
    hedge_over_ = true;
    const auto& first = attempts_.front();
    if (attempts_.count() != 1 || !first.without_content() || planner_.outage() || policy_.cost_safe ||
        regions_.general_trouble())
        return false;
    if (planner_.attempts_used_up()) return false;
    const auto region = planner_.next_untried(now);
    if (!region || !regions_.in_good_shape(*region, planner_.model(), now) || budgets_.hedges.tokens() < 1)
        return false;
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
    if (committed_ != 0 || planner_.outage() || a.raced || !a.without_content() || plan_.size() < 2)
        return std::nullopt;
    auto limit = planner_.deadline();
    if (policy_.user_set_first_content) {
        const auto content = a.started + policy_.first_content;
        limit = std::min(limit.value_or(content), content);
    }
    return backup_due({.started = a.started,
                       .limit = limit,
                       .usual = planner_.model_number() == 0 ? policy_.usual : std::nullopt,
                       .on_trial = a.on_trial || (a.explores && policy_.usual)});
}

bool CallMachine::back_up(time_point now, Commands& out) {
    if (now < no_backup_before_) return false;
    const auto known = attempts_.count();
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
