// Handles one request to one region: reads the answer as it arrives and reports how it ended.
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

/// The events that an attempt reports to its call. Only `attempt_ended` may end the call.
class AttemptEvents {
  public:
    virtual ~AttemptEvents() = default;
    virtual bool attempt_may_send(Attempt& attempt) = 0;
    virtual void attempt_first_byte(Attempt& attempt) = 0;
    /// Bytes of the answer arrived. Reported before the chunks that are decoded from them.
    virtual void attempt_bytes(Attempt& attempt) = 0;
    virtual void attempt_wire_chunk(Attempt& attempt) = 0;
    virtual void attempt_chunk(Attempt& attempt, const ChatChunk& chunk) = 0;
    /// A plain answer grew.
    virtual void attempt_progress(Attempt& attempt) = 0;
    /// Reported once, when the answer is complete or can no longer become complete. The transfer may still be open: see
    /// `transfer_open`.
    virtual void attempt_ended(Attempt& attempt) = 0;
    /// The transfer of an ended attempt has ended, or is not worth waiting for: check `settle_at` again.
    virtual void attempt_drained(Attempt& attempt) = 0;
    /// Called inside a handler: processing an event of the transfer threw an exception. The last event of this attempt.
    virtual void attempt_threw() noexcept = 0;
    /// Whether the call would fail over to another region at once if the attempt failed now.
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
    health::AttemptToken token{};    ///< the tracker's token; it must be returned with an outcome
    std::string_view asked_model{};  ///< the model before the region's `model_map`; owned by the driver
    Clock::time_point heard{};       ///< when its last byte arrived; before the first byte, when its request was sent
    call::Evidence left_because = call::Evidence::none;  ///< why another region was asked in addition
    bool gave_content = false;  ///< to the answer that the caller got, or to its partial answer

    std::size_t region() const { return region_; }
    bool ended() const { return ended_; }
    const call::Outcome& outcome() const { return outcome_; }
    /// Valid once the attempt has failed or was dismissed.
    Error& error() {
        if (!error_) error_ = std::make_unique<Error>();
        return *error_;
    }
    /// The rate limits in the headers; parsed on first use.
    const RateLimits& rate_limits();
    /// The usage that the answer, or the part received, reports; null if none.
    const Usage* usage() const;
    /// The answer received so far, until it is taken.
    const ChatCompletion& answer_so_far() const;
    /// Bytes of text and of tool call arguments; for an incomplete plain answer, all bytes.
    std::size_t content_bytes() const;
    /// Whether the gateway may have processed this request. False if it never received it or refused it.
    bool maybe_billed() const;
    /// Keeps the first bytes of the answer for the log.
    void keep_body_for_log() { logged_body_ = std::make_unique<std::string>(); }
    std::string_view body_for_log() const {
        return logged_body_ ? std::string_view(*logged_body_) : std::string_view();
    }
    /// An error body, or the rest of a finished answer, is awaited until this time; then call `settle`.
    std::optional<Clock::time_point> settle_at() const { return settle_at_; }
    /// Continues with what has been received so far. Returns true if the transfer should be cancelled.
    bool settle();
    /// Whether the current chunk brought content or the end of a choice, as opposed to a ping, an empty delta, a role
    /// or usage. Chunks of the latter kinds neither reset the stall clock nor count for the content gaps of a model.
    bool progressed() const { return progressed_; }
    /// Every choice of the stream has its finish reason; only the end of the stream is missing.
    bool is_whole() const { return !ended_ && decoder_ && decoder_->has_whole_answer(); }
    /// Ends a stream that is complete even if its gateway still holds it open. Returns false for any other.
    bool conclude();
    /// One of the call's own time limits expired.
    void expire(call::Limit limit, milliseconds after);
    /// The machine dropped this attempt, because it lost or the call ended.
    void dismiss(std::string_view why);

    /// Valid after success. Headers and ids are filled in.
    ChatCompletion take_completion();
    RawResponse take_raw();
    /// What a broken stream had delivered, or what a plain answer contained that came with an error; can be taken once.
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
    void record_connection(bool reused, const AttemptTimings& timings);
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
    std::unique_ptr<ChatCompletion> completion_{};  ///< of a plain call; after a failure, the partial answer
    std::optional<Clock::time_point> settle_at_{};
    call::Outcome outcome_{};
    std::unique_ptr<RateLimits> rate_limits_{};  ///< allocated on first use, which is rare
    std::unique_ptr<Error> error_{};
    std::unique_ptr<std::string> logged_body_{};
    std::uint64_t progress_ = 0;  ///< of the stream, at the last chunk
    bool ended_ = false, progressed_ = false;
};

}  // namespace holysheep::execution
