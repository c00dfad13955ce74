// Prints times in seconds with milliseconds, so that they are easy to compare with the fault's window.
#include "trace.hpp"

#include <cstdio>

namespace holysheep::sim {

std::string clock_text(Time when) {
    char text[32];
    std::snprintf(text, sizeof text, "%9.4f", seconds(when));
    return text;
}

void Trace::line(Time when, int client, std::string_view text) {
    if (out_ == nullptr) return;
    *out_ << clock_text(when) << (client < 0 ? "  global" : "  client " + std::to_string(client)) << "  " << text
          << '\n';
}

}  // namespace holysheep::sim
