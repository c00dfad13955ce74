// soak: minutes of calls through real proxies while the proxies and their backends are killed, frozen and restarted.
// command line → [main] → run_restarts, run_faults; in its child processes → run_caller, run_backend
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../loopback/scratch_folder.hpp"
#include "backend.hpp"
#include "fault_plan.hpp"
#include "load.hpp"
#include "soak_cases.hpp"
#include "soak_flags.hpp"

namespace {

using namespace holysheep::soak;

constexpr int kFailed = 1, kCannotRun = 2, kSkipped = 77, kInterrupted = 130;

void allow_many_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void print_plan(const Flags& flags) {
    const auto plan = make_plan(flags.seed, std::chrono::seconds(flags.seconds), backends_of_regions());
    for (const auto& fault : plan) {
        std::cout << fault.at.count() << " ms: " << to_text(fault, {"r1", "r2", "r3"}) << '\n';
    }
}

int run_soak(const Flags& flags) {
    for (const auto* program : {"nginx", "haproxy"}) {
        if (holysheep::loopback::has_program(program)) continue;
        if (std::getenv("CI") != nullptr) throw std::runtime_error(std::string(program) + " is not installed");
        std::cout << "skipped: " << program << " is not installed; install its package to enable the soak\n";
        return kSkipped;
    }
    std::signal(SIGPIPE, SIG_IGN);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        std::signal(signal, [](int) { interrupt(); });
    }
    std::optional<holysheep::loopback::ScratchFolder> scratch;
    auto folder = flags.folder;
    if (folder.empty()) {
        folder = scratch.emplace().path("");
        folder.pop_back();
    }
    folder = std::filesystem::absolute(folder).string();
    std::filesystem::create_directories(folder);
    auto failures = run_restarts(folder, flags);
    if (!flags.restarts_only) {
        std::cout << std::endl;
        const auto fault_failures = run_faults(folder, flags);
        failures.insert(failures.end(), fault_failures.begin(), fault_failures.end());
    }
    for (const auto& failure : failures) std::cout << "FAILED: " << failure << '\n';
    if (failures.empty()) std::cout << "All checks passed.\n";
    return failures.empty() ? 0 : kFailed;
}

}  // namespace

int main(int count, char** words) {
    const std::vector<std::string> arguments(words + 1, words + count);
    try {
        allow_many_descriptors();
        if (!arguments.empty() && arguments[0] == "backend")
            return run_backend({arguments.begin() + 1, arguments.end()});
        if (!arguments.empty() && arguments[0] == "caller") return run_caller({arguments.begin() + 1, arguments.end()});
        const auto flags = flags_from(arguments);
        if (flags.help) {
            std::cout << kHelp;
            return 0;
        }
        if (flags.plan_only) {
            print_plan(flags);
            return 0;
        }
        return run_soak(flags);
    } catch (const Interrupted&) {
        return kInterrupted;
    } catch (const std::exception& problem) {
        std::cerr << "soak: " << problem.what() << '\n';
        return kCannotRun;
    }
}
