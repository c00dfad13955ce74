// Faults keep the order of the plan. A fault is delayed until the regions are as healthy as the plan assumes.
#include "fault_runner.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <utility>

namespace holysheep::soak {

namespace {

// With a longer delay the machine is too slow for meaningful results.
constexpr milliseconds kMaxDelay{20'000};

}  // namespace

FaultRunner::FaultRunner(std::vector<std::unique_ptr<Site>>& sites, const Watcher& watcher,
                         std::vector<PlannedFault> plan, std::ostream& log)
    : sites_(sites), watcher_(watcher), plan_(plan.begin(), plan.end()), log_(log) {
    for (const auto& site : sites) names_.push_back(site->name());
}

bool FaultRunner::another_is_healthy(std::size_t except) const {
    for (std::size_t region = 0; region < sites_.size(); ++region) {
        const bool injected = std::ranges::any_of(running_, [&](const Running& r) { return r.fault.region == region; });
        if (region != except && !injected && watcher_.healthy_for(region) >= kMinHealthyTime) return true;
    }
    return false;
}

void FaultRunner::step() {
    const auto now = Clock::now();
    const auto over = std::partition(running_.begin(), running_.end(), [&](const Running& r) { return r.ends > now; });
    const std::vector<Running> ended(over, running_.end());
    running_.erase(over, running_.end());
    for (const auto& running : ended) recover(running);

    if (plan_.empty() || now < started_ + plan_.front().at + delay_) return;
    const auto& next = plan_.front();
    const bool busy = std::ranges::any_of(running_, [&](const Running& r) { return r.fault.region == next.region; });
    if (busy || !another_is_healthy(next.region)) {
        delay_ = std::chrono::duration_cast<milliseconds>(now - started_) - next.at;
        if (delay_ > kMaxDelay) throw std::runtime_error("the machine is too busy: no region answers in time");
        return;
    }
    const auto fault = next;
    plan_.pop_front();
    log(to_text(fault, names_));
    sites_[fault.region]->inject(fault.target, fault.kind);
    ++injected_;
    running_.push_back({.fault = fault, .ends = now + fault.duration});
}

void FaultRunner::recover(const Running& running) {
    sites_[running.fault.region]->recover(running.fault.target, running.fault.kind);
    if (running.fault.kind != FaultKind::restart) log(names_[running.fault.region] + " recovered");
}

void FaultRunner::end() {
    plan_.clear();
    for (const auto& running : std::exchange(running_, {})) recover(running);
}

void FaultRunner::log(const std::string& text) {
    log_ << std::chrono::duration_cast<milliseconds>(Clock::now() - started_).count() << " ms: " << text << std::endl;
}

}  // namespace holysheep::soak
