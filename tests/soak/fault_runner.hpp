// Carries out the plan of faults on real processes, and puts off what a slow machine is not ready for.
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
    /// `log` gets a line for everything that is done, with its time.
    FaultRunner(std::vector<std::unique_ptr<Site>>& sites, const Watcher& watcher, std::vector<PlannedFault> plan,
                std::ostream& log);

    /// Does what is due by now. Called every few milliseconds, on the thread that made the sites. Throws
    /// std::runtime_error where the regions are not whole when they should be.
    void step();
    /// Undoes every fault at once.
    void end();

    int struck() const { return struck_; }
    /// So much later than planned the last fault began.
    milliseconds delay() const { return delay_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        PlannedFault fault{};
        Clock::time_point ends{};
    };
    bool has_refuge(std::size_t but) const;
    void mend(const Running& running);
    void log(const std::string& text);

    std::vector<std::unique_ptr<Site>>& sites_;
    const Watcher& watcher_;
    std::deque<PlannedFault> plan_;
    std::ostream& log_;
    std::vector<std::string> names_;
    const Clock::time_point begun_ = Clock::now();
    std::vector<Running> running_;
    milliseconds delay_{0};
    int struck_ = 0;
};

}  // namespace holysheep::soak
