// Events that attempts gave before their first content. They are kept until one attempt is chosen, so that a failed one
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
        /// Its views live as long as this does.
        const ChatChunk& view();
    };

    /// Keeps the event, up to 4 MiB of all attempts: some gateways talk without end before they answer. The answer
    /// keeps what they say; events beyond that are left out.
    void add(int attempt, const ChatChunk& chunk);
    /// The attempt failed or lost.
    void forget(int attempt);
    /// The events of the attempt that was chosen; those of all others are gone.
    std::vector<Event> take(int attempt);

  private:
    std::vector<Event> events_;
    std::size_t bytes_ = 0;
};

}  // namespace holysheep::execution
