// A stream that is read as a range, and the handle of one that calls back.
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

/// An input range of events, then a verdict:
///
///     auto stream = client.stream(request);
///     for (const auto& chunk : stream) std::cout << chunk.text;
///     if (auto answer = stream.finish(); !answer) std::cerr << answer.error();
///
/// The range ends when the stream does, well or not: only `finish()` tells which. Use from one thread at a time
/// (`cancel()` from any). A slow reader slows the gateway down: at most two batches of 256 KiB are held. Destroying the
/// stream cancels it on the wire.
class HOLYSHEEP_EXPORT ChatStream {
  public:
    class HOLYSHEEP_EXPORT iterator {
      public:
        using value_type = ChatChunk;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        const ChatChunk& operator*() const { return *chunk_; }
        const ChatChunk* operator->() const { return chunk_; }
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

    /// Waits for the first event. A second call goes on where the first range stopped.
    iterator begin();
    std::default_sentinel_t end() const { return {}; }
    /// Reads what is left, then gives the assembled answer, or the error with what came as `Error::partial`. A second
    /// call gives `invalid_request`.
    Result<ChatCompletion> finish();
    void cancel();

  private:
    friend class Client;
    explicit ChatStream(std::unique_ptr<detail::StreamReader> reader);
    std::unique_ptr<detail::StreamReader> reader_;
};

/// Steers a stream that was started with `Client::stream_async`. Copyable, usable from any thread; dropping it changes
/// nothing. After the stream's end, and after the client's, its functions do nothing.
class HOLYSHEEP_EXPORT StreamHandle {
  public:
    StreamHandle() = default;
    void cancel();
    /// Stops reading from the socket; what was read already is still delivered.
    void pause();
    void resume();

  private:
    friend class Client;
    explicit StreamHandle(std::weak_ptr<detail::StreamControl> control) : control_(std::move(control)) {}
    std::weak_ptr<detail::StreamControl> control_;
};

}  // namespace v0
}  // namespace holysheep
