// The order of the faults is the plan's; when they come depends on the regions being as whole as the plan takes them to
// be.
#include "fault_runner.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <utility>

namespace holysheep::soak {

namespace {

// A machine that is later than this with its faults has no time for the calls either: what they see proves nothing.
constexpr milliseconds kMostDelay{20'000};

}  // namespace

FaultRunner::FaultRunner(std::vector<std::unique_ptr<Site>>& sites, const Watcher& watcher,
                         std::vector<PlannedFault> plan, std::ostream& log)
    : sites_(sites), watcher_(watcher), plan_(plan.begin(), plan.end()), log_(log) {
    for (const auto& site : sites) names_.push_back(site->name());
}

bool FaultRunner::has_refuge(std::size_t but) const {
    for (std::size_t region = 0; region < sites_.size(); ++region) {
        const bool struck = std::ranges::any_of(running_, [&](const Running& r) { return r.fault.region == region; });
        if (region != but && !struck && watcher_.whole_for(region) >= kRefuge) return true;
    }
    return false;
}

void FaultRunner::step() {
    const auto now = Clock::now();
    const auto over = std::partition(running_.begin(), running_.end(), [&](const Running& r) { return r.ends > now; });
    const std::vector<Running> ended(over, running_.end());
    running_.erase(over, running_.end());
    for (const auto& running : ended) mend(running);

    if (plan_.empty() || now < begun_ + plan_.front().at + delay_) return;
    const auto& next = plan_.front();
    const bool busy = std::ranges::any_of(running_, [&](const Running& r) { return r.fault.region == next.region; });
    if (busy || !has_refuge(next.region)) {
        delay_ = std::chrono::duration_cast<milliseconds>(now - begun_) - next.at;
        if (delay_ > kMostDelay) throw std::runtime_error("the machine is too busy: no region answers in time");
        return;
    }
    const auto fault = next;
    plan_.pop_front();
    log(to_text(fault, names_));
    sites_[fault.region]->strike(fault.part, fault.blow);
    ++struck_;
    running_.push_back({.fault = fault, .ends = now + fault.lasts});
}

void FaultRunner::mend(const Running& running) {
    sites_[running.fault.region]->mend(running.fault.part, running.fault.blow);
    if (running.fault.blow != Blow::restart) log(names_[running.fault.region] + " mended");
}

void FaultRunner::end() {
    plan_.clear();
    for (const auto& running : std::exchange(running_, {})) mend(running);
}

void FaultRunner::log(const std::string& text) {
    log_ << std::chrono::duration_cast<milliseconds>(Clock::now() - begun_).count() << " ms: " << text << std::endl;
}

}  // namespace holysheep::soak
