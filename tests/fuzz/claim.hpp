// Shared by the fuzzers: the declaration of their entry point, and `claim`, which checks what must hold for every
// input.
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

/// Ends the program if the claim is false: libFuzzer keeps the input, a plain test fails.
inline void claim(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "not true: " << what << std::endl;
    std::abort();
}

inline void claim_equal(std::string_view a, std::string_view b, std::string_view what) {
    if (a == b) return;
    std::cerr << "not equal: " << what << "\n--- first\n" << a << "\n--- second\n" << b << std::endl;
    std::abort();
}

}  // namespace holysheep::fuzz
