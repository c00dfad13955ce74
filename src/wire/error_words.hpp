// The table of providers' error codes and messages with their classes, for error_class.
// [error_words] → error_class
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <holysheep/error_code.hpp>

namespace holysheep::wire {

/// The statuses that a row holds for; without any, all of them. 0 is an error inside a 200 that names no status.
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
        code,    ///< equal to the code or the type, or followed by a dot there: "throttling" is "Throttling.RateQuota"
        message  ///< part of the message
    };
    ErrorCode means;
    In in;
    std::string_view word;  ///< in lower case. "zhipu:1113", "minimax:1008": numbers of these providers
    Statuses at{};
};

/// In order: the first row that holds decides.
std::span<const ErrorWord> error_words();

}  // namespace holysheep::wire
