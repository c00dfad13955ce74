// The unit follows from the size of the duration.
#include "values/duration_text.hpp"

#include <cstdio>

namespace holysheep::values {

using std::chrono::milliseconds;

std::string milliseconds_text(milliseconds span) { return std::to_string(span.count()) + " ms"; }

std::string wait_text(std::chrono::nanoseconds span) {
    const auto ms = std::chrono::ceil<milliseconds>(span).count();
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
    return std::to_string(ms) + " ms";
}

std::string measured_text(std::chrono::nanoseconds span) {
    const double ms = static_cast<double>(span.count()) / 1e6;
    char text[32];
    if (ms < 9.95)
        std::snprintf(text, sizeof text, "%.1f ms", ms);
    else if (ms < 9'999.5)
        std::snprintf(text, sizeof text, "%.0f ms", ms);
    else
        std::snprintf(text, sizeof text, "%.1f s", ms / 1e3);
    return text;
}

}  // namespace holysheep::values
