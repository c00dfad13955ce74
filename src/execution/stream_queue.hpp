// Carries a stream's events from the I/O thread to the reading thread: bounded, in batches, and without an allocation
// per event once warm. CallDriver → [StreamQueue] → ChatStream, stream_to, stream_async
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "execution/exchange.hpp"

namespace holysheep::execution {

/// Events of a stream, copied from the buffers that their views referred to.
class ChunkBatch {
  public:
    /// `wire_chunk`: events with the same nonzero number have the same `raw_json`, which is stored once: a chunk with a
    /// thousand deltas must not take a thousand times its size.
    void add(const ChatChunk& chunk, std::uint64_t wire_chunk);
    bool empty() const { return next_ == entries_.size(); }
    /// The views are valid until `clear`.
    const ChatChunk& take();
    void clear();
    std::size_t bytes() const { return text_.size() + entries_.size() * sizeof(Entry); }

  private:
    struct Span {
        std::size_t offset = 0, size = 0;
    };
    struct Entry {
        ChatChunk chunk{};
        Span text{}, tool_id{}, tool_name{}, tool_arguments{}, raw_json{};
        std::size_t usage = 0;
    };
    Span store(std::string_view view);

    std::string text_;
    std::vector<Entry> entries_;
    std::vector<Usage> usages_;
    std::size_t next_ = 0;
    std::uint64_t shared_chunk_ = 0;  ///< the chunk whose `raw_json` is at `shared_raw_`
    Span shared_raw_{};
    ChatChunk current_{};
};

class StreamQueue final : public CallSink {
  public:
    struct Hooks {
        std::function<void()> on_room;  ///< the reader caught up after `on_chunk` had returned false
        /// An event or the end arrived while the queue was not being read. If empty, a waiting reader is woken at once.
        /// If set, the code that set it calls `wake`, or reads, later.
        std::function<void()> on_ready;
        std::function<void()> on_end{};  ///< the result is in the queue
    };
    explicit StreamQueue(Hooks hooks) : hooks_(std::move(hooks)) {}

    void on_wire_chunk() override { ++wire_chunk_; }
    bool on_chunk(const ChatChunk& chunk) override;
    void on_done(CallResult result) override;

    /// Wakes a waiting reader.
    void wake() { ready_.notify_one(); }
    /// Waits for the next event; null at the end. The views are valid until the next call. One reader at a time.
    const ChatChunk* wait_next();
    /// The result of `poll`, decided in one step. If it holds neither an event nor the end, `on_ready` will be called,
    /// and the caller must not touch the queue before that: the reader that `on_ready` starts may already be using it.
    struct Polled {
        const ChatChunk* event = nullptr;
        bool ended = false;  ///< the last event was read, and the result is available
    };
    /// Returns the next event if there is one. Its views are valid until the next call.
    Polled poll();
    /// The result, once. Unset while events are unread.
    std::optional<CallResult> take_result();

  private:
    /// Gives the reader the queued events, and returns what it may do now.
    Polled refill(bool wait);

    Hooks hooks_;
    std::uint64_t wire_chunk_ = 0;  // used on the I/O thread
    std::mutex mutex_;  // guards what the I/O thread writes: filling_, result_, done_, full_, idle_; and ended_
    std::condition_variable ready_;
    ChunkBatch filling_, reading_;
    std::unique_ptr<CallResult> result_;
    bool done_ = false, ended_ = false, full_ = false, idle_ = true;
};

}  // namespace holysheep::execution
