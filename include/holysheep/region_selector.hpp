// Chooses regions for calls, instead of the built-in strategies.
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

/// A call that is about to start.
struct SelectionContext {
    std::span<const RegionHealth> regions{};  ///< the regions that this call may use (`CallOptions::regions` applies)
    std::string_view model{};                 ///< model of the call
    std::string_view session{};               ///< `CallOptions::session`
    std::uint64_t random = 0;                 ///< a new random number for each call, from the client's seed
};

/// Extension point, for `ClientOptions::custom_selector`. Called once per call that has a choice, on the I/O thread;
/// must not block.
class HOLYSHEEP_EXPORT RegionSelector {
  public:
    virtual ~RegionSelector();
    /// Returns indices of `context.regions`, best first. The call does not use regions that are missing; an empty
    /// ranking or an exception means the built-in order. Breakers, pauses and draining apply regardless of the ranking.
    virtual std::vector<std::size_t> rank(const SelectionContext& context) const = 0;
};

}  // namespace v0
}  // namespace holysheep
