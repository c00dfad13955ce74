// A process for each caller: so its memory and its descriptors are its own.
#include "load.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace holysheep::soak {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// What has ended is let go by then.
constexpr auto kSettlesWithin = 1'500ms;

std::chrono::milliseconds since(steady_clock::time_point begun) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun);
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
    const int before = holdings_now().descriptors;
    auto asker = make_asker(arguments[0], plan.regions);
    if (!asker) throw std::invalid_argument("there is no caller '" + arguments[0] + "'");

    const auto start = holdings_now();
    Holdings warm = start;
    int most_descriptors = 0;
    const auto begun = steady_clock::now();
    for (int i = 0; i < calls; ++i) {
        std::this_thread::sleep_until(begun + i * std::chrono::nanoseconds(1s) / plan.rate);
        if (i % plan.rate == 0) {
            const auto held = holdings_now();
            most_descriptors = std::max(most_descriptors, held.descriptors);
            if (i < calls / kWarmAfter) warm = {std::max(warm.memory_mb, held.memory_mb), held.descriptors};
        }
        tally.asked();
        const auto question = make_question(i);
        const auto asked = steady_clock::now();
        const auto at = since(begun);
        asker->ask(question, [&tally, question, asked, at](const Heard& heard) {
            tally.add(question, heard, steady_clock::now() - asked, at);
        });
    }
    for (const auto end = steady_clock::now() + kHungAfter; tally.outstanding() > 0 && steady_clock::now() < end;) {
        std::this_thread::sleep_for(20ms);
    }
    std::this_thread::sleep_for(kSettlesWithin);
    auto figures = tally.figures(arguments[0]);
    figures.regions = static_cast<int>(plan.regions.size());
    figures.start = start;
    figures.warm = warm;
    figures.end = holdings_now();
    figures.most_descriptors = most_descriptors;
    const bool hangs = tally.outstanding() > 0;
    if (!hangs) {
        asker.reset();
        figures.left_open = holdings_now().descriptors - before;
    }
    save(figures, arguments[1]);
    // What hangs may hold up the destructors.
    if (hangs) std::quick_exit(0);
    return 0;
}

}  // namespace holysheep::soak
