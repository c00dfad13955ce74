// Parses the few flags by hand.
#include "bench_flags.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace holysheep::bench {

namespace {

double positive(const std::string& flag, const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value > 0) || value > 1'000) {
        throw std::invalid_argument(flag + " takes a positive number, not \"" + text + "\"");
    }
    return value;
}

std::vector<std::string> keys(const std::string& list, std::span<const Figure> figures) {
    std::vector<std::string> found;
    std::istringstream text(list);
    for (std::string key; std::getline(text, key, ',');) {
        if (std::ranges::none_of(figures, [&](const Figure& figure) { return figure.key == key; })) {
            throw std::invalid_argument("--only: there is no figure named \"" + key + "\"");
        }
        found.push_back(key);
    }
    return found;
}

}  // namespace

bool BenchFlags::wants(std::string_view key) const {
    return only.empty() || std::ranges::find(only, key) != only.end();
}

BenchFlags parse_flags(int count, const char* const* arguments, std::span<const Figure> figures) {
    BenchFlags flags;
    for (int i = 1; i < count; ++i) {
        const std::string flag = arguments[i];
        const auto value = [&] {
            if (i + 1 == count) throw std::invalid_argument(flag + " takes a value");
            return std::string(arguments[++i]);
        };
        if (flag == "--json") {
            flags.json = true;
        } else if (flag == "--help") {
            flags.help = true;
        } else if (flag == "--rounds") {
            flags.rounds = std::max(1, static_cast<int>(positive(flag, value())));
        } else if (flag == "--seconds") {
            flags.length = std::chrono::milliseconds{static_cast<long>(positive(flag, value()) * 1'000)};
        } else if (flag == "--only") {
            const auto more = keys(value(), figures);
            flags.only.insert(flags.only.end(), more.begin(), more.end());
        } else {
            throw std::invalid_argument("unknown flag \"" + flag + "\"");
        }
    }
    return flags;
}

std::string_view flags_text() {
    return "Alternating rounds against a server in a separate process.\n"
           "  --json         one JSON object on stdout instead of a table\n"
           "  --rounds N     rounds of each comparison (31)\n"
           "  --seconds S    how long one side of a round lasts (0.2)\n"
           "  --only K[,K]   only these figures; may be repeated\n"
           "  --help         this text\n";
}

}  // namespace holysheep::bench
