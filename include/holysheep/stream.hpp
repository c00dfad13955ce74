// A stream that is read as a range, and the handle of a stream with callbacks.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>

#include <holysheep/chat_completion.hpp>
#include <holysheep/export.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

namespace detail {
class StreamReader;
struct StreamControl;
}  // namespace detail

/// An input range of events, followed by a result:
///
///     auto stream = client.stream(request);
///     for (const auto& chunk : stream) std::cout << chunk.content();
///     if (auto answer = stream.finish(); !answer) std::cerr << answer.error();
///
/// The range ends when the stream ends, whether it succeeded or failed; `finish()` returns the result. Use from one
/// thread at a time, except `cancel()`. A slow reader makes the gateway wait: at most two batches of 256 KiB are
/// buffered. Destroying the stream cancels the request.
class HOLYSHEEP_EXPORT ChatStream {
  public:
    /// An input iterator over the events.
    class HOLYSHEEP_EXPORT iterator {
      public:
        using value_type = ChatChunk;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        /// The current event; valid until the next increment.
        const ChatChunk& operator*() const { return *chunk_; }
        const ChatChunk* operator->() const { return chunk_; }
        /// Waits for the next event.
        iterator& operator++();
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.chunk_ == nullptr; }

      private:
        friend class ChatStream;
        explicit iterator(detail::StreamReader* reader);
        detail::StreamReader* reader_ = nullptr;
        const ChatChunk* chunk_ = nullptr;
    };

    ChatStream(ChatStream&&) noexcept;
    ChatStream& operator=(ChatStream&&) noexcept;
    ~ChatStream();

    /// Waits for the first event. A second call continues where the iteration stopped.
    iterator begin();
    /// The end of the stream.
    std::default_sentinel_t end() const { return {}; }
    /// Reads the rest of the stream and returns the assembled answer, or the error, with what was received as
    /// `Error::partial`. A second call returns `invalid_request`.
    Result<ChatCompletion> finish();
    /// Ends the stream with `cancelled`. May be called from any thread.
    void cancel();

  private:
    friend class Client;
    explicit ChatStream(std::unique_ptr<detail::StreamReader> reader);
    std::unique_ptr<detail::StreamReader> reader_;
};

/// Controls a stream that was started by `Client::stream_async`. Copyable; usable from any thread. Destroying it does
/// not affect the stream. After the end of the stream or of the client, its functions do nothing.
class HOLYSHEEP_EXPORT StreamHandle {
  public:
    /// A handle without a stream.
    StreamHandle() = default;
    /// Ends the stream with `cancelled`.
    void cancel();
    /// Stops reading from the socket; events that were already read are still delivered. See `TimeoutOptions::unread`.
    void pause();
    /// Reads on after `pause`.
    void resume();

  private:
    friend class Client;
    explicit StreamHandle(std::weak_ptr<detail::StreamControl> control) : control_(std::move(control)) {}
    std::weak_ptr<detail::StreamControl> control_;
};

}  // namespace v0
}  // namespace holysheep
