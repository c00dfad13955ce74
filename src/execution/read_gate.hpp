// Decides whether a stream's socket is read: not while the sink is full or the caller has paused the stream.
// CallSink, StreamHandle → CallDriver → [ReadGate] → Transport::pause, Transport::resume
#pragma once

#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::execution {

class ReadGate {
  public:
    void on_sink_full() { sink_full_ = true; }
    void on_sink_room() { sink_full_ = false; }
    void pause() { caller_paused_ = true; }
    void resume() { caller_paused_ = false; }

    bool sink_full() const { return sink_full_; }
    bool should_pause() const { return sink_full_ || caller_paused_; }
    /// Whether the transfer has to be paused or resumed to match.
    bool needs_update() const { return should_pause() != paused_at_.has_value(); }
    /// The transfer was paused at `now`.
    void on_transfer_paused(Clock::time_point now) { paused_at_ = now; }
    /// The transfer was resumed or replaced.
    void on_transfer_resumed() { paused_at_.reset(); }

    bool paused() const { return paused_at_.has_value(); }
    const std::optional<Clock::time_point>& paused_at() const { return paused_at_; }

  private:
    bool sink_full_ = false, caller_paused_ = false;
    std::optional<Clock::time_point> paused_at_{};
};

}  // namespace holysheep::execution
