// One request to one region: reads the answer as it arrives and says how it ended.
// Transport → [Attempt] → CallDriver → CallMachine
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <holysheep/transport.hpp>

#include "call/classification.hpp"
#include "call/evidence.hpp"
#include "execution/exchange.hpp"
#include "health/region_health_tracker.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::execution {

class Attempt;

/// What an attempt tells its call. Only `attempt_ended` may end the call.
class AttemptEvents {
  public:
    virtual ~AttemptEvents() = default;
    virtual bool attempt_may_send(Attempt& attempt) = 0;
    virtual void attempt_first_byte(Attempt& attempt) = 0;
    /// Bytes of the answer came; before the chunks that are read from them.
    virtual void attempt_bytes(Attempt& attempt) = 0;
    virtual void attempt_wire_chunk(Attempt& attempt) = 0;
    virtual void attempt_chunk(Attempt& attempt, const ChatChunk& chunk) = 0;
    /// A plain answer grew.
    virtual void attempt_progress(Attempt& attempt) = 0;
    /// Once, when the answer is whole or cannot become so. The transfer may still be open: see `transfer_open`.
    virtual void attempt_ended(Attempt& attempt) = 0;
    /// The transfer of an attempt that is over has ended, or is not worth waiting for: look at `settle_at` again.
    virtual void attempt_drained(Attempt& attempt) = 0;
    /// Inside a handler: an exception left what a transfer's event led to. The last event of this attempt.
    virtual void attempt_threw() noexcept = 0;
    /// Whether a failure now would be followed by another region at once.
    virtual bool can_move_at_once() const = 0;
    virtual Clock::time_point now() const = 0;
};

class Attempt final : public TransferEvents, private wire::ChunkSink {
  public:
    Attempt(AttemptEvents& events, const Exchange& exchange, const Target& target, std::size_t region,
            AttemptRecord record, Clock::time_point started);

    AttemptRecord record;
    TransferId transfer = 0;
    bool transfer_open = false;
    health::AttemptToken ticket{};                       ///< what it owes the region's health
    std::string_view asked_model{};                      ///< before the region's `model_map`; the driver keeps it
    Clock::time_point heard{};                           ///< its last byte; before one, when its request was sent
    call::Evidence left_because = call::Evidence::none;  ///< another region is asked beside it
    bool gave_content = false;  ///< to the answer that the caller got, or to what there is of one

    std::size_t region() const { return region_; }
    bool ended() const { return ended_; }
    const call::Outcome& outcome() const { return outcome_; }
    /// Once it has failed or was dismissed.
    Error& error() {
        if (!error_) error_ = std::make_unique<Error>();
        return *error_;
    }
    /// What the headers say; read when first asked for.
    const RateLimits& rate_limits();
    /// What the answer, or what there is of it, says was used; null without any.
    const Usage* usage() const;
    /// What has come, until it is taken.
    const ChatCompletion& answer_so_far() const;
    /// Of text and of arguments of tool calls; of a plain answer that is not whole, all bytes.
    std::size_t content_bytes() const;
    /// Whether the gateway may have worked on this request: not where it never got it, or refused it.
    bool maybe_billed() const;
    /// Keeps the first bytes of the answer for the log.
    void keep_body_for_log() { logged_body_ = std::make_unique<std::string>(); }
    std::string_view body_for_log() const {
        return logged_body_ ? std::string_view(*logged_body_) : std::string_view();
    }
    /// An error body or the rest of a finished answer is awaited no longer than this; then call `settle`.
    std::optional<Clock::time_point> settle_at() const { return settle_at_; }
    /// Goes on with what has come so far. True when the transfer should be cancelled.
    bool settle();
    /// Whether the chunk at hand brought content, or the end of a choice: not a ping, an empty delta, a role or usage.
    /// Such chunks neither stop the stall clock nor say anything of the silences in a model's answers.
    bool progressed() const { return progressed_; }
    /// Every choice of the stream has its finish reason; only its end is missing.
    bool is_whole() const { return !ended_ && decoder_ && decoder_->has_whole_answer(); }
    /// Ends a stream that is whole, whatever its gateway still holds it open for. False for any other.
    bool conclude();
    /// One of our clocks ran out.
    void expire(call::Limit limit, milliseconds after);
    /// The machine dropped this attempt: it lost, or the call ended.
    void dismiss(std::string_view why);

    /// After a good end. Headers and ids are filled in.
    ChatCompletion take_completion();
    RawResponse take_raw();
    /// What a cut stream had delivered, or a plain answer held that came with an error; once.
    std::shared_ptr<const ChatCompletion> partial();

    bool may_send(TransferId id) override;
    void on_head(TransferId id, HttpHead head) override;
    void on_body(TransferId id, std::string_view bytes) override;
    void on_end(TransferId id, TransferEnd end) override;

  private:
    void take_head(HttpHead head);
    void take_body(std::string_view bytes);
    void take_end(TransferEnd end);
    void on_wire_chunk() override { events_.attempt_wire_chunk(*this); }
    void on_chunk(const ChatChunk& chunk) override;
    bool good_status() const { return head_.status >= 200 && head_.status < 300; }
    void note_connection(bool reused, const AttemptTimings& timings);
    void end_stream(wire::StreamDecoder::State state, const TransferEnd* transport);
    void end_plain(const TransferEnd* transport);
    void end_with_http_error();
    void end_answered();
    void end_failed(Error error);
    nanoseconds elapsed() const { return events_.now() - started_; }
    bool resumable() const;
    void describe_answer(ChatCompletion& completion);

    AttemptEvents& events_;
    const Exchange& exchange_;
    const Target& target_;
    std::size_t region_;
    Clock::time_point started_;
    HttpHead head_{};
    std::string body_{};
    std::size_t drained_ = 0;
    std::optional<wire::StreamDecoder> decoder_{};
    std::unique_ptr<ChatCompletion> completion_{};  ///< of a plain call; of one that failed, what there is of it
    std::optional<Clock::time_point> settle_at_{};
    call::Outcome outcome_{};
    std::unique_ptr<RateLimits> rate_limits_{};  ///< few look at them
    std::unique_ptr<Error> error_{};
    std::unique_ptr<std::string> logged_body_{};
    std::uint64_t progress_ = 0;  ///< of the stream, at the last chunk
    bool ended_ = false, progressed_ = false;
};

}  // namespace holysheep::execution
