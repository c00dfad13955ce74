// Identifies a model by a number for fast look-ups. Callers may use any number of names, so the number is a hash, and
// tables drop entries that they have no room for.
// ChatRequest::model → [ModelId] → RegionHealthTracker, KeyRing
#pragma once

#include <cstdint>
#include <string_view>

namespace holysheep::values {

/// 0: no model, as for raw requests.
using ModelId = std::uint64_t;

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv), begun with `secret` so that a name cannot be chosen to
/// collide with another one. Never 0 for a name.
constexpr ModelId model_id(std::string_view name, std::uint64_t secret) {
    if (name.empty()) return 0;
    constexpr std::uint64_t kPrime = 0x100000001b3, kOffset = 0xcbf29ce484222325;
    std::uint64_t hash = kOffset ^ secret;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
    return hash == 0 ? 1 : hash;
}

}  // namespace holysheep::values
