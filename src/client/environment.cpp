// Reads options from the environment: they override the defaults, and everything else overrides them.
// environment → [ClientOptions::from_environment, overlay_environment] → Client
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "values/ascii.hpp"

#include "client/environment.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

// "us-west=https://us.example/v1, eu-central=…", or bare ids if the base URL contains {region}.
std::vector<Region> parse_regions(std::string_view text) {
    std::vector<Region> regions;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const auto entry = values::trim(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (entry.empty()) continue;
        const auto equals = std::min(entry.find('='), entry.size());
        Region region;
        region.id = values::trim(entry.substr(0, equals));
        if (equals < entry.size()) region.base_url = values::trim(entry.substr(equals + 1));
        regions.push_back(std::move(region));
    }
    return regions;
}

}  // namespace

ClientOptions ClientOptions::from_environment() {
    ClientOptions options;
    options.api_key = variable("HOLYSHEEP_API_KEY");
    options.base_url = values::trim(variable("HOLYSHEEP_BASE_URL"));
    options.regions = parse_regions(variable("HOLYSHEEP_REGIONS"));
    constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLevels{{{"trace", LogLevel::trace},
                                                                            {"debug", LogLevel::debug},
                                                                            {"info", LogLevel::info},
                                                                            {"warning", LogLevel::warning},
                                                                            {"error", LogLevel::error},
                                                                            {"off", LogLevel::off}}};
    const auto level = variable("HOLYSHEEP_LOG");
    for (const auto& [name, value] : kLevels) {
        if (values::trim(level) == name) options.log.level = value;
    }
    return options;
}

}  // namespace v0

namespace client {

void overlay_environment(ClientOptions& options) {
    if (!options.use_environment) return;
    auto outside = ClientOptions::from_environment();
    // A URL applies only to the regions of the same source.
    if (options.base_url.empty() && options.regions.empty()) {
        options.base_url = std::move(outside.base_url);
        options.regions = std::move(outside.regions);
    }
    if (options.api_key.empty() && options.keys.empty() && !options.key_source) {
        options.api_key = std::move(outside.api_key);
    }
    if (!options.log.level) options.log.level = outside.log.level;
}

}  // namespace client
}  // namespace holysheep
