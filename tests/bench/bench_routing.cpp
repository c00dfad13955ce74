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
#include "routing_world.hpp"
#include "runtime/timer_queue.hpp"

namespace holysheep::bench {
namespace {

// The number of overlapping calls: at a thousand a second, each waits 128 ms for its first content.
constexpr std::size_t kInFlight = 128;
constexpr std::size_t kUsualRegions = 8;

// ---- one pick ----

void picks(benchmark::State& state, RoutingWorld& world) {
    std::vector<std::size_t> plan;
    std::vector<health::AttemptToken> waiting;
    for (std::size_t i = 0; i < world.regions.size(); i += 2) {
        waiting.push_back(world.tracker.on_dispatch(i, world.model, health::Awaited::stream, world.now));
    }
    std::uint64_t count = 0;
    for (auto _ : state) {
        const auto now = world.tick();
        world.router.plan(world.request(count), now, plan);
        benchmark::DoNotOptimize(plan.data());
        // Half of the regions have a waiting call. One call in sixteen reports an outcome, otherwise the state would
        // never change.
        if (++count % 16 != 0) continue;
        auto& ticket = waiting[count / 16 % waiting.size()];
        world.tracker.on_first_content(ticket, now);
        world.tracker.on_outcome(ticket, health::FailureClass::success, now);
        ticket = world.tracker.on_dispatch(ticket.region, world.model, health::Awaited::stream, now);
    }
}

void BM_Pick(benchmark::State& state) {
    RoutingWorld world(static_cast<std::size_t>(state.range(0)));
    picks(state, world);
}
BENCHMARK(BM_Pick)->Arg(3)->Arg(8)->Arg(1000);

/// Failures fade with time, which needs an exponential for every region; and each region has a breaker for the model.
void BM_PickAfterFailures(benchmark::State& state) {
    RoutingWorld world(static_cast<std::size_t>(state.range(0)));
    std::vector<std::size_t> plan;
    std::uint64_t count = 0;
    for (auto _ : state) {
        if (count % 10'000 == 0) world.fail_everywhere();
        world.router.plan(world.request(count++), world.tick(), plan);
        benchmark::DoNotOptimize(plan.data());
    }
}
BENCHMARK(BM_PickAfterFailures)->Arg(3)->Arg(8)->Arg(1000);

// ---- a whole call ----

/// A successful stream as CallDriver runs it: the same queries and reports in the same order, without the request and
/// the answer.
class RoutedCall {
  public:
    RoutedCall(RoutingWorld& world, runtime::TimerQueue& timers, std::uint64_t number)
        : world_(world), timers_(timers), policy_(world.policy()) {
        const auto now = world_.now;
        world_.router.plan(world_.request(number), now, plan_);
        call::adapt_policy(policy_, world_.tracker, world_.tracker.model_id(kModel), health::Awaited::stream);
        model_ = world_.tracker.model_id(kModel);
        machine_.emplace(policy_, plan_, model_, world_.tracker,
                         call::Budgets{world_.retries, world_.hedges, world_.canaries}, world_.rooms);
        world_.recorder.on_call_started(true);
        world_.hedges.earn();
        benchmark::DoNotOptimize(machine_->start(now));
        const auto commands = machine_->on_granted(now);
        if (commands.size() != 1 || commands[0].kind != call::Command::Kind::start) {
            throw std::logic_error("a call that should have gone out did not");
        }
        region_ = commands[0].region;
        ticket_ = world_.tracker.on_dispatch(region_, model_, health::Awaited::stream, now);
        world_.recorder.on_dispatch(region_, world_.records[region_], std::nullopt);
        end_turn();
        call::Commands none;
        benchmark::DoNotOptimize(machine_->on_connected(1, now, none));
        end_turn();
    }
    RoutedCall(const RoutedCall&) = delete;
    RoutedCall& operator=(const RoutedCall&) = delete;

    void answer() {
        const auto now = world_.now;
        world_.tracker.on_alive(region_, now);
        if (world_.tracker.wants_rtt(region_, now)) world_.tracker.on_rtt(region_, std::chrono::milliseconds{40}, now);
        benchmark::DoNotOptimize(machine_->on_first_byte(1, now));
        end_turn();
        world_.tracker.on_alive(region_, now);
        world_.tracker.on_first_content(ticket_, now);
        benchmark::DoNotOptimize(machine_->on_content(1, now));
        end_turn();
        const call::Outcome outcome{.answered = true};
        const auto verdict = call::classify(outcome, policy_.retry);
        world_.tracker.on_outcome(ticket_, verdict.charge, now);
        world_.recorder.on_attempt_end(region_, world_.records[region_], world_.router.facts(region_, now));
        benchmark::DoNotOptimize(machine_->on_end(1, outcome, verdict, now));
        world_.recorder.on_call_end({.retry_tokens = world_.retries.tokens(), .hedge_tokens = world_.hedges.tokens()});
        end_turn();
        timers_.cancel(timer_);
    }

  private:
    void end_turn() {
        const auto wake = machine_->wake_at(world_.now);
        benchmark::DoNotOptimize(world_.tracker.has_notices());
        if (!wake || (timer_ != 0 && timer_at_ <= *wake)) return;
        if (timer_ != 0) timers_.cancel(timer_);
        timer_at_ = *wake;
        timer_ = timers_.add(*wake, [this] { benchmark::DoNotOptimize(this); });
    }

    RoutingWorld& world_;
    runtime::TimerQueue& timers_;
    call::CallPolicy policy_;
    std::vector<std::size_t> plan_;
    std::optional<call::CallMachine> machine_;
    health::AttemptToken ticket_{};
    runtime::TimerQueue::TimerId timer_ = 0;
    Clock::time_point timer_at_{};
    std::size_t region_ = 0;
    values::ModelId model_ = 0;
};

void BM_RoutingPerCall(benchmark::State& state) {
    RoutingWorld world(static_cast<std::size_t>(state.range(0)));
    runtime::TimerQueue timers;
    std::array<std::optional<RoutedCall>, kInFlight> calls;
    std::uint64_t number = 0;
    for (auto _ : state) {
        world.tick();
        auto& call = calls[number % calls.size()];
        if (call) call->answer();
        call.emplace(world, timers, number++);
    }
}
BENCHMARK(BM_RoutingPerCall)->Arg(3)->Arg(8)->Arg(1000);

// ---- its parts ----

void BM_PartPolicy(benchmark::State& state) {
    RoutingWorld world(kUsualRegions);
    const auto ready = world.policy();
    for (auto _ : state) {
        auto policy = ready;
        call::adapt_policy(policy, world.tracker, world.tracker.model_id(kModel), health::Awaited::stream);
        benchmark::DoNotOptimize(policy);
    }
}
BENCHMARK(BM_PartPolicy);

void BM_PartTracker(benchmark::State& state) {
    RoutingWorld world(kUsualRegions);
    std::array<std::optional<health::AttemptToken>, kInFlight> tickets;
    std::size_t number = 0;
    for (auto _ : state) {
        const auto now = world.tick();
        auto& ticket = tickets[number++ % tickets.size()];
        if (ticket) {
            world.tracker.on_alive(ticket->region, now);
            world.tracker.on_alive(ticket->region, now);
            world.tracker.on_first_content(*ticket, now);
            world.tracker.on_outcome(*ticket, health::FailureClass::success, now);
        }
        // Not in regular order, so that the latency samples come as unevenly as in production.
        ticket = world.tracker.on_dispatch(number * 5 % kUsualRegions, world.model, health::Awaited::stream, now);
    }
}
BENCHMARK(BM_PartTracker);

void BM_PartMachine(benchmark::State& state) {
    RoutingWorld world(kUsualRegions);
    auto policy = world.policy();
    call::adapt_policy(policy, world.tracker, world.model, health::Awaited::stream);
    for (auto _ : state) {
        const auto now = world.tick();
        policy.deadline = now + std::chrono::minutes{10};
        call::CallMachine machine(policy, world.all, world.model, world.tracker,
                                  {world.retries, world.hedges, world.canaries}, world.rooms);
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
    RoutingWorld world(kUsualRegions);
    std::size_t number = 0;
    for (auto _ : state) benchmark::DoNotOptimize(world.router.facts(number++ % kUsualRegions, world.tick()));
}
BENCHMARK(BM_PartFacts);

void BM_PartRecorder(benchmark::State& state) {
    RoutingWorld world(kUsualRegions);
    const auto facts = world.router.facts(0, world.now);
    std::size_t number = 0;
    for (auto _ : state) {
        const auto region = number++ % kUsualRegions;
        world.recorder.on_call_started(true);
        world.recorder.on_dispatch(region, world.records[region], std::nullopt);
        world.recorder.on_attempt_end(region, world.records[region], facts);
        world.recorder.on_call_end({.retry_tokens = 20, .hedge_tokens = 5});
    }
}
BENCHMARK(BM_PartRecorder);

}  // namespace
}  // namespace holysheep::bench
