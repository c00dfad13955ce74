// Drives a CallMachine by hand: each event returns the machine's commands as lines of text.
// test → [MachineRun] → CallMachine → "start #1 a first", "cancel #1 first_byte", "commit #1", "finish #1 answered"
#pragma once

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "call/machine.hpp"

namespace holysheep::call {

using Lines = std::vector<std::string>;

inline std::string_view name_of(Limit limit) {
    switch (limit) {
        case Limit::none: return "none";
        case Limit::connect: return "connect";
        case Limit::first_byte: return "first_byte";
        case Limit::first_content: return "first_content";
        case Limit::stall: return "stall";
        case Limit::attempt: return "attempt";
        case Limit::silence: return "silence";
    }
    return "?";
}

inline std::string_view name_of(Ending ending) {
    switch (ending) {
        case Ending::open: return "open";
        case Ending::answered: return "answered";
        case Ending::refused: return "refused";
        case Ending::interrupted: return "interrupted";
        case Ending::regions_exhausted: return "regions_exhausted";
        case Ending::attempts_exhausted: return "attempts_exhausted";
        case Ending::budget_empty: return "budget_empty";
        case Ending::wait_too_long: return "wait_too_long";
        case Ending::maybe_delivered: return "maybe_delivered";
        case Ending::deadline: return "deadline";
        case Ending::cancelled: return "cancelled";
        case Ending::no_region: return "no_region";
        case Ending::not_admitted: return "not_admitted";
    }
    return "?";
}

/// Formats a command. Regions are named a, b, c, … by their index.
inline std::string describe(const Command& command, const CallMachine& machine) {
    const auto number = " #" + std::to_string(command.attempt);
    switch (command.kind) {
        case Command::Kind::start: {
            std::string line = "start" + number + " " + static_cast<char>('a' + command.region) + " ";
            line += to_string(command.attempt_kind);
            if (command.fresh_connection) line += " fresh";
            if (command.maybe_duplicated) line += " duplicated";
            if (command.panic) line += " panic";
            return line;
        }
        case Command::Kind::cancel:
            return "cancel" + number + (command.limit ? " " + std::string(name_of(*command.limit)) : "");
        case Command::Kind::commit: return "commit" + number;
        case Command::Kind::recover: return "recover" + number;
        case Command::Kind::finish: return "finish" + number + " " + std::string(name_of(machine.ending()));
        case Command::Kind::check_path: return "check_path" + number;
        case Command::Kind::late: return "late" + number;
        case Command::Kind::acquire:
            return "acquire" + number + " " + static_cast<char>('a' + command.region) +
                   (command.beside != 0 ? " beside #" + std::to_string(command.beside) : std::string()) +
                   (command.shares ? " shared" : "");
        case Command::Kind::await_room: {
            std::string line = "await_room";
            for (const auto region : machine.awaited_regions()) line += {' ', static_cast<char>('a' + region)};
            return line;
        }
        case Command::Kind::ask_policy: return "ask_policy" + number;
        case Command::Kind::release: return "release";
    }
    return "?";
}

inline Outcome failed_with(ErrorCode error, int status = 0) {
    return {.error = error, .status = status, .any_byte = status != 0};
}
inline Outcome refused_connection() { return {.certainly_not_delivered = true}; }
/// HTTP/2: RST_STREAM with REFUSED_STREAM.
inline Outcome refused_stream() { return {.certainly_not_delivered = true, .refused = true}; }
/// The connection was lost after the request was sent, before any byte of an answer.
inline Outcome lost_connection() { return {}; }
/// The same on a reused connection.
inline Outcome stale_connection() { return {.connection_reused = true}; }
inline Outcome throttled(std::optional<milliseconds> retry_after = {}) {
    return {.error = ErrorCode::rate_limited, .status = 429, .any_byte = true, .retry_after = retry_after};
}
/// The gateway reports overload with an error code of its own, so the request was certainly not processed.
inline Outcome overloaded(std::optional<milliseconds> retry_after = {}) {
    return {.error = ErrorCode::server_failed,
            .status = 503,
            .refused = true,
            .any_byte = true,
            .retry_after = retry_after};
}

/// Regions a, b, c, … of equal weight.
inline std::vector<Region> make_regions(std::size_t count) {
    std::vector<Region> regions(count);
    for (std::size_t i = 0; i < count; ++i) regions[i].id = static_cast<char>('a' + i);
    return regions;
}

/// A RoomView in which every region has room unless a test changes it.
struct TestRooms final : RoomView {
    std::vector<std::size_t> full{}, served{};
    bool has_room(std::size_t region, values::ModelId, time_point) const override {
        return std::ranges::find(full, region) == full.end();
    }
    bool is_served(std::size_t region, values::ModelId, time_point) const override {
        return std::ranges::find(served, region) != served.end();
    }
};

/// One call among `count` regions, with its clock and all state that its machine reads. Change `policy`, `regions` and
/// the other members before the first event.
class MachineRun {
  public:
    explicit MachineRun(std::size_t count, bool stream = false, const BreakerOptions& breaker = {.enabled = false})
        : regions(make_regions(count), {}, breaker, 7),
          model(regions.model_id("model")),
          policy(make_policy({}, {}, std::nullopt, stream, now)),
          plan_(count) {
        std::iota(plan_.begin(), plan_.end(), 0U);
        policy.seed = 7;
    }

    /// Limits the call to the first `count` regions.
    void plan_only(std::size_t count) { plan_.resize(count); }

    time_point now{std::chrono::hours(1)};
    health::RegionHealthTracker regions;
    values::ModelId model;
    resilience::RetryBudget budget{0.2, 20}, hedges{0.05, 5}, canaries{0.25, 5};
    CallPolicy policy;
    const RetryPolicy* retry_policy = nullptr;
    TestRooms rooms{};
    bool grants = true;                      ///< permits are granted at once; otherwise the test answers
    std::optional<PathEvidence> evidence{};  ///< the transport's evidence while time passes

    CallMachine& machine() {
        if (!machine_) {
            policy.has_retry_policy = retry_policy != nullptr;
            machine_.emplace(policy, plan_, model, regions, Budgets{budget, hedges, canaries}, rooms);
        }
        return *machine_;
    }

    Lines start() { return lines(machine().start(now)); }
    Lines connect(int attempt) {
        Commands commands;
        const bool accepted = machine().on_connected(attempt, now, commands);
        if (accepted) sent_.insert(attempt);
        auto result = lines(commands);
        if (!accepted) result.push_back("rejected #" + std::to_string(attempt));
        return result;
    }
    Lines first_byte(int attempt) {
        received_.insert(attempt);
        return lines(machine().on_first_byte(attempt, now));
    }
    Lines content(int attempt) {
        received_.insert(attempt);
        return lines(machine().on_content(attempt, now));
    }
    void progress(int attempt) { machine().on_progress(attempt, now); }
    /// If a limit of the client expired, the rest of the outcome follows from the state of the attempt.
    Lines end(int attempt, Outcome outcome) {
        errors_[attempt] = outcome.error;
        if (outcome.limit != Limit::none) {
            outcome.any_byte = received_.contains(attempt);
            outcome.certainly_not_delivered = !outcome.any_byte && !sent_.contains(attempt);
        }
        const auto verdict = classify(outcome, policy.retry, {.differ = policy.keys_differ});
        return lines(machine().on_end(attempt, outcome, verdict, now));
    }
    Lines answer(int attempt) { return end(attempt, {.answered = true}); }
    Lines region_down(std::size_t region) { return lines(machine().on_region_down(region, now)); }
    /// Records the outcome of another call in the region, as the driver does.
    void other_call_ends(std::size_t region, health::FailureClass failure_class) {
        auto token = regions.on_dispatch(region, model, health::Awaited::other, now);
        regions.on_outcome(token, failure_class, now);
    }
    Lines granted() { return lines(machine().on_granted(now)); }
    Lines queued(nanoseconds wait) { return lines(machine().on_queued(now + wait)); }
    Lines refused() { return lines(machine().on_refused(now)); }
    Lines permit_ready() { return lines(machine().on_permit_ready(now)); }
    Lines cancel() { return lines(machine().on_cancel(now)); }
    /// Brings an attempt to its first content.
    void commit(int attempt = 1) {
        connect(attempt);
        first_byte(attempt);
        content(attempt);
    }

    /// Moves the clock, waking the machine whenever it asked for it; attempts whose limit expired end as they do in the
    /// driver. "spin": the machine did nothing when it was woken and asks to be woken again at once.
    Lines pass(nanoseconds span) {
        Lines all;
        const auto target = now + span;
        for (;;) {
            const auto wake = machine().wake_at(now);
            if (!wake || *wake > target) break;
            now = std::max(now, *wake);
            const auto commands = machine().on_wake(now);
            passing_ = true;
            append(all, lines(commands));
            passing_ = false;
            if (commands.size() == 0 && machine().wake_at(now) && *machine().wake_at(now) <= now) {
                all.emplace_back("spin");
                break;
            }
        }
        now = target;
        return all;
    }
    /// Ends an attempt and waits, if necessary, for the next commands.
    Lines end_and_wait(int attempt, const Outcome& outcome) {
        auto seen = end(attempt, outcome);
        return seen.empty() ? pass_until_something() : seen;
    }
    /// Waits until the machine next does something, at most an hour; `now` is then that moment.
    Lines pass_until_something() {
        for (int i = 0; i < 100; ++i) {
            const auto wake = machine().wake_at(now);
            if (!wake || *wake > now + std::chrono::hours(1)) return {};
            auto seen = pass(std::max(nanoseconds{}, *wake - now));
            if (!seen.empty()) return seen;
        }
        return {"never"};
    }

  private:
    Lines lines(const Commands& commands) {
        Lines result;
        for (const auto& command : commands) {
            switch (command.kind) {
                case Command::Kind::check_path:
                    if (passing_) append(result, lines(machine().on_path(command.attempt, evidence, now)));
                    break;
                case Command::Kind::acquire:
                    if (grants) {
                        append(result, granted());
                    } else {
                        result.push_back(describe(command, machine()));
                    }
                    break;
                case Command::Kind::ask_policy: append(result, ask_policy(command)); break;
                case Command::Kind::cancel:
                    result.push_back(describe(command, machine()));
                    if (!passing_ || !command.limit) break;
                    append(result, end(command.attempt, {.error = ErrorCode::timed_out, .limit = *command.limit}));
                    break;
                case Command::Kind::release:
                    if (grants) break;
                    [[fallthrough]];
                case Command::Kind::start:
                case Command::Kind::commit:
                case Command::Kind::recover:
                case Command::Kind::finish:
                case Command::Kind::late:
                case Command::Kind::await_room: result.push_back(describe(command, machine())); break;
            }
        }
        return result;
    }
    Lines ask_policy(const Command& command) {
        const AttemptRecord record{.number = command.attempt, .error = errors_[command.attempt]};
        const auto verdict = retry_policy->decide({.attempt = record,
                                                   .would_retry = command.would_retry,
                                                   .delay = std::chrono::duration_cast<milliseconds>(command.delay),
                                                   .content_delivered = command.content_delivered});
        return lines(machine().on_policy(verdict, now));
    }
    static void append(Lines& to, Lines from) { to.insert(to.end(), from.begin(), from.end()); }

    std::vector<std::size_t> plan_;
    std::optional<CallMachine> machine_;
    std::map<int, ErrorCode> errors_;
    std::set<int> sent_, received_;
    bool passing_ = false;
};

}  // namespace holysheep::call
