// Simulates thousands of calls against random faults and checks that the rules of a call always hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using Kind = Command::Kind;

/// A policy with random decisions; half of them follow the default rules.
struct RandomPolicy final : RetryPolicy {
    explicit RandomPolicy(std::uint64_t seed) : random(seed) {}
    mutable std::mt19937_64 random;
    RetryVerdict decide(const RetryContext& context) const override {
        switch (random() % 4) {
            case 0: return {.retry = true, .delay = milliseconds(random() % 2'000)};
            case 1: return {.retry = false};
            default: return {.retry = context.would_retry, .delay = context.delay};
        }
    }
};

/// One random call: the regions' state is random, and attempts connect, answer, stop or break at random times.
class RandomCall {
  public:
    explicit RandomCall(std::uint64_t seed) : random_(seed) {
        const auto count = 1 + pick(4);
        regions_ =
            std::make_unique<health::RegionHealthTracker>(make_regions(count), HealthOptions{}, BreakerOptions{}, seed);
        const auto model = regions_->model_id("model");
        for (std::size_t r = 0; r < count; ++r) {
            plan_.push_back(r);
            if (one_in(8)) regions_->set_draining(r, true, now_);
            if (one_in(4)) regions_->limit_until(r, model, now_ + milliseconds(pick(90'000)));
            for (auto failures = one_in(3) ? pick(12) : 0; failures > 0; --failures) {
                auto ticket = regions_->on_dispatch(r, model, health::Awaited::other, now_);
                regions_->on_outcome(ticket, health::FailureClass::gateway, now_);
            }
        }
        std::shuffle(plan_.begin(), plan_.end(), random_);
        RetryOptions retry;
        if (one_in(3)) retry.max_attempts = static_cast<int>(1 + pick(6));
        retry.server_500 = !one_in(4);
        TimeoutOptions timeouts;
        if (one_in(3)) timeouts.first_byte = milliseconds(100 + pick(5'000));
        if (one_in(3)) timeouts.attempt = milliseconds(100 + pick(20'000));
        if (one_in(6)) timeouts.connect = 0ms;
        std::optional<milliseconds> deadline;
        if (one_in(2)) deadline = milliseconds(pick(20'000));
        policy_ = make_policy(retry, timeouts, deadline, one_in(2), now_);
        policy_.cost_safe = one_in(4);
        policy_.keys_differ = one_in(2);
        policy_.seed = seed;
        if (one_in(4)) budget_ = {0.2, static_cast<int>(pick(3))};
        if (one_in(2)) policy_.sign_of_life = 1s;
        if (one_in(3)) policy_.hedge_after = milliseconds(pick(500));
        if (one_in(2)) policy_.usual = milliseconds(pick(3'000));
        policy_.user_set_first_content = policy_.stream && one_in(3);
        if (one_in(3)) retry_policy_ = std::make_unique<RandomPolicy>(seed);
        policy_.has_retry_policy = retry_policy_ != nullptr;
        machine_ = std::make_unique<CallMachine>(policy_, plan_, model, *regions_, Budgets{budget_, hedges_, canaries_},
                                                 rooms_);
    }

    void run() {
        apply(machine_->start(now_));
        const auto cancel_at = one_in(5) ? now_ + milliseconds(pick(5'000)) : time_point::max();
        for (int steps = 0; !machine_->finished(); ++steps) {
            ASSERT_LT(steps, 1'000) << "the call never ends\n" << log();
            const auto wake = machine_->wake_at(now_);
            const auto event = events_.empty() ? time_point::max() : events_.begin()->first;
            const auto next = std::min({wake.value_or(time_point::max()), event, cancel_at});
            ASSERT_NE(next, time_point::max()) << "the call waits without a timer\n" << log();
            now_ = std::max(now_, next);
            if (next == cancel_at) {
                apply(machine_->on_cancel(now_));
            } else if (next == event) {
                const auto event_function = std::move(events_.begin()->second);
                events_.erase(events_.begin());
                event_function();
            } else {
                const auto commands = machine_->on_wake(now_);
                const auto next_wake = machine_->wake_at(now_);
                ASSERT_FALSE(commands.size() == 0 && next_wake && *next_wake <= now_)
                    << "the machine asks to be woken at once without progress\n"
                    << log();
                apply(commands);
            }
            if (testing::Test::HasFatalFailure()) return;
        }
        check_end();
    }

    std::string log() const {
        std::string text;
        for (const auto& line : log_) text += line + "\n";
        return text;
    }
    Ending ending() const { return machine_->ending(); }

  private:
    struct Flight {
        std::size_t region = 0;
        bool open = true, sent = false, answering = false, content = false;
        bool rejected = false;  // lost a connection race
    };
    bool visited(std::size_t region) const {
        return std::ranges::any_of(flights_,
                                   [&](const auto& f) { return f.second.region == region && !f.second.rejected; });
    }

    std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
    bool one_in(std::size_t n) { return pick(n) == 0; }
    /// A random time: mostly short, sometimes beyond every limit.
    nanoseconds random_time() {
        switch (pick(8)) {
            case 0: return 0ns;
            case 1: return milliseconds(pick(400'000));
            case 2: return milliseconds(pick(5'000));
            default: return milliseconds(pick(300));
        }
    }
    template <class Function>
    void later(int attempt, Function function) {
        events_.emplace(now_ + random_time(), [this, attempt, function] {
            if (flights_[attempt].open) function();
        });
    }

    void apply(const Commands& commands) {
        for (const auto& command : commands) {
            log_.push_back(std::to_string((now_ - kStart).count()) + " " + describe(command, *machine_));
            ASSERT_EQ(finishes_, 0) << "a command after the end\n" << log();
            switch (command.kind) {
                case Kind::start: begin(command); break;
                case Kind::cancel: stop(command); break;
                case Kind::commit:
                    ASSERT_EQ(commits_++, 0) << log();
                    for (const auto& [number, flight] : flights_) {
                        ASSERT_EQ(flight.open, number == command.attempt)
                            << "another attempt is open after the commit\n"
                            << log();
                    }
                    break;
                case Kind::recover: FAIL() << "recovery is not enabled\n" << log(); break;
                case Kind::finish: ++finishes_; break;
                case Kind::check_path: report_path(command.attempt); break;
                case Kind::acquire: apply(machine_->on_granted(now_)); break;
                case Kind::await_room: FAIL() << "every region has free permits\n" << log(); break;
                case Kind::ask_policy: ask_policy(command); break;
                case Kind::release: break;
                case Kind::late: ASSERT_FALSE(flights_[command.attempt].content) << log(); break;
            }
            if (testing::Test::HasFatalFailure()) return;
        }
    }

    void begin(const Command& command) {
        ASSERT_EQ(command.attempt, static_cast<int>(flights_.size()) + 1) << log();
        ASSERT_TRUE(!policy_.deadline || now_ < *policy_.deadline) << "dispatched after the deadline\n" << log();
        ASSERT_FALSE(regions_->draining(command.region)) << "dispatched to a draining region\n" << log();
        ASSERT_EQ(commits_, 0) << "an attempt after content\n" << log();
        ASSERT_TRUE(!policy_.cost_safe || !maybe_delivered_) << "sent twice\n" << log();
        const bool closed = regions_->breakers_closed(command.region, regions_->model_id("model"), now_);
        ASSERT_TRUE(!command.panic || !closed || visited(command.region)) << "a panic attempt to a usable region\n"
                                                                          << log();
        panic_attempts_ += command.panic ? 1 : 0;
        const bool is_return = command.attempt_kind == AttemptKind::retry;
        ASSERT_EQ(visited(command.region), is_return) << log();
        flights_[command.attempt] = {.region = command.region};
        const int limit = policy_.retry.max_attempts > 0 ? policy_.retry.max_attempts
                                                         : static_cast<int>(machine_->planner().eligible_regions()) + 2;
        const int regular =
            static_cast<int>(flights_.size()) - (policy_.retry.max_attempts > 0 ? 0 : panic_attempts_ + 1);
        ASSERT_LE(regular, limit) << log();
        later(command.attempt, [this, n = command.attempt] { connect_or_fail(n); });
    }

    void ask_policy(const Command& command) {
        const AttemptRecord record{.number = command.attempt};
        apply(
            machine_->on_policy(retry_policy_->decide({.attempt = record,
                                                       .would_retry = command.would_retry,
                                                       .delay = std::chrono::duration_cast<milliseconds>(command.delay),
                                                       .content_delivered = command.content_delivered}),
                                now_));
    }

    Verdict verdict_of(const Outcome& outcome) const {
        return classify(outcome, policy_.retry, {.differ = policy_.keys_differ});
    }

    void report_path(int n) {
        std::optional<PathEvidence> evidence;
        if (!one_in(4)) {
            evidence = PathEvidence{.srtt = 20ms, .rttvar = 1ms, .via_proxy = one_in(8)};
            if (one_in(2)) evidence->unacked_for = milliseconds(pick(200));
        }
        apply(machine_->on_path(n, evidence, now_));
    }

    void stop(const Command& command) {
        auto& flight = flights_[command.attempt];
        ASSERT_TRUE(flight.open) << "cancelled twice\n" << log();
        flight.open = false;
        flight.rejected = !command.limit && !flight.sent;
        if (!command.limit) return;
        Outcome outcome{.error = flight.content ? ErrorCode::stream_stalled : ErrorCode::timed_out,
                        .limit = *command.limit,
                        .certainly_not_delivered = !flight.sent,
                        .any_byte = flight.answering || flight.content};
        maybe_delivered_ = maybe_delivered_ || flight.sent;
        apply(machine_->on_end(command.attempt, outcome, verdict_of(outcome), now_));
    }

    void connect_or_fail(int n) {
        if (one_in(3)) {
            end(n, {.error = one_in(3) ? ErrorCode::tls_failed : ErrorCode::transport_failed,
                    .certainly_not_delivered = true});
            return;
        }
        Commands commands;
        if (!machine_->on_connected(n, now_, commands)) {
            apply(commands);
            end(n, {.error = ErrorCode::cancelled, .certainly_not_delivered = true});
            return;
        }
        apply(commands);
        flights_[n].sent = true;
        const auto sent = std::ranges::count_if(flights_, [](const auto& f) { return f.second.open && f.second.sent; });
        ASSERT_LE(sent, policy_.cost_safe ? 1 : 4) << "too many requests at once\n" << log();
        if (one_in(6)) {
            later(n, [this, n] { apply(machine_->on_region_down(flights_[n].region, now_)); });
        }
        if (one_in(8)) return;  // never answers
        later(n, [this, n] { answer_or_fail(n); });
    }

    void answer_or_fail(int n) {
        if (one_in(3)) {
            end(n, {.connection_reused = one_in(2)});
            return;
        }
        apply(machine_->on_first_byte(n, now_));
        flights_[n].answering = true;
        if (one_in(8)) return;  // nothing follows the head
        if (policy_.stream && one_in(2)) {
            later(n, [this, n] { content(n, 3); });
        } else {
            later(n, [this, n] { end(n, random_answer()); });
        }
    }

    void content(int n, int more) {
        if (flights_[n].content) {
            machine_->on_progress(n, now_);
        } else {
            flights_[n].content = true;
            apply(machine_->on_content(n, now_));
        }
        if (one_in(8)) return;  // goes silent
        if (more > 0) {
            later(n, [this, n, more] { content(n, more - 1); });
        } else {
            later(n, [this, n] {
                end(n, one_in(2) ? Outcome{.answered = true}
                                 : Outcome{.error = ErrorCode::stream_interrupted, .status = 200, .any_byte = true});
            });
        }
    }

    Outcome random_answer() {
        struct Answer {
            ErrorCode error;
            int status;
        };
        constexpr Answer kAnswers[] = {
            {ErrorCode::server_failed, 500},   {ErrorCode::server_failed, 503},   {ErrorCode::timed_out, 504},
            {ErrorCode::rate_limited, 429},    {ErrorCode::conflict, 409},        {ErrorCode::invalid_request, 400},
            {ErrorCode::unauthenticated, 401}, {ErrorCode::model_not_found, 404}, {ErrorCode::malformed_response, 200}};
        if (one_in(3)) return {.answered = true};
        const auto& answer = kAnswers[pick(std::size(kAnswers))];
        Outcome outcome{.error = answer.error, .status = answer.status, .any_byte = true};
        if (one_in(4)) outcome.retry_after = milliseconds(pick(90'000));
        if (one_in(8)) outcome.should_retry = one_in(2);
        return outcome;
    }

    void end(int n, const Outcome& outcome) {
        auto& flight = flights_[n];
        flight.open = false;
        if (!outcome.answered && !outcome.certainly_not_delivered &&
            (outcome.status == 0 || outcome.status == 504 || outcome.status == 200)) {
            maybe_delivered_ = true;
        }
        conflict_ = outcome.error == ErrorCode::conflict;
        const auto model = regions_->model_id("model");
        if (outcome.retry_after) regions_->limit_until(flight.region, model, now_ + *outcome.retry_after);
        apply(machine_->on_end(n, outcome, verdict_of(outcome), now_));
    }

    void check_end() {
        ASSERT_EQ(finishes_, 1) << log();
        for (const auto& [number, flight] : flights_) ASSERT_FALSE(flight.open) << "left in flight\n" << log();
        ASSERT_GE(budget_.tokens(), 0) << log();
        ASSERT_EQ(machine_->wake_at(now_), std::nullopt) << log();
        const bool capped =
            static_cast<int>(flights_.size()) >= (policy_.retry.max_attempts > 0
                                                      ? policy_.retry.max_attempts
                                                      : static_cast<int>(machine_->planner().eligible_regions()) + 2);
        // A conflict is retried in the same region or not at all.
        if (capped || conflict_) return;
        if (ending() == Ending::regions_exhausted || ending() == Ending::wait_too_long) {
            for (const auto r : plan_) {
                ASSERT_TRUE(visited(r) || regions_->draining(r) ||
                            !regions_->usable(r, regions_->model_id("model"), now_) || retry_policy_)
                    << "gave up although region " << r << " was free\n"
                    << log();
            }
        }
    }

    static constexpr time_point kStart{1h};
    std::mt19937_64 random_;
    time_point now_ = kStart;
    std::unique_ptr<health::RegionHealthTracker> regions_;
    resilience::RetryBudget budget_{0.2, 20}, hedges_{0.05, 5}, canaries_{0.25, 5};
    CallPolicy policy_;
    std::vector<std::size_t> plan_;
    std::unique_ptr<RandomPolicy> retry_policy_;
    TestRooms rooms_{};
    std::unique_ptr<CallMachine> machine_;
    std::multimap<time_point, std::function<void()>> events_;
    std::map<int, Flight> flights_;
    std::vector<std::string> log_;
    int finishes_ = 0, commits_ = 0;
    bool maybe_delivered_ = false, conflict_ = false;
    int panic_attempts_ = 0;
};

TEST(CallMachineScripts, TheInvariantsHoldForRandomEvents) {
    std::map<Ending, int> endings;
    for (std::uint64_t seed = 1; seed <= 8'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomCall call(seed);
        call.run();
        if (HasFatalFailure()) return;
        ++endings[call.ending()];
    }
    for (const auto ending : {Ending::answered, Ending::refused, Ending::interrupted, Ending::regions_exhausted,
                              Ending::attempts_exhausted, Ending::budget_empty, Ending::wait_too_long,
                              Ending::maybe_delivered, Ending::deadline, Ending::cancelled, Ending::no_region}) {
        EXPECT_GT(endings[ending], 0) << "no call ended with " << name_of(ending);
    }
}

TEST(CallMachineScripts, TheSameSeedGivesTheSameCommands) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        RandomCall once(seed);
        RandomCall again(seed);
        once.run();
        again.run();
        ASSERT_EQ(once.log(), again.log());
    }
}

}  // namespace
}  // namespace holysheep::call
