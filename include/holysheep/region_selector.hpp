// Decide where calls go, in place of the built-in strategies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <holysheep/export.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep {
inline namespace v0 {

/// One call that is about to start.
struct SelectionContext {
    std::span<const RegionHealth> regions{};  ///< the ones this call may use: `CallOptions::regions` is applied already
    std::string_view model{}, session{};
    std::uint64_t random = 0;  ///< fresh for each call, from the client's seed
};

/// Extension point. Ranks `context.regions` by index, best first. Regions that are left out are not used by this call;
/// an empty ranking, or an exception, means the built-in order. Breakers, quota clocks and draining stay in force
/// whatever the ranking says. Called once per call that has a choice, on the I/O
/// thread; must not block.
class HOLYSHEEP_EXPORT RegionSelector {
  public:
    virtual ~RegionSelector();
    virtual std::vector<std::size_t> rank(const SelectionContext& context) const = 0;
};

}  // namespace v0
}  // namespace holysheep
