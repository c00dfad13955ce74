// Decodes the bytes of an event stream into events, however the bytes are split. Follows WHATWG HTML, "Server-sent
// events", 9.2.6 "Interpreting an event stream"; three additions are named below.
// body bytes → [sse_decoder] → stream_decoder
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holysheep::wire {

/// Receives events. Views are valid until the function returns; returning `false` stops the decoder.
class SseSink {
  public:
    virtual ~SseSink();
    /// `name` is "message" unless the stream sets another one.
    virtual bool on_event(std::string_view name, std::string_view data) = 0;
    virtual bool on_comment(std::string_view text) = 0;
    /// The non-standard field `error:`, which llama.cpp and its derivatives send instead of data.
    virtual bool on_error_field(std::string_view text) = 0;
    /// A line without a field, or with one that the standard ignores.
    virtual bool on_other_line(std::string_view line) = 0;
    /// Whether the data is complete, so that no further line can belong to it. Called for the first data line of an
    /// event when a second one arrives: relays omit the blank line between events.
    virtual bool is_whole(std::string_view data) = 0;
};

/// An event that is contained in the bytes of one `feed` is not copied. The cost is linear in the bytes, however they
/// are split.
class SseDecoder {
  public:
    enum class Status { open, stopped, too_long };

    /// `max_event_bytes` bounds one event and one line.
    explicit SseDecoder(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

    /// After `stopped` (the sink returned false) and `too_long`, further bytes are ignored.
    Status feed(std::string_view bytes, SseSink& sink);
    /// The body has ended. Also delivers a last event without its blank line, which the standard discards: relays omit
    /// that line, and the sink can check whether the data is complete.
    Status finish(SseSink& sink);

    /// Bytes examined and copied so far: a measure of its cost, which tests compare with the bytes fed.
    std::uint64_t work() const { return work_; }
    std::string_view last_event_id() const { return last_event_id_; }
    /// The value of `retry:`. A POST is never repeated because of it.
    std::optional<std::uint64_t> reconnection_milliseconds() const { return reconnection_milliseconds_; }

  private:
    void skip_byte_order_mark(std::string_view& bytes);
    void take_line(std::string_view line, SseSink& sink);
    /// Returns false for an unknown field.
    bool take_field(std::string_view name, std::string_view value, SseSink& sink);
    void take_data(std::string_view value, SseSink& sink);
    void dispatch(SseSink& sink);
    void keep_borrowed_data();
    void go_on(bool wanted) {
        if (!wanted) status_ = Status::stopped;
    }

    std::size_t max_event_bytes_;
    std::uint64_t work_ = 0;
    Status status_ = Status::open;
    std::string line_{};           ///< the beginning of an incomplete line
    std::string data_{};           ///< the data of the current event, if it had to be copied
    std::string_view borrowed_{};  ///< the event's only data line so far, inside the bytes being fed
    bool has_data_ = false, is_borrowed_ = false, has_one_line_ = false;
    std::string name_{};
    std::string last_event_id_{};
    std::optional<std::uint64_t> reconnection_milliseconds_{};
    bool skip_line_feed_ = false;  ///< the last byte was a CR, whose line has been processed
    int mark_bytes_ = 0;           ///< bytes of a byte order mark seen so far; -1 after the beginning
};

}  // namespace holysheep::wire
