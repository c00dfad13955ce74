// Uses the library as a typical program would, without tuning.
#include "our_streams.hpp"

#include <stdexcept>
#include <utility>

#include "library_load.hpp"

namespace holysheep::bench {

ClientOptions stream_options_for(const std::string& base_url, bool inline_callbacks) {
    auto options = options_for({.base_url = base_url, .ca_file = {}});
    if (inline_callbacks) options.callback_executor = [](const std::function<void()>& function) { function(); };
    return options;
}

void OurStreamReader::read(std::size_t chunks) {
    ChunkCount count;
    const auto answer = client_.stream_to(make_request(), [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::content) count.add(chunk.text);
    });
    if (!answer) throw std::runtime_error("holysheep: " + answer.error().message);
    if (answer->choices.at(0).finish_reason != FinishReason::stop) throw std::runtime_error("holysheep: no finish");
    count.end(chunks);
}

void OurStreams::start(std::size_t streams) {
    running_ += streams;
    for (std::size_t i = 0; i < streams; ++i) {
        auto& stream = *streams_.emplace_back(std::make_unique<Stream>());
        client_.stream_async(
            make_request(), {},
            [this, &stream](const ChatChunk& chunk) {
                if (chunk.event != ChunkEvent::content) return;
                stream.count.add(chunk.text);
                seen_.fetch_add(1, std::memory_order_relaxed);
            },
            [this, &stream](Result<ChatCompletion> answer) {
                if (answer) {
                    stream.reason = answer->choices.at(0).finish_reason;
                } else {
                    stream.failure = answer.error().message;
                }
                if (running_.fetch_sub(1) == 1) running_.notify_one();
            });
    }
}

void OurStreams::wait() {
    for (auto left = running_.load(); left > 0; left = running_.load()) running_.wait(left);
}

void OurStreams::check_ended(std::size_t chunks) {
    for (const auto& stream : streams_) {
        if (!stream->failure.empty()) throw std::runtime_error("holysheep: " + stream->failure);
        if (stream->reason != FinishReason::stop) throw std::runtime_error("holysheep: a stream did not finish");
        stream->count.end(chunks);
    }
    streams_.clear();
}

}  // namespace holysheep::bench
