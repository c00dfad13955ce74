// A model's name as a number, for the tables that every call looks into. Names come from callers without bound, so no
// table numbers them one after the other: the number is a hash, and a table forgets what it has no room for.
// ChatRequest::model → [ModelId] → RegionHealthTracker, KeyRing
#pragma once

#include <cstdint>
#include <string_view>

namespace holysheep::values {

/// 0: no model is known, as for raw requests.
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
