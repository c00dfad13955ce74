// Measures the cost of routing for a call: one pick, all routing work of a successful call, and the parts of that work
// one by one. The time between calls is virtual, one millisecond each.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include <benchmark/benchmark.h>

#include "call/classification.hpp"
#include "routing_fixture.hpp"
#include "runtime/timer_queue.hpp"

namespace holysheep::bench {
namespace {

// The number of overlapping calls: at a thousand a second, each waits 128 ms for its first content.
constexpr std::size_t kInFlight = 128;
constexpr std::size_t kUsualRegions = 8;

// ---- one pick ----

void picks(benchmark::State& state, RoutingFixture& routing) {
    std::vector<std::size_t> plan;
    std::vector<health::AttemptToken> waiting;
    for (std::size_t i = 0; i < routing.regions.size(); i += 2) {
        waiting.push_back(routing.tracker.on_dispatch(i, routing.model, health::Awaited::stream, routing.now));
    }
    std::uint64_t count = 0;
    for (auto _ : state) {
        const auto now = routing.tick();
        routing.router.plan(routing.request(count), now, plan);
        benchmark::DoNotOptimize(plan.data());
        // Half of the regions have a waiting call. One call in sixteen reports an outcome, otherwise the state would
        // never change.
        if (++count % 16 != 0) continue;
        auto& ticket = waiting[count / 16 % waiting.size()];
        routing.tracker.on_first_content(ticket, now);
        routing.tracker.on_outcome(ticket, health::FailureClass::success, now);
        ticket = routing.tracker.on_dispatch(ticket.region, routing.model, health::Awaited::stream, now);
    }
}

void BM_Pick(benchmark::State& state) {
    RoutingFixture routing(static_cast<std::size_t>(state.range(0)));
    picks(state, routing);
}
BENCHMARK(BM_Pick)->Arg(3)->Arg(8)->Arg(1000);

/// Failures fade with time, which needs an exponential for every region; and each region has a breaker for the model.
void BM_PickAfterFailures(benchmark::State& state) {
    RoutingFixture routing(static_cast<std::size_t>(state.range(0)));
    std::vector<std::size_t> plan;
    std::uint64_t count = 0;
    for (auto _ : state) {
        if (count % 10'000 == 0) routing.fail_everywhere();
        routing.router.plan(routing.request(count++), routing.tick(), plan);
        benchmark::DoNotOptimize(plan.data());
    }
}
BENCHMARK(BM_PickAfterFailures)->Arg(3)->Arg(8)->Arg(1000);

// ---- a whole call ----

/// A successful stream as CallDriver runs it: the same queries and reports in the same order, without the request and
/// the answer.
class RoutedCall {
  public:
    RoutedCall(RoutingFixture& routing, runtime::TimerQueue& timers, std::uint64_t number)
        : routing_(routing), timers_(timers), policy_(routing.policy()) {
        const auto now = routing_.now;
        routing_.router.plan(routing_.request(number), now, plan_);
        call::adapt_policy(policy_, routing_.tracker, routing_.tracker.model_id(kModel), health::Awaited::stream);
        model_ = routing_.tracker.model_id(kModel);
        machine_.emplace(policy_, plan_, model_, routing_.tracker,
                         call::Budgets{routing_.retries, routing_.hedges, routing_.canaries}, routing_.rooms);
        routing_.recorder.on_call_started(true);
        routing_.hedges.earn();
        benchmark::DoNotOptimize(machine_->start(now));
        const auto commands = machine_->on_granted(now);
        if (commands.size() != 1 || commands[0].kind != call::Command::Kind::start) {
            throw std::logic_error("a call that should have gone out did not");
        }
        region_ = commands[0].region;
        token_ = routing_.tracker.on_dispatch(region_, model_, health::Awaited::stream, now);
        routing_.recorder.on_dispatch(region_, routing_.records[region_], std::nullopt);
        end_turn();
        call::Commands none;
        benchmark::DoNotOptimize(machine_->on_connected(1, now, none));
        end_turn();
    }
    RoutedCall(const RoutedCall&) = delete;
    RoutedCall& operator=(const RoutedCall&) = delete;

    void answer() {
        const auto now = routing_.now;
        routing_.tracker.on_alive(region_, now);
        if (routing_.tracker.wants_rtt(region_, now))
            routing_.tracker.on_rtt(region_, std::chrono::milliseconds{40}, now);
        benchmark::DoNotOptimize(machine_->on_first_byte(1, now));
        end_turn();
        routing_.tracker.on_alive(region_, now);
        routing_.tracker.on_first_content(token_, now);
        benchmark::DoNotOptimize(machine_->on_content(1, now));
        end_turn();
        const call::Outcome outcome{.answered = true};
        const auto verdict = call::classify(outcome, policy_.retry);
        routing_.tracker.on_outcome(token_, verdict.charge, now);
        routing_.recorder.on_attempt_end(region_, routing_.records[region_], routing_.router.facts(region_, now));
        benchmark::DoNotOptimize(machine_->on_end(1, outcome, verdict, now));
        routing_.recorder.on_call_end(
            {.retry_tokens = routing_.retries.tokens(), .hedge_tokens = routing_.hedges.tokens()});
        end_turn();
        timers_.cancel(timer_);
    }

  private:
    void end_turn() {
        const auto wake = machine_->wake_at(routing_.now);
        benchmark::DoNotOptimize(routing_.tracker.has_notices());
        if (!wake || (timer_ != 0 && timer_at_ <= *wake)) return;
        if (timer_ != 0) timers_.cancel(timer_);
        timer_at_ = *wake;
        timer_ = timers_.add(*wake, [this] { benchmark::DoNotOptimize(this); });
    }

    RoutingFixture& routing_;
    runtime::TimerQueue& timers_;
    call::CallPolicy policy_;
    std::vector<std::size_t> plan_;
    std::optional<call::CallMachine> machine_;
    health::AttemptToken token_{};
    runtime::TimerQueue::TimerId timer_ = 0;
    Clock::time_point timer_at_{};
    std::size_t region_ = 0;
    values::ModelId model_ = 0;
};

void BM_RoutingPerCall(benchmark::State& state) {
    RoutingFixture routing(static_cast<std::size_t>(state.range(0)));
    runtime::TimerQueue timers;
    std::array<std::optional<RoutedCall>, kInFlight> calls;
    std::uint64_t number = 0;
    for (auto _ : state) {
        routing.tick();
        auto& call = calls[number % calls.size()];
        if (call) call->answer();
        call.emplace(routing, timers, number++);
    }
}
BENCHMARK(BM_RoutingPerCall)->Arg(3)->Arg(8)->Arg(1000);

// ---- its parts ----

void BM_PartPolicy(benchmark::State& state) {
    RoutingFixture routing(kUsualRegions);
    const auto ready = routing.policy();
    for (auto _ : state) {
        auto policy = ready;
        call::adapt_policy(policy, routing.tracker, routing.tracker.model_id(kModel), health::Awaited::stream);
        benchmark::DoNotOptimize(policy);
    }
}
BENCHMARK(BM_PartPolicy);

void BM_PartTracker(benchmark::State& state) {
    RoutingFixture routing(kUsualRegions);
    std::array<std::optional<health::AttemptToken>, kInFlight> tokens;
    std::size_t number = 0;
    for (auto _ : state) {
        const auto now = routing.tick();
        auto& ticket = tokens[number++ % tokens.size()];
        if (ticket) {
            routing.tracker.on_alive(ticket->region, now);
            routing.tracker.on_alive(ticket->region, now);
            routing.tracker.on_first_content(*ticket, now);
            routing.tracker.on_outcome(*ticket, health::FailureClass::success, now);
        }
        // Not in regular order, so that the latency samples come as unevenly as in production.
        ticket = routing.tracker.on_dispatch(number * 5 % kUsualRegions, routing.model, health::Awaited::stream, now);
    }
}
BENCHMARK(BM_PartTracker);

void BM_PartMachine(benchmark::State& state) {
    RoutingFixture routing(kUsualRegions);
    auto policy = routing.policy();
    call::adapt_policy(policy, routing.tracker, routing.model, health::Awaited::stream);
    for (auto _ : state) {
        const auto now = routing.tick();
        policy.deadline = now + std::chrono::minutes{10};
        call::CallMachine machine(policy, routing.all, routing.model, routing.tracker,
                                  {routing.retries, routing.hedges, routing.canaries}, routing.rooms);
        const auto ask = [&] { benchmark::DoNotOptimize(machine.wake_at(now)); };
        benchmark::DoNotOptimize(machine.start(now));
        benchmark::DoNotOptimize(machine.on_granted(now));
        ask();
        call::Commands none;
        benchmark::DoNotOptimize(machine.on_connected(1, now, none));
        ask();
        benchmark::DoNotOptimize(machine.on_first_byte(1, now));
        ask();
        benchmark::DoNotOptimize(machine.on_content(1, now));
        ask();
        benchmark::DoNotOptimize(machine.on_end(1, {.answered = true}, {}, now));
        ask();
    }
}
BENCHMARK(BM_PartMachine);

void BM_PartTimer(benchmark::State& state) {
    runtime::TimerQueue timers;
    std::array<runtime::TimerQueue::TimerId, kInFlight> ids{};
    const Clock::time_point start{};
    std::size_t number = 0;
    for (auto _ : state) {
        auto& id = ids[number % ids.size()];
        if (id != 0) timers.cancel(id);
        id = timers.add(start + std::chrono::milliseconds{number++}, [&state] { benchmark::DoNotOptimize(&state); });
    }
}
BENCHMARK(BM_PartTimer);

void BM_PartFacts(benchmark::State& state) {
    RoutingFixture routing(kUsualRegions);
    std::size_t number = 0;
    for (auto _ : state) benchmark::DoNotOptimize(routing.router.facts(number++ % kUsualRegions, routing.tick()));
}
BENCHMARK(BM_PartFacts);

void BM_PartRecorder(benchmark::State& state) {
    RoutingFixture routing(kUsualRegions);
    const auto facts = routing.router.facts(0, routing.now);
    std::size_t number = 0;
    for (auto _ : state) {
        const auto region = number++ % kUsualRegions;
        routing.recorder.on_call_started(true);
        routing.recorder.on_dispatch(region, routing.records[region], std::nullopt);
        routing.recorder.on_attempt_end(region, routing.records[region], facts);
        routing.recorder.on_call_end({.retry_tokens = 20, .hedge_tokens = 5});
    }
}
BENCHMARK(BM_PartRecorder);

}  // namespace
}  // namespace holysheep::bench
