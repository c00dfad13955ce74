// Parses the few flags by hand.
#include "simulation_flags.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "caller.hpp"
#include "scenarios.hpp"

namespace holysheep::sim {

namespace {

template <typename Number>
Number number(const std::string& flag, const std::string& text, Number from, Number to) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= from) || !(value <= to)) {
        std::ostringstream message;
        message << flag << " takes a number from " << from << " to " << to << ", not \"" << text << "\"";
        throw std::invalid_argument(message.str());
    }
    return value;
}

std::vector<std::string> parts(const std::string& list) {
    std::vector<std::string> found;
    std::istringstream text(list);
    for (std::string part; std::getline(text, part, ',');) found.push_back(part);
    return found;
}

std::string joined(const std::vector<std::string_view>& names) {
    std::string text;
    for (const auto name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

std::vector<std::string_view> policy_names() {
    std::vector<std::string_view> names;
    for (const auto& policy : all_policies()) names.push_back(policy.name);
    return names;
}

void add_names(const std::string& flag, const std::string& list, const std::vector<std::string_view>& known,
               std::vector<std::string>& names) {
    for (const auto& name : parts(list)) {
        if (std::ranges::find(known, name) == known.end()) {
            throw std::invalid_argument(flag + ": there is none named \"" + name + "\"; known are " + joined(known));
        }
        names.push_back(name);
    }
}

}  // namespace

SimulationFlags parse_flags(int count, const char* const* arguments) {
    SimulationFlags flags;
    for (int i = 1; i < count; ++i) {
        const std::string flag = arguments[i];
        const auto value = [&] {
            if (i + 1 == count) throw std::invalid_argument(flag + " takes a value");
            return std::string(arguments[++i]);
        };
        if (flag == "--json") {
            flags.json = true;
        } else if (flag == "--trace") {
            flags.trace = true;
        } else if (flag == "--help") {
            flags.help = true;
        } else if (flag == "--scenario") {
            add_names(flag, value(), scenario_names(), flags.scenarios);
        } else if (flag == "--policy") {
            add_names(flag, value(), policy_names(), flags.policies);
        } else if (flag == "--load") {
            for (const auto& load : parts(value())) flags.loads.push_back(number<double>(flag, load, 0.01, 2));
        } else if (flag == "--seeds") {
            flags.seeds = number<int>(flag, value(), 1, 10'000);
        } else if (flag == "--first-seed") {
            flags.first_seed = number<std::uint64_t>(flag, value(), 1, 1'000'000'000);
        } else if (flag == "--threads") {
            flags.threads = number<int>(flag, value(), 1, 256);
        } else if (flag == "--scenario-file") {
            flags.scenario_file = value();
        } else {
            throw std::invalid_argument("unknown flag \"" + flag + "\"");
        }
    }
    if (!flags.scenario_file.empty() && !flags.scenarios.empty()) {
        throw std::invalid_argument("--scenario-file replaces --scenario; use only one of them");
    }
    return flags;
}

std::string flags_text() {
    const SimulationFlags defaults;
    const auto seeds = std::to_string(defaults.seeds);
    auto plan = default_plan();
    const auto calls = [&plan](double load, double length) {
        plan.load = load;
        return std::to_string(std::lround(plan.arrivals_per_second() * length / 100) * 100);
    };
    const double whole = seconds(plan.duration), healthy = whole - seconds(plan.warm_up);
    std::string text =
        "simulate: the production client and reference policies under the same conditions, in virtual time\n"
        "  --json            one JSON object per line instead of a table\n"
        "  --scenario X[,Y]  only these; may be repeated\n"
        "  --policy X[,Y]    only these; may be repeated\n"
        "  --load L[,M]      arrivals as a share of what all slots can serve (0.4,0.76)\n"
        "  --seeds N         simulations per scenario, load and policy (" +
        seeds +
        ")\n"
        "  --first-seed S    the first seed (1); the others are consecutive\n"
        "  --threads N       concurrent simulations (2)\n"
        "  --trace           the decision log: a line per attempt, and per change of a region's state\n"
        "  --scenario-file F your own scenario, as JSON, instead of the built-in ones\n"
        "  --help            this text\n\n"
        "Without flags: every scenario, loads 0.4 and 0.76, every policy, " +
        seeds + " seeds. A simulation lasts " + std::to_string(std::lround(whole)) + " s and sees about " +
        calls(0.4, whole) + " calls at\nload 0.4 and " + calls(0.76, whole) +
        " at 0.76. Healthy scenarios are measured after the warm-up (" + calls(0.4, healthy) + " and " +
        calls(0.76, healthy) + " calls each), the\nothers by the calls that start during the fault (" + calls(0.4, 60) +
        " and " + calls(0.76, 60) + " in a minute).\n\nscenarios: ";
    text += joined(scenario_names()) + "\npolicies:\n";
    for (const auto& policy : all_policies()) {
        text += "  " + std::string(policy.name) + std::string(18 - policy.name.size(), ' ') + std::string(policy.what) +
                "\n";
    }
    return text;
}

}  // namespace holysheep::sim
