// The decision log: one line per attempt and per change of a region's state, for people.
// callers → [Trace] → lines
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "event_queue.hpp"

namespace holysheep::sim {

class Trace {
  public:
    /// Without a stream, nothing is written, and callers need not build their lines.
    explicit Trace(std::ostream* out = nullptr) : out_(out) {}

    bool on() const { return out_ != nullptr; }
    /// `client` below 0: it happened to the world.
    void line(Time when, int client, std::string_view text);

  private:
    std::ostream* out_;
};

/// "61.234", in seconds.
std::string clock_text(Time when);

}  // namespace holysheep::sim
