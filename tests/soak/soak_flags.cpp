// Numbers are non-negative integers without a suffix.
#include "soak_flags.hpp"

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace holysheep::soak {

const char* const kHelp = R"(usage: soak [--seconds N] [--seed S] [--rate N] [--folder DIR] [--restarts | --plan]

Runs three regions of real processes: nginx and haproxy with backends. Kills, freezes and restarts processes in at
most two regions at a time while four callers send the same requests: the library with default options, without
breakers, with stream recovery by restart, and a hand-written loop. Before that, the only proxy restarts for one
second.

  --seconds N   duration of the calls (default 60, at least 20)
  --seed S      seed of the fault plan (default 1)
  --rate N      calls per second of each caller (default 50)
  --folder DIR  keeps configurations, logs and figures there (default: a temporary folder, removed at the end)
  --restarts    runs only the restarts of one second
  --plan        prints the fault plan and exits

Exit code 0: all checks passed; 1: a check failed; 2: the soak could not run; 77: nginx or haproxy is not installed.
)";

namespace {

template <class Number>
Number number_from(const std::string& name, std::string_view text, Number least) {
    Number number{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size() || number < least) {
        throw std::invalid_argument(name + " takes a number of " + std::to_string(least) + " or more");
    }
    return number;
}

}  // namespace

Flags flags_from(const std::vector<std::string>& arguments) {
    Flags flags;
    for (auto word = arguments.begin(); word != arguments.end(); ++word) {
        if (*word == "--help") {
            flags.help = true;
        } else if (*word == "--restarts") {
            flags.restarts_only = true;
        } else if (*word == "--plan") {
            flags.plan_only = true;
        } else if (const auto& name = *word; word + 1 == arguments.end()) {
            throw std::invalid_argument(name + " is unknown or lacks its value");
        } else if (name == "--seconds") {
            flags.seconds = number_from(name, *++word, 20);
        } else if (name == "--seed") {
            flags.seed = number_from<std::uint64_t>(name, *++word, 0);
        } else if (name == "--rate") {
            flags.rate = number_from(name, *++word, 1);
        } else if (name == "--folder") {
            flags.folder = *++word;
        } else {
            throw std::invalid_argument(name + " is unknown");
        }
    }
    return flags;
}

}  // namespace holysheep::soak
