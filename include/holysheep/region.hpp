// One region of the gateway: where it is, and how much it is preferred.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// `tier` is the coarse order; within a tier the client's strategy chooses (see Strategy). Everything
/// that is specific to a region stays with it: its key and headers are sent to no other host.
struct Region {
    std::string id{};        ///< letters, digits, '-', '_', '.'; unique within a client
    std::string base_url{};  ///< empty: the client's `base_url` with `{region}` replaced by the id
    double weight = 1.0;     ///< > 0: twice the weight is half the cost, or (`weighted`) twice the calls
    int tier = 0;            ///< a higher one is used only when no region of a lower one is usable
    std::string api_key{};   ///< empty: the client's key
    std::string zone{};      ///< free text, such as "eu"; `CallOptions::regions` accepts it in place of ids
    std::vector<std::pair<std::string, std::string>> headers{};
    std::map<std::string, std::string> model_map{};  ///< requested model → this region's name for it
};

}  // namespace v0
}  // namespace holysheep
