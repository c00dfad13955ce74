// Holds the events that attempts emit before their first content, until one attempt is chosen, so that a failed one
// leaves no trace in the stream.
// Attempt → CallDriver → [HeldEvents] → CallSink
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <holysheep/chat_completion.hpp>

namespace holysheep::execution {

class HeldEvents {
  public:
    /// A copy of an event that carries no text.
    struct Event {
        int attempt = 0;
        ChatChunk chunk{};
        std::string raw_json{};
        Usage usage{};
        /// Its views are valid as long as this object lives.
        const ChatChunk& view();
    };

    /// Keeps the event, up to 4 MiB over all attempts, because some gateways send events without end before they
    /// answer. Later events are dropped; the answer still accumulates their data.
    void add(int attempt, const ChatChunk& chunk);
    /// Drops the events of an attempt that failed or lost.
    void forget(int attempt);
    /// Returns the events of the chosen attempt and drops those of all others.
    std::vector<Event> take(int attempt);

  private:
    std::vector<Event> events_;
    std::size_t bytes_ = 0;
};

}  // namespace holysheep::execution
