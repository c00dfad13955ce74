// The decision log: one line per attempt and per change of a region's state, for people to read.
// callers → [Trace] → lines
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "event_queue.hpp"

namespace holysheep::sim {

class Trace {
  public:
    /// If `out` is null, nothing is written, and callers need not build their lines.
    explicit Trace(std::ostream* out = nullptr) : out_(out) {}

    bool on() const { return out_ != nullptr; }
    /// `client` below 0: the event concerns the whole simulation.
    void line(Time when, int client, std::string_view text);

  private:
    std::ostream* out_;
};

/// Formats a time in seconds: "61.234".
std::string clock_text(Time when);

}  // namespace holysheep::sim
