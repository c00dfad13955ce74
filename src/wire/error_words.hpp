// The table of providers' error codes and messages with their error classes, for error_class.
// [error_words] → error_class
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <holysheep/error_code.hpp>

namespace holysheep::wire {

/// The statuses that a row applies to; an empty list means all. 0 is an error inside a 200 that names no status.
struct Statuses {
    std::array<int, 8> list{-1, -1, -1, -1, -1, -1, -1, -1};
    constexpr bool has(int status) const {
        for (const int one : list) {
            if (one == status) return true;
        }
        return list[0] < 0;
    }
};

struct ErrorWord {
    enum class In {
        code,    ///< equals the code or the type, or its part before a dot: "throttling" matches "Throttling.RateQuota"
        message  ///< occurs in the message
    };
    ErrorCode means;
    In in;
    std::string_view word;  ///< in lower case; "zhipu:1113" and "minimax:1008" are numeric codes of these providers
    Statuses at{};
};

/// Rows in order of precedence: the first match decides.
std::span<const ErrorWord> error_words();

}  // namespace holysheep::wire
