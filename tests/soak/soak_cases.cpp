// All processes start on the main thread: they receive SIGKILL when the thread that started them exits.
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

// When the proxies are killed, after the first call, and for how long.
constexpr auto kRestartAt = 2'000ms, kOutage = 1'000ms;
// A case with larger delays is repeated, up to kRestartAttempts times.
constexpr auto kMaxDelay = 250ms;
constexpr int kRestartAttempts = 4;
constexpr int kRestartCaseSeconds = 5;
constexpr auto kHealthyTimeout = 20s;

void sleep_briefly() {
    if (interrupted != 0) throw Interrupted();
    ::poll(nullptr, 0, 5);
}

void wait_until(steady_clock::time_point when) {
    while (steady_clock::now() < when) sleep_briefly();
}

/// The process of a caller and the file with its figures.
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

bool any_running(const Callers& callers) {
    for (const auto& caller : callers) {
        if (caller->is_running()) return true;
    }
    return false;
}

void print_problems(const std::vector<Figures>& callers) {
    for (const auto& caller : callers) {
        if (caller.caller == kNaive || caller.caller == kNoBreaker) continue;
        for (const auto& diagnosis : caller.problems) {
            // Cut streams are documented behaviour without stream recovery.
            if (caller.caller != kRestart && diagnosis.starts_with("cut:")) continue;
            std::cout << caller.caller << ": " << diagnosis << '\n';
        }
    }
}

/// Returns false if a proxy was away for too long or this process was not scheduled in time.
bool restart_once(const std::string& folder, const Flags& flags, std::vector<std::string>& failures) {
    std::vector<std::unique_ptr<Site>> sites;
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "1-nginx"}));
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "1-haproxy", .proxy = ProxyKind::haproxy}));
    sites.push_back(std::make_unique<Site>(folder, SiteOptions{.name = "2-nginx", .regions = {"east", "west"}}));
    sites.push_back(std::make_unique<Site>(
        folder, SiteOptions{.name = "2-haproxy", .proxy = ProxyKind::haproxy, .regions = {"east", "west"}}));

    const auto started = steady_clock::now();
    Callers callers;
    for (const auto& site : sites) {
        callers.push_back(std::make_unique<CallerProcess>(
            folder, kDefault, site->name(),
            LoadPlan{.rate = flags.rate, .seconds = kRestartCaseSeconds, .regions = site->regions()}));
    }
    wait_until(started + kRestartAt);
    const auto killed_at = steady_clock::now();
    for (const auto& site : sites) site->inject(Target::proxy, FaultKind::kill);
    wait_until(killed_at + kOutage);
    for (const auto& site : sites) site->recover(Target::proxy, FaultKind::kill);
    for (const auto& site : sites) {
        while (!site->is_open()) sleep_briefly();
    }
    const auto outage = std::chrono::duration_cast<milliseconds>(steady_clock::now() - killed_at);
    std::chrono::nanoseconds late{};
    for (auto last_check = steady_clock::now(); any_running(callers);) {
        sleep_briefly();
        late = std::max<std::chrono::nanoseconds>(late, steady_clock::now() - last_check);
        last_check = steady_clock::now();
    }
    if (outage > kOutage + kMaxDelay || late > kMaxDelay) {
        std::cout << "The machine is too busy (a proxy was down for " << outage.count() << " ms); trying again.\n";
        return false;
    }

    std::cout << "A proxy in front of every region restarts for one second; one region behind it, or two:\n";
    std::vector<Figures> all;
    for (std::size_t i = 0; i < callers.size(); ++i) {
        auto& figures = all.emplace_back(callers[i]->figures());
        for (const auto& failure : violations({figures})) failures.push_back(sites[i]->name() + ", " + failure);
        figures.caller = sites[i]->name();
    }
    print_table(std::cout, all);
    if (!failures.empty()) print_problems(all);
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
        const auto attempt_folder = folder + "/restarts-" + std::to_string(attempt);
        std::filesystem::create_directories(attempt_folder);
        std::vector<std::string> failures;
        if (restart_once(attempt_folder, flags, failures)) return failures;
    }
    throw std::runtime_error("the machine is too busy to restart a proxy within one second");
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
    const auto deadline = steady_clock::now() + kHealthyTimeout;
    for (std::size_t region = 0; region < sites.size(); ++region) {
        while (watcher.healthy_for(region) < 500ms) {
            if (steady_clock::now() > deadline) throw std::runtime_error(sites[region]->name() + " does not answer");
            sleep_briefly();
        }
    }

    std::ofstream log(folder + "/faults.log");
    Callers callers;
    for (const auto name : {kDefault, kNoBreaker, kRestart, kNaive}) {
        callers.push_back(std::make_unique<CallerProcess>(folder, name, std::string(name), load));
    }
    const std::chrono::milliseconds length = std::chrono::seconds(flags.seconds);
    FaultRunner faults(sites, watcher, make_plan(flags.seed, length, backends), log);
    const auto last_fault = steady_clock::now() + length - kQuietMargin;
    while (any_running(callers)) {
        faults.step();
        if (steady_clock::now() > last_fault) faults.end();
        sleep_briefly();
    }

    std::vector<Figures> all;
    for (const auto& caller : callers) all.push_back(caller->figures());
    const auto failures = violations(all);
    std::cout << faults.injected() << " faults in " << flags.seconds << " s, seed " << flags.seed << ", "
              << faults.delay().count() << " ms behind the plan:\n";
    print_table(std::cout, all);
    if (!failures.empty()) {
        print_problems(all);
        log.close();
        std::cout << "Faults injected:\n" << std::ifstream(folder + "/faults.log").rdbuf();
    }
    return failures;
}

}  // namespace holysheep::soak
