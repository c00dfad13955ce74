// The states of the decoder:
// open ──[DONE]──→ complete          open ──error, unreadable chunk, too much──→ failed
// open ──end, all choices finished──→ complete          open ──any other end──→ failed
#include "wire/stream_decoder.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "wire/answer_reader.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chunk_accumulator.hpp"
#include "wire/chunk_frame.hpp"
#include "wire/error_decoder.hpp"
#include "wire/json_cursor.hpp"
#include "wire/json_dom.hpp"
#include "wire/json_outline.hpp"
#include "wire/loose_frames.hpp"
#include "wire/sse_decoder.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

constexpr std::size_t kSnippetBytes = 1024, kHtmlBytes = 2048, kStrayBytes = std::size_t{64} << 10U;
constexpr const char* kCheckGateway = " bytes; check what answers at the base URL";

/// DashScope puts the status of an event into a comment: ":HTTP_STATUS/429". Returns 0 without a status or for success.
int status_in_comment(std::string_view text) {
    constexpr std::string_view kName = "HTTP_STATUS/";
    text = without_outer_space(text);
    int status = 0;
    if (text.substr(0, kName.size()) != kName) return 0;
    text.remove_prefix(kName.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    return error == std::errc{} && status >= 400 && status <= 599 ? status : 0;
}

}  // namespace

class StreamDecoder::Machine final : public SseSink {
  public:
    Machine(StreamDecoderOptions options, ChunkSink& sink)
        : options_(options), sink_(sink), events_(options.max_event_bytes), answer_(options.max_total_bytes) {}

    void feed(std::string_view bytes) {
        if (state_ == State::open && body_ == Body::undecided) bytes.remove_prefix(decide(bytes));
        if (state_ != State::open) return;
        if (body_ == Body::json) return buffer(bytes);
        if (body_ == Body::html) return collect_html(bytes);
        if (events_.feed(bytes, *this) == SseDecoder::Status::too_long) {
            fail_malformed(
                "an event of the stream is longer than " + std::to_string(options_.max_event_bytes) + kCheckGateway,
                {});
        }
    }

    void end_of_body(bool clean) {
        if (state_ != State::open) return;
        at_end_ = true;
        clean_end_ = clean;
        switch (body_) {
            case Body::json: read_whole(); break;
            case Body::html: return fail_html();
            case Body::undecided:
            case Body::events: events_.finish(*this); break;
        }
        if (state_ == State::open && !unreadable_.empty()) return fail_unreadable();
        if (state_ == State::open) judge_end();
    }

    bool on_event(std::string_view name, std::string_view data) override {
        data = without_outer_space(data);
        if (data.empty()) return true;
        if (data == "[DONE]" && unreadable_.empty()) {
            judge_done();
        } else if (name == "error") {
            fail_with_text(data);
        } else {
            read_chunk(data);
        }
        event_status_ = 0;
        return state_ == State::open;
    }

    bool on_comment(std::string_view text) override {
        if (const int status = status_in_comment(text); status != 0) event_status_ = status;
        sink_.on_wire_chunk();
        sink_.on_chunk({.event = ChunkEvent::keep_alive, .raw_json = text});
        return true;
    }

    bool on_error_field(std::string_view text) override {
        text = without_outer_space(text);
        if (!text.empty()) fail_with_text(text);
        return state_ == State::open;
    }

    /// JSON without a preceding `data:`, on one line or several: a proxy's own error, or a chunk of an imprecise relay.
    bool on_other_line(std::string_view line) override {
        if (stray_.empty()) {
            line = without_outer_space(line);
            if (line.empty() || (line.front() != '{' && line.front() != '[')) return true;
            stray_outline_ = {};
        } else {
            stray_ += '\n';
        }
        const std::size_t end = end_of_json(line, stray_outline_);
        if (stray_.size() + line.size() > kStrayBytes) {
            stray_.clear();
            return true;
        }
        stray_ += line.substr(0, end);
        if (end == std::string_view::npos) return true;
        read_stray(std::exchange(stray_, {}));
        return state_ == State::open;
    }

    bool is_whole(std::string_view data) override {
        data = without_outer_space(data);
        return data == "[DONE]" || is_json_object(data);
    }

    ChatCompletion take() {
        seal(nullptr);
        return answer_.take();
    }

    State state() const { return state_; }
    const Error& error() const { return *error_; }
    const ChunkAccumulator& answer() const { return answer_; }

  private:
    enum class Body { undecided, events, json, html };

    /// Ignores white space and a byte order mark, which do not affect the event decoder. Returns the number of bytes
    /// that are not part of the body.
    std::size_t decide(std::string_view bytes) {
        const std::size_t first = bytes.find_first_not_of("\xEF\xBB\xBF \t\r\n");
        if (first == std::string_view::npos) return 0;
        const char c = bytes[first];
        body_ = c == '{' || c == '[' ? Body::json : c == '<' ? Body::html : Body::events;
        return body_ == Body::events ? 0 : first;
    }

    /// Waits for the title of the page, but not for its text.
    void collect_html(std::string_view bytes) {
        whole_ += bytes.substr(0, kHtmlBytes - whole_.size());
        if (whole_.size() == kHtmlBytes) fail_html();
    }
    void fail_html() { fail_with(malformed_body(whole_, "instead of an event stream"), whole_); }

    void buffer(std::string_view bytes) {
        if (whole_.size() + bytes.size() > options_.max_event_bytes) {
            return fail_malformed(
                "the answer is longer than " + std::to_string(options_.max_event_bytes) + kCheckGateway, {});
        }
        whole_ += bytes;
    }

    /// The gateway did not stream: the answer arrived in one piece.
    void read_whole() {
        const BorrowedReader reader(whole_.size());
        auto& fields = reader->fields;
        if (!scan_answer(whole_, AnswerShape::whole, reader->scratch, fields) &&
            reader->dom.read(whole_, AnswerShape::whole, fields) != AnswerDom::Read::ok) {
            // A complete answer or error counts, whatever follows it. Chunks on lines of their own are a stream.
            const std::string_view first = leading_json(whole_);
            if (!reader->dom.read_answer(first, fields)) {
                if (is_json(first)) return read_frames(whole_);
                if (!clean_end_) return;
                return fail_with(malformed_body(whole_, "instead of an event stream"), whole_);
            }
        }
        if (fields.error) fields.keep_usage_alone();
        if (fields.has_usage || !fields.choices.empty()) add(fields, whole_);
        if (state_ != State::open) return;
        if (fields.error) return fail_with(error_from_fields(*fields.error), whole_);
        if (!answer_.failure_reason().empty()) return fail_choice();
        if (fields.choices.empty()) return fail_malformed("the answer has no choices", whole_);
        answer_.record_missing_done_marker();
        complete();
    }

    void read_chunk(std::string_view text) {
        const BorrowedReader reader(text.size());
        auto& fields = reader->fields;
        if (unreadable_.empty() && frame_.match(text, fields)) return add(fields, text);
        if (scan_answer(text, AnswerShape::chunk, reader->scratch, fields)) {
            if (!unreadable_.empty()) return fail_unreadable();
            frame_.remember(text, fields);
        } else {
            frame_.forget();
            switch (reader->dom.read(text, AnswerShape::chunk, fields)) {
                case AnswerDom::Read::ok: break;
                case AnswerDom::Read::not_json: return read_frames(text);
                case AnswerDom::Read::not_an_object: fields.clear(); break;
            }
        }
        add_chunk(fields, text);
    }

    void add_chunk(const AnswerFields& fields, std::string_view text) {
        if (!unreadable_.empty() && !fields.error) return fail_unreadable();
        add(fields, text);
        if (state_ == State::open && fields.error) fail_with_fields(*fields.error, text);
    }

    /// Data that is not JSON as a whole: reads each line separately.
    void read_frames(std::string_view text) {
        LooseFrames frames(text);
        for (auto frame = frames.next(); frame && state_ == State::open; frame = frames.next()) {
            switch (frame->kind) {
                case LooseFrame::Kind::done:
                    if (!unreadable_.empty()) return fail_unreadable();
                    judge_done();
                    break;
                case LooseFrame::Kind::comment: on_comment(frame->text); break;
                case LooseFrame::Kind::error: on_error_field(frame->text); break;
                case LooseFrame::Kind::unreadable: on_malformed_chunk(frame->text); break;
                case LooseFrame::Kind::json:
                    frame->of_error_event ? fail_with_text(frame->text) : read_json_frame(frame->text);
                    break;
            }
        }
    }

    void read_json_frame(std::string_view text) {
        const BorrowedReader reader(text.size());
        auto& fields = reader->fields;
        switch (reader->dom.read(text, AnswerShape::chunk, fields)) {
            case AnswerDom::Read::ok: return add_chunk(fields, text);
            case AnswerDom::Read::not_json: return on_malformed_chunk(text);
            case AnswerDom::Read::not_an_object: fields.clear(); return add_chunk(fields, text);
        }
    }

    /// The standard ignores such lines, so only certain errors count.
    void read_stray(const std::string& text) {
        if (text == "[DONE]") return judge_done();
        const BorrowedReader reader(text.size());
        auto& fields = reader->fields;
        if (reader->dom.read(text, AnswerShape::chunk, fields) != AnswerDom::Read::ok) return;
        if (fields.error || !fields.choices.empty() || fields.has_usage) add_chunk(fields, text);
    }

    void add(const AnswerFields& fields, std::string_view text) {
        switch (answer_.add(fields, text, &sink_)) {
            case ChunkAccumulator::Added::ok: return;
            case ChunkAccumulator::Added::bad_choice_index:
                return fail_malformed("a choice index is outside 0 to " + std::to_string(kMaxChoices - 1), text);
            case ChunkAccumulator::Added::too_large:
                return fail_malformed("the answer is longer than " + std::to_string(options_.max_total_bytes) +
                                          " bytes; ask for less with max_completion_tokens or n",
                                      {});
        }
    }

    /// A relay whose upstream failed writes its error after the broken chunk. So the result of an unreadable chunk
    /// waits for one more event, or the end.
    void on_malformed_chunk(std::string_view text) {
        const std::string_view excess = excess_of(text);
        // A truncated last event is judged by how the stream ended.
        if (at_end_ && excess.empty()) return;
        if (!unreadable_.empty()) return fail_unreadable();
        const int skipped = answer_.completion().skipped_chunks;
        if (skipped < options_.skip_malformed_chunks && !answer_.has_open_tool_call())
            return answer_.record_skipped_chunk();
        unreadable_ = "a chunk of the stream is " + std::string(excess.empty() ? "not JSON" : excess);
        unreadable_text_ = utf8_prefix(text, kSnippetBytes);
    }

    void fail_unreadable() { fail_malformed(unreadable_, unreadable_text_); }

    void judge_done() {
        if (!answer_.failure_reason().empty()) return fail_choice();
        if (!answer_.has_choices()) return fail_malformed("the stream ended without a single choice", {});
        complete();
    }

    void judge_end() {
        if (!answer_.failure_reason().empty()) return fail_choice();
        if (answer_.all_finished()) {
            answer_.record_missing_done_marker();
            return complete();
        }
        Error error;
        const std::string how = clean_end_ ? "the stream ended" : "the connection was lost";
        if (answer_.has_content()) {
            error.code = ErrorCode::stream_interrupted;
            error.message = how + " before the answer was finished";
        } else if (clean_end_ && !answer_.has_choices()) {
            error.code = ErrorCode::malformed_response;
            error.message = "the stream ended without a single choice";
        } else {
            error.code = ErrorCode::transport_failed;
            error.message = how + " before the answer began";
        }
        fail_with(std::move(error), whole_);
    }

    /// A finish reason that reports a failure is judged at the end, because an error may still follow.
    void fail_choice() {
        Error error = failed_finish(answer_.failure_reason());
        if (answer_.has_content()) error.code = ErrorCode::stream_interrupted;
        fail_with(std::move(error), {});
    }

    void fail_with_text(std::string_view text) { fail_with_fields(read_error_text(text), text); }

    void fail_with_fields(ErrorFields fields, std::string_view text) {
        if (fields.status == 0) fields.status = event_status_;
        fail_with(error_from_fields(fields), text);
    }

    void fail_malformed(std::string message, std::string_view raw) {
        Error error;
        error.code = ErrorCode::malformed_response;
        error.message = std::move(message);
        fail_with(std::move(error), raw);
    }

    void fail_with(Error error, std::string_view raw) {
        state_ = State::failed;
        error.http_status = 200;
        if (error.effective_status == 0) error.effective_status = 200;
        error.raw_body = utf8_prefix(raw, kSnippetBytes);
        error_ = std::make_unique<Error>(std::move(error));
        seal(nullptr);
    }

    void complete() {
        seal(&sink_);
        state_ = State::complete;
    }

    void seal(ChunkSink* sink) { answer_.seal(sink); }

    StreamDecoderOptions options_;
    ChunkSink& sink_;
    SseDecoder events_;
    ChunkAccumulator answer_;
    ChunkFrame frame_{};
    std::string whole_{};
    std::unique_ptr<Error> error_{};                ///< set once failed
    std::string unreadable_{}, unreadable_text_{};  ///< of the unreadable chunk that will end the stream
    std::string stray_{};                           ///< JSON outside of any event so far
    JsonOutline stray_outline_{};
    int event_status_ = 0;  ///< of the current event, from a comment
    State state_ = State::open;
    Body body_ = Body::undecided;
    bool at_end_ = false, clean_end_ = false;
};

StreamDecoder::StreamDecoder(StreamDecoderOptions options, ChunkSink& sink)
    : machine_(std::make_unique<Machine>(options, sink)) {}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

StreamDecoder::State StreamDecoder::feed(std::string_view bytes) {
    machine_->feed(bytes);
    return machine_->state();
}

StreamDecoder::State StreamDecoder::end_of_body(bool clean) {
    machine_->end_of_body(clean);
    return machine_->state();
}

StreamDecoder::State StreamDecoder::state() const { return machine_->state(); }
bool StreamDecoder::has_content() const { return machine_->answer().has_content(); }
bool StreamDecoder::has_media() const { return machine_->answer().has_media(); }
std::uint64_t StreamDecoder::progress() const { return machine_->answer().progress(); }
bool StreamDecoder::has_whole_answer() const { return machine_->answer().all_finished(); }
const Error& StreamDecoder::error() const { return machine_->error(); }
const ChatCompletion& StreamDecoder::completion() const { return machine_->answer().completion(); }
ChatCompletion StreamDecoder::take_completion() { return machine_->take(); }

}  // namespace holysheep::wire
