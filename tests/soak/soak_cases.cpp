// Everything that starts processes happens on the main thread, whose end would end them.
#include "soak_cases.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "../bench/child_process.hpp"
#include "fault_runner.hpp"
#include "load.hpp"
#include "report.hpp"
#include "site.hpp"
#include "watcher.hpp"

namespace holysheep::soak {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

// The proxy is gone for this long, this long after the first call.
constexpr auto kRestartAt = 2'000ms, kAway = 1'000ms;
// What is later than that was not done in time, and is done again; so often at most.
constexpr auto kMostDelay = 250ms;
constexpr int kRestartAttempts = 4;
constexpr int kRestartCaseSeconds = 5;
constexpr auto kWholeWithin = 20s;

void pass_time() {
    if (interrupted != 0) throw Interrupted();
    ::poll(nullptr, 0, 5);
}

void wait_until(steady_clock::time_point when) {
    while (steady_clock::now() < when) pass_time();
}

/// The process of a caller, and the file that it leaves.
class CallerProcess {
  public:
    CallerProcess(const std::string& folder, std::string_view caller, const std::string& file, const LoadPlan& plan)
        : file_(folder + "/" + file + ".json"), log_(folder + "/" + file + ".log") {
        pid_ = bench::start_program(caller_command(caller, file_, plan), log_);
    }
    ~CallerProcess() { bench::end_process(pid_); }
    CallerProcess(const CallerProcess&) = delete;
    CallerProcess& operator=(const CallerProcess&) = delete;

    bool is_running() const { return bench::is_running(pid_); }
    Figures figures() const { return load_figures(file_); }

  private:
    std::string file_, log_;
    pid_t pid_ = 0;
};
using Callers = std::vector<std::unique_ptr<CallerProcess>>;

bool any_is_running(const Callers& callers) {
    for (const auto& caller : callers) {
        if (caller->is_running()) return true;
    }
    return false;
}

void print_troubles(const std::vector<Figures>& callers) {
    for (const auto& caller : callers) {
        if (caller.caller == kNaive || caller.caller == kNoBreaker) continue;
        for (const auto& trouble : caller.troubles) {
            // That is what the default promises, and no trouble.
            if (caller.caller != kRestart && trouble.starts_with("cut:")) continue;
            std::cout << caller.caller << ": " << trouble << '\n';
        }
    }
}

/// False: a proxy was away for longer than it should have been, or this program was not run in time.
bool restart_once(const std::string& folder, const Flags& flags, std::vector<std::string>& broken) {
    std::vector<std::unique_ptr<Site>> sites;
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "1-nginx"}));
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "1-haproxy", .proxy = ProxyKind::haproxy}));
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "2-nginx", .regions = {"east", "west"}}));
    sites.push_back(std::make_unique<Site>(
        folder, SiteOptions{.name = "2-haproxy", .proxy = ProxyKind::haproxy, .regions = {"east", "west"}}));

    const auto begun = steady_clock::now();
    Callers callers;
    for (const auto& site : sites) {
        callers.push_back(std::make_unique<CallerProcess>(
            folder, kDefault, site->name(),
            LoadPlan{.rate = flags.rate, .seconds = kRestartCaseSeconds, .regions = site->regions()}));
    }
    wait_until(begun + kRestartAt);
    const auto struck = steady_clock::now();
    for (const auto& site : sites) site->strike(Part::proxy, Blow::kill);
    wait_until(struck + kAway);
    for (const auto& site : sites) site->mend(Part::proxy, Blow::kill);
    for (const auto& site : sites) {
        while (!site->is_open()) pass_time();
    }
    const auto away = std::chrono::duration_cast<milliseconds>(steady_clock::now() - struck);
    std::chrono::nanoseconds late{};
    for (auto looked = steady_clock::now(); any_is_running(callers);) {
        pass_time();
        late = std::max<std::chrono::nanoseconds>(late, steady_clock::now() - looked);
        looked = steady_clock::now();
    }
    if (away > kAway + kMostDelay || late > kMostDelay) {
        std::cout << "The machine is too busy (a proxy was away for " << away.count() << " ms): once more.\n";
        return false;
    }

    std::cout << "A proxy in front of every region restarts for one second; one region behind it, or two:\n";
    std::vector<Figures> all;
    for (std::size_t i = 0; i < callers.size(); ++i) {
        auto& figures = all.emplace_back(callers[i]->figures());
        for (const auto& promise : broken_promises({figures})) broken.push_back(sites[i]->name() + ", " + promise);
        figures.caller = sites[i]->name();
    }
    print_table(std::cout, all);
    if (!broken.empty()) print_troubles(all);
    return true;
}

}  // namespace

void interrupt() { interrupted = 1; }

const std::vector<int>& backends_of_regions() {
    static const std::vector<int> backends{2, 1, 1};
    return backends;
}

std::vector<std::string> run_restarts(const std::string& folder, const Flags& flags) {
    for (int attempt = 1; attempt <= kRestartAttempts; ++attempt) {
        const auto place = folder + "/restarts-" + std::to_string(attempt);
        std::filesystem::create_directories(place);
        std::vector<std::string> broken;
        if (restart_once(place, flags, broken)) return broken;
    }
    throw std::runtime_error("the machine is too busy for a restart of one second");
}

std::vector<std::string> run_faults(const std::string& folder, const Flags& flags) {
    const auto& backends = backends_of_regions();
    std::vector<std::unique_ptr<Site>> sites;
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "r1", .backends = backends[0]}));
    sites.push_back(std::make_unique<Site>(
        folder, SiteOptions{.name = "r2", .proxy = ProxyKind::haproxy, .backends = backends[1]}));
    sites.push_back(std::make_unique<Site>(
        folder, SiteOptions{.name = "r3", .proxy = ProxyKind::nginx_1_0, .backends = backends[2]}));
    LoadPlan load{.rate = flags.rate, .seconds = flags.seconds};
    for (const auto& site : sites) load.regions.push_back(site->regions().front());

    const Watcher watcher(load.regions);
    const auto patience = steady_clock::now() + kWholeWithin;
    for (std::size_t region = 0; region < sites.size(); ++region) {
        while (watcher.whole_for(region) < 500ms) {
            if (steady_clock::now() > patience) throw std::runtime_error(sites[region]->name() + " does not answer");
            pass_time();
        }
    }

    std::ofstream log(folder + "/faults.log");
    Callers callers;
    for (const auto name : {kDefault, kNoBreaker, kRestart, kNaive}) {
        callers.push_back(std::make_unique<CallerProcess>(folder, name, std::string(name), load));
    }
    const std::chrono::milliseconds length = std::chrono::seconds(flags.seconds);
    FaultRunner faults(sites, watcher, make_plan(flags.seed, length, backends), log);
    const auto last_fault = steady_clock::now() + length - kCalm;
    while (any_is_running(callers)) {
        faults.step();
        if (steady_clock::now() > last_fault) faults.end();
        pass_time();
    }

    std::vector<Figures> all;
    for (const auto& caller : callers) all.push_back(caller->figures());
    const auto broken = broken_promises(all);
    std::cout << faults.struck() << " faults in " << flags.seconds << " s, seed " << flags.seed << ", "
              << faults.delay().count() << " ms later than planned:\n";
    print_table(std::cout, all);
    if (!broken.empty()) {
        print_troubles(all);
        log.close();
        std::cout << "What was done to the regions:\n" << std::ifstream(folder + "/faults.log").rdbuf();
    }
    return broken;
}

}  // namespace holysheep::soak
