// Copies events up to a limit of their total bytes.
#include "execution/held_events.hpp"

#include <utility>

namespace holysheep::execution {

namespace {

constexpr std::size_t kMaxHeldBytes = std::size_t{4} << 20U;

}  // namespace

const ChatChunk& HeldEvents::Event::view() {
    chunk.raw_json = raw_json;
    if (chunk.usage != nullptr) chunk.usage = &usage;
    return chunk;
}

void HeldEvents::add(int attempt, const ChatChunk& chunk) {
    const std::size_t size = sizeof(Event) + chunk.raw_json.size();
    if (bytes_ + size > kMaxHeldBytes) return;
    bytes_ += size;
    auto& event = events_.emplace_back(Event{attempt, chunk, std::string(chunk.raw_json), {}});
    if (chunk.usage != nullptr) event.usage = *chunk.usage;
    event.chunk.text = {};  // these events carry none
}

void HeldEvents::forget(int attempt) {
    std::erase_if(events_, [&](const Event& event) {
        if (event.attempt != attempt) return false;
        bytes_ -= sizeof(Event) + event.raw_json.size();
        return true;
    });
}

std::vector<HeldEvents::Event> HeldEvents::take(int attempt) {
    bytes_ = 0;
    auto events = std::exchange(events_, {});
    std::erase_if(events, [&](const Event& event) { return event.attempt != attempt; });
    return events;
}

}  // namespace holysheep::execution
