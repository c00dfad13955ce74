// Shared by the fuzzers: the declaration of their entry point, and `check`, which aborts if a property does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace holysheep::fuzz {

inline std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
    return size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(bytes), size);
}

/// Aborts if `condition` is false: libFuzzer then keeps the input, and a plain test fails.
inline void check(bool condition, std::string_view property) {
    if (condition) return;
    std::cerr << "check failed: " << property << std::endl;
    std::abort();
}

inline void check_equal(std::string_view a, std::string_view b, std::string_view property) {
    if (a == b) return;
    std::cerr << "not equal: " << property << "\n--- first\n" << a << "\n--- second\n" << b << std::endl;
    std::abort();
}

}  // namespace holysheep::fuzz
