// One pass over the bytes; a terminal may take U+009B for the beginning of a command, as it takes ESC [.
#include "telemetry/table_text.hpp"

#include <algorithm>

#include "telemetry/metric_text.hpp"

namespace holysheep::telemetry {

namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

bool is_control(std::string_view character) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
    return character.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
}

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const auto length = sequence_length(text);
        const auto character = text.substr(0, std::max<std::size_t>(1, length));
        shown += length == 0 ? "\xef\xbf\xbd" : is_control(character) ? " " : character;
        text.remove_prefix(character.size());
    }
    return shown;
}

}  // namespace

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string clipped(std::string_view text, std::size_t width) {
    auto shown = printable(text);
    if (columns(shown) <= width) return shown;
    if (width == 0) return {};
    std::size_t used = 0;
    const auto beyond = std::ranges::find_if(shown, [&](char c) { return !continues(c) && used++ == width - 1; });
    shown.erase(beyond, shown.end());
    return shown + "…";
}

nanoseconds shown_p99(const LatencySummary& summary) {
    constexpr double kError = 0.032;
    const auto least = static_cast<double>(summary.average.count()) * (1 - kError);
    return static_cast<double>(summary.p99.count()) >= least ? std::max(summary.p99, summary.average) : summary.p99;
}

std::string_view reason_to_tell(const RegionHealth& health) {
    const bool well = health.liveness == Liveness::healthy && health.breaker == BreakerState::closed;
    return well && health.reason == "answers" ? std::string_view() : health.reason;
}

std::string unknown_cost(const ModelStats& model) {
    if (model.unpriced == 0) return {};
    if (model.cost.empty() && model.cost_estimated.empty()) return "cost unknown";
    return "cost of " + std::to_string(model.unpriced) + (model.unpriced == 1 ? " call" : " calls") + " unknown";
}

}  // namespace holysheep::telemetry
