// One region of the gateway: its address and its preference.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// A region. Regions of the lowest tier are used first; within a tier the client's Strategy chooses. The key and the
/// headers of a region are sent to no other host.
struct Region {
    std::string id{};        ///< letters, digits, '-', '_', '.'; unique within a client
    std::string base_url{};  ///< empty: the client's `base_url` with `{region}` replaced by the id
    double weight =
        1.0;       ///< above 0: twice the weight halves the cost, or doubles the share of calls (`Strategy::weighted`)
    int tier = 0;  ///< regions of a higher tier are used only if none of a lower tier is usable
    std::string api_key{};  ///< empty: the client's key
    std::string zone{};     ///< any text, such as "eu"; `CallOptions::regions` accepts it instead of ids
    std::vector<std::pair<std::string, std::string>> headers{};  ///< added to every request, over the client's
    std::map<std::string, std::string> model_map{};              ///< model of the request → its name in this region
};

}  // namespace v0
}  // namespace holysheep
