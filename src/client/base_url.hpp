// Parses and validates a base URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holysheep::client {

inline constexpr std::string_view kDefaultBaseUrl = "https://api.holysheep.ai/v1";
inline constexpr std::string_view kDefaultHost = "api.holysheep.ai";
/// Where users of the default gateway get their keys.
inline constexpr std::string_view kHomepage = "https://www.holysheep.ai";

struct BaseUrl {
    std::string scheme{}, host{};  ///< lower case
    std::string url{};             ///< without trailing slashes and query
    std::string query{};           ///< "?…", or empty
};

/// The parts of the URL, or the problem and its remedy.
struct ParsedBaseUrl {
    std::optional<BaseUrl> parts{};
    std::string problem{};
};

ParsedBaseUrl parse_base_url(std::string_view text, bool allow_plaintext);

}  // namespace holysheep::client
