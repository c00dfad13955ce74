// Executes the fault plan on real processes; delays faults while no other region is healthy.
// make_plan → [FaultRunner] → Site
#pragma once

#include <chrono>
#include <deque>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "fault_plan.hpp"
#include "site.hpp"
#include "watcher.hpp"

namespace holysheep::soak {

class FaultRunner {
  public:
    /// Writes a line with the time of each action to `log`.
    FaultRunner(std::vector<std::unique_ptr<Site>>& sites, const Watcher& watcher, std::vector<PlannedFault> plan,
                std::ostream& log);

    /// Starts and ends the faults that are due. Call every few milliseconds on the thread that created the sites.
    /// Throws std::runtime_error if the regions do not recover in time.
    void step();
    /// Ends all faults.
    void end();

    int injected() const { return injected_; }
    /// How far the faults are behind the plan.
    milliseconds delay() const { return delay_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        PlannedFault fault{};
        Clock::time_point ends{};
    };
    bool another_is_healthy(std::size_t except) const;
    void recover(const Running& running);
    void log(const std::string& text);

    std::vector<std::unique_ptr<Site>>& sites_;
    const Watcher& watcher_;
    std::deque<PlannedFault> plan_;
    std::ostream& log_;
    std::vector<std::string> names_;
    const Clock::time_point started_ = Clock::now();
    std::vector<Running> running_;
    milliseconds delay_{0};
    int injected_ = 0;
};

}  // namespace holysheep::soak
