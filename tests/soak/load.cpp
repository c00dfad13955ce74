// Each caller is a process, so that its memory and descriptors can be measured separately.
#include "load.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace holysheep::soak {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Time for the client to release the resources of finished calls.
constexpr auto kSettleTime = 1'500ms;

std::chrono::milliseconds since(steady_clock::time_point started) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - started);
}

LoadPlan plan_from(const std::vector<std::string>& arguments) {
    LoadPlan plan{.rate = std::stoi(arguments.at(2)), .seconds = std::stoi(arguments.at(3))};
    for (auto word = arguments.begin() + 4; word != arguments.end(); ++word) {
        const auto at = word->find('=');
        plan.regions.push_back({.id = word->substr(0, at), .base_url = word->substr(at + 1)});
    }
    return plan;
}

}  // namespace

std::vector<std::string> caller_command(std::string_view caller, const std::string& file, const LoadPlan& plan) {
    std::vector<std::string> command{
        "/proc/self/exe", "caller", std::string(caller), file, std::to_string(plan.rate), std::to_string(plan.seconds)};
    for (const auto& region : plan.regions) command.push_back(region.id + "=" + region.base_url);
    return command;
}

int run_caller(const std::vector<std::string>& arguments) {
    const auto plan = plan_from(arguments);
    const int calls = plan.rate * plan.seconds;
    Tally tally(static_cast<std::size_t>(calls));
    const int descriptors_before = resource_use_now().descriptors;
    auto test_client = make_test_client(arguments[0], plan.regions);
    if (!test_client) throw std::invalid_argument("unknown caller '" + arguments[0] + "'");

    const auto start = resource_use_now();
    ResourceUse warm = start;
    int max_descriptors = 0;
    const auto started = steady_clock::now();
    for (int i = 0; i < calls; ++i) {
        std::this_thread::sleep_until(started + i * std::chrono::nanoseconds(1s) / plan.rate);
        if (i % plan.rate == 0) {
            const auto held = resource_use_now();
            max_descriptors = std::max(max_descriptors, held.descriptors);
            if (i < calls / kWarmUpFraction) warm = {std::max(warm.memory_mb, held.memory_mb), held.descriptors};
        }
        tally.on_start();
        const auto question = make_question(i);
        const auto started_at = steady_clock::now();
        const auto at = since(started);
        test_client->send(question, [&tally, question, started_at, at](const Outcome& outcome) {
            tally.add(question, outcome, steady_clock::now() - started_at, at);
        });
    }
    for (const auto end = steady_clock::now() + kHungAfter; tally.outstanding() > 0 && steady_clock::now() < end;) {
        std::this_thread::sleep_for(20ms);
    }
    std::this_thread::sleep_for(kSettleTime);
    auto figures = tally.figures(arguments[0]);
    figures.regions = static_cast<int>(plan.regions.size());
    figures.start = start;
    figures.warm = warm;
    figures.end = resource_use_now();
    figures.max_descriptors = max_descriptors;
    const bool hanging = tally.outstanding() > 0;
    if (!hanging) {
        test_client.reset();
        figures.left_open = resource_use_now().descriptors - descriptors_before;
    }
    save(figures, arguments[1]);
    // The destructors may wait for hanging calls.
    if (hanging) std::quick_exit(0);
    return 0;
}

}  // namespace holysheep::soak
