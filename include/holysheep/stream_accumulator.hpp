// Assembles the pieces of a stream into one answer without a client: for recorded traffic, other transports, and
// proxies. bytes, chunks or events → [StreamAccumulator] → ChatCompletion
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <holysheep/chat_completion.hpp>
#include <holysheep/export.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// Applies the same rules as the client's own streams. Add one of the three kinds of pieces, not a mixture:
///
///     holysheep::StreamAccumulator answer;
///     while (read(line)) answer.add_json(line);              // {"choices":[{"delta":…}]} each
///     auto whole = answer.finish();                          // ChatCompletion, or Error with `partial`
///
/// Use from one thread at a time; movable. Anything after the end (`[DONE]`, an error) is ignored.
class HOLYSHEEP_EXPORT StreamAccumulator {
  public:
    /// `on_chunk` receives the events of each chunk, as readers of a stream do; not for `add_event`.
    explicit StreamAccumulator(std::function<void(const ChatChunk&)> on_chunk = {});
    StreamAccumulator(StreamAccumulator&&) noexcept;
    StreamAccumulator& operator=(StreamAccumulator&&) noexcept;
    ~StreamAccumulator();

    /// Adds bytes of an event stream (`data: …`), split anywhere. Returns false once the stream has ended.
    bool add_bytes(std::string_view bytes);
    /// Adds the JSON text of one chunk, such as `ChatChunk::raw_json`. Returns false once the stream has ended.
    bool add_json(std::string_view chunk);
    /// Adds one event of a ChatStream. `restarted` discards everything before it.
    void add_event(const ChatChunk& event);

    /// The answer so far. Members that contain JSON are set by `finish`.
    const ChatCompletion& so_far() const;
    /// The answer, or the error that a client would return: an incomplete answer is `stream_interrupted` with
    /// `partial`. Call it once.
    Result<ChatCompletion> finish();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
