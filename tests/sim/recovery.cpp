// Measures recovery with sliding windows over the calls, which are in order of time.
#include "recovery.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kShareWindow = 2s, kServiceWindow = 1s, kStep = 100ms;
constexpr double kMinShare = 0.02;

std::span<const CallEntry> between(const Ledger& ledger, Time from, Time to) {
    const auto& calls = ledger.calls();
    const auto first = std::ranges::lower_bound(calls, from, {}, &CallEntry::began);
    const auto last = std::ranges::lower_bound(calls, to, {}, &CallEntry::began);
    return {first, last};
}

double share(std::span<const CallEntry> calls, std::size_t region) {
    if (calls.empty()) return 0;
    const auto there = std::ranges::count(calls, std::optional(region), &CallEntry::first_region);
    return static_cast<double>(there) / static_cast<double>(calls.size());
}

Time median(std::span<const CallEntry> calls) {
    std::vector<Time> latencies;
    for (const auto& call : calls) latencies.push_back(call.first_content ? *call.first_content - call.began : kNever);
    if (latencies.empty()) return kNever;
    const auto middle = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() / 2);
    std::ranges::nth_element(latencies, middle);
    return *middle;
}

bool served(std::span<const CallEntry> calls, Time old_median) {
    const auto good = std::ranges::count_if(calls, [](const auto& call) { return call.over && call.succeeded; });
    return static_cast<double>(good) >= 0.99 * static_cast<double>(calls.size()) && median(calls) <= 2 * old_median;
}

/// The one region that all faults affect, if there is exactly one.
std::optional<std::size_t> affected_region(std::span<const Fault> faults) {
    const auto& first = faults.front().region;
    const bool same = std::ranges::all_of(faults, [&first](const auto& fault) { return fault.region == first; });
    return same ? first : std::nullopt;
}

}  // namespace

std::optional<double> recovery_seconds(const SimulationPlan& plan, const Ledger& ledger) {
    std::vector<Fault> temporary;
    std::ranges::copy_if(plan.faults, std::back_inserter(temporary), [&](const Fault& fault) {
        return fault.from > Time{0} || fault.to < plan.duration;  // otherwise the fault lasts for the whole simulation
    });
    if (temporary.empty()) return std::nullopt;
    Time from = kNever, to{};
    for (const auto& fault : temporary) {
        if (fault.kind == FaultKind::restart || fault.kind == FaultKind::clock_jump) return std::nullopt;
        from = std::min(from, fault.from);
        to = std::max(to, fault.to);
    }
    const auto region = affected_region(temporary);
    const auto before = between(ledger, std::min(plan.warm_up, from / 2), from);
    const double old_share = region ? share(before, *region) : 0;
    if (before.empty() || (region && old_share < kMinShare)) return std::nullopt;
    const auto old_median = region ? Time{} : median(before);
    for (Time now = to; now < plan.duration; now += kStep) {
        const bool recovered = region ? share(between(ledger, now - kShareWindow, now), *region) >= old_share / 2
                                      : served(between(ledger, now, now + kServiceWindow), old_median);
        if (recovered) return seconds(now - to);
    }
    return seconds(plan.duration - to);
}

}  // namespace holysheep::sim
