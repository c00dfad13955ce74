// Turns the head, body and end of one HTTP exchange into an outcome.
#include "execution/attempt.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "values/duration_text.hpp"
#include "wire/completion_decoder.hpp"
#include "wire/error_decoder.hpp"
#include "wire/json_cursor.hpp"
#include "wire/loose_frames.hpp"
#include "wire/response_headers.hpp"

namespace holysheep::execution {

namespace {

using namespace std::chrono_literals;

// Some gateways echo the request in their error body, before the error code: truncated JSON would lose that code.
constexpr std::size_t kErrorBodyCap = 256 * 1024;
constexpr std::size_t kLoggedBodyCap = 2 * 1024;
constexpr std::size_t kDrainCap = 64 * 1024;
constexpr std::size_t kReserveCap = 1024 * 1024;
// The error code is often in the body: wait this long for it before the call fails over.
constexpr auto kErrorBodyWait = 20ms;
// If no failover is possible, waiting for a late body costs nothing, and the body explains the failure.
constexpr auto kLastErrorBodyWait = 1s;
// After the end of an answer, the connection is kept for reuse if the rest of the body arrives within this time.
constexpr auto kDrainWait = 1s;

std::string_view host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find('/'));
}

std::chrono::nanoseconds error_body_wait(int status, bool moves) {
    if (!moves) return kLastErrorBodyWait;
    return status >= 500 ? std::chrono::nanoseconds{kDrainWait} : kErrorBodyWait;
}

/// An overloaded gateway refuses a request before processing it and reports that with a distinct code, or asks for a
/// retry.
bool says_unprocessed(const Error& error, const call::Outcome& outcome) {
    if (outcome.error != ErrorCode::server_failed || outcome.status < 500) return false;
    const auto overloaded = [](std::string_view code) {
        return code == "overloaded_error" || code == "server_is_overloaded";
    };
    return outcome.should_retry == true || overloaded(error.provider_code) || overloaded(error.provider_type);
}

std::size_t content_length(const HttpHead& head) {
    const auto text = wire::find_header(head.headers, "content-length");
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return std::min(length, kReserveCap);
}

}  // namespace

Attempt::Attempt(AttemptEvents& events, const Exchange& exchange, const Target& target, std::size_t region,
                 AttemptRecord attempt_record, Clock::time_point started)
    : record(std::move(attempt_record)),
      events_(events),
      exchange_(exchange),
      target_(target),
      region_(region),
      started_(started) {
    record.server = host_of(target.base_url);
}

// Transport callbacks, above all libcurl's, must not throw: an exception in here ends the call.
bool Attempt::may_send(TransferId) {
    try {
        if (ended_ || !events_.attempt_may_send(*this)) return false;
        record.timings.sent = elapsed();
        return true;
    } catch (...) {
        events_.attempt_threw();
        return false;
    }
}

void Attempt::on_head(TransferId, HttpHead head) {
    try {
        take_head(std::move(head));
    } catch (...) {
        events_.attempt_threw();
    }
}

void Attempt::on_body(TransferId, std::string_view bytes) {
    try {
        take_body(bytes);
    } catch (...) {
        events_.attempt_threw();
    }
}

void Attempt::on_end(TransferId, TransferEnd end) {
    try {
        take_end(std::move(end));
    } catch (...) {
        events_.attempt_threw();
    }
}

void Attempt::record_connection(bool reused, const AttemptTimings& timings) {
    record.connection_reused = outcome_.connection_reused = reused;
    record.timings.dns = timings.dns;
    record.timings.connect = timings.connect;
    record.timings.tls = timings.tls;
}

void Attempt::take_head(HttpHead head) {
    if (ended_) return;
    head_ = std::move(head);
    record.http_status = head_.status;
    record_connection(head_.connection_reused, head_.timings);
    record.timings.first_byte = elapsed();
    record.request_id = wire::parse_request_id(head_.headers);
    const bool moves = events_.can_move_at_once();
    if (!good_status()) settle_at_ = events_.now() + error_body_wait(head_.status, moves);
    events_.attempt_first_byte(*this);  // arms the timer
    if (good_status()) {
        if (exchange_.kind == ExchangeKind::chat_stream) {
            decoder_.emplace(wire::StreamDecoderOptions{.skip_malformed_chunks = exchange_.skip_malformed_chunks},
                             static_cast<wire::ChunkSink&>(*this));
        } else {
            body_.reserve(content_length(head_));
        }
    } else if (head_.status >= 500 && moves) {
        // The status is enough: the body is drained in the background, so that the connection can be reused.
        end_with_http_error();
    }
}

void Attempt::take_body(std::string_view bytes) {
    if (ended_) {
        drained_ += bytes.size();
        if (drained_ > kDrainCap) {
            settle_at_ = Clock::time_point{};  // not worth draining: due at once
            events_.attempt_drained(*this);
        }
        return;
    }
    if (logged_body_) {
        logged_body_->append(bytes.substr(0, kLoggedBodyCap - std::min(kLoggedBodyCap, logged_body_->size())));
    }
    if (good_status()) events_.attempt_bytes(*this);
    if (decoder_) {
        const auto state = decoder_->feed(bytes);
        if (state == wire::StreamDecoder::State::open) return;
        settle_at_ = events_.now() + kDrainWait;
        end_stream(state, nullptr);
    } else if (good_status()) {
        body_.append(bytes);
        // White space before an answer only keeps the connection alive (api-docs.deepseek.com, "Rate Limit").
        if (bytes.find_first_not_of(" \t\r\n") != std::string_view::npos) events_.attempt_progress(*this);
    } else {
        body_.append(bytes.substr(0, kErrorBodyCap - std::min(kErrorBodyCap, body_.size())));
    }
}

void Attempt::take_end(TransferEnd end) {
    transfer_open = false;
    settle_at_.reset();
    if (ended_) {
        events_.attempt_drained(*this);
        return;
    }
    if (head_.status == 0) record_connection(end.connection_reused, end.timings);
    outcome_.certainly_not_delivered = end.certainly_not_delivered;
    outcome_.refused = end.refused;
    outcome_.new_connection_helps = end.new_connection_helps;
    outcome_.proxy_status = end.proxy_status;
    if (decoder_) {
        events_.attempt_bytes(*this);  // the last event may lack its terminator
        const auto state = decoder_->end_of_body(!end.error);
        end_stream(state, end.error ? &end : nullptr);
    } else if (head_.status != 0 && !good_status()) {
        end_with_http_error();  // also if the connection broke within the error's body
    } else {
        end_plain(end.error ? &end : nullptr);
    }
}

void Attempt::on_chunk(const ChatChunk& chunk) {
    const auto before = std::exchange(progress_, decoder_->progress());
    progressed_ = before != progress_;
    if (!record.timings.first_content && chunk.event != ChunkEvent::keep_alive && decoder_->has_content()) {
        record.timings.first_content = elapsed();
    }
    events_.attempt_chunk(*this, chunk);
}

bool Attempt::settle() {
    settle_at_.reset();
    if (!ended_) {
        settle_at_ = events_.now() + kDrainWait;
        end_with_http_error();
        return false;
    }
    return transfer_open;
}

bool Attempt::conclude() {
    if (!is_whole()) return false;
    end_stream(decoder_->end_of_body(false), nullptr);
    return true;
}

void Attempt::expire(call::Limit limit, milliseconds after) {
    if (conclude()) return;
    const bool content = decoder_ && decoder_->has_content();
    const auto within = " within " + values::milliseconds_text(after);
    Error error{.code = content ? ErrorCode::stream_stalled : ErrorCode::timed_out, .http_status = head_.status};
    switch (limit) {
        case call::Limit::connect: error.message = "no connection" + within; break;
        case call::Limit::first_byte: error.message = "no answer" + within; break;
        case call::Limit::first_content: error.message = "no content" + within; break;
        case call::Limit::stall: error.message = "the answer stalled: nothing new" + within; break;
        case call::Limit::silence: error.message = record.left; break;
        case call::Limit::attempt: error.message = "the attempt was not over" + within; break;
        case call::Limit::none: break;
    }
    outcome_.limit = limit;
    outcome_.certainly_not_delivered = !record.timings.sent && head_.status == 0;
    outcome_.any_byte = head_.status != 0;
    end_failed(std::move(error));
}

void Attempt::dismiss(std::string_view why) {
    if (ended_) return;
    ended_ = true;
    settle_at_.reset();
    error() = {.code = ErrorCode::cancelled, .message = std::string(why)};
    record.error = ErrorCode::cancelled;
    record.detail = why;
    record.timings.total = elapsed();
}

void Attempt::end_stream(wire::StreamDecoder::State state, const TransferEnd* transport) {
    if (state == wire::StreamDecoder::State::complete) {
        end_answered();
        return;
    }
    auto error = decoder_->error();
    error.http_status = head_.status;
    if (error.effective_status == 0) error.effective_status = head_.status;
    const bool lost = error.code == ErrorCode::transport_failed || error.code == ErrorCode::stream_interrupted;
    // An error that the gateway reported before the connection broke takes precedence.
    if (transport != nullptr && lost) {
        // The transport error gives the cause; the decoder's code tells the caller what it means.
        if (!decoder_->has_content()) error.code = *transport->error;
        error.message += (error.message.empty() ? "" : ": ") + transport->detail;
    }
    end_failed(std::move(error));
}

void Attempt::end_plain(const TransferEnd* transport) {
    const bool raw = exchange_.kind == ExchangeKind::raw;
    // JSON shows by itself whether it is complete: an answer that was paid for is kept, however its connection ended.
    if (transport != nullptr && (raw || !wire::is_json_object(wire::leading_json(body_)))) {
        end_failed({.code = *transport->error, .message = transport->detail, .http_status = head_.status});
        return;
    }
    if (raw) {
        end_answered();
        return;
    }
    auto decoded = wire::decode_completion(std::move(body_));
    if (!decoded) {
        auto error = std::move(decoded).error();
        error.http_status = head_.status;
        if (error.partial) completion_ = std::make_unique<ChatCompletion>(*std::exchange(error.partial, nullptr));
        end_failed(std::move(error));
        return;
    }
    completion_ = std::make_unique<ChatCompletion>(std::move(*decoded));
    end_answered();
}

void Attempt::end_with_http_error() {
    // A body that was not awaited does not count as empty.
    const bool arrived = !body_.empty() || !transfer_open;
    end_failed(wire::decode_error(head_.status, head_.headers,
                                  arrived ? std::optional<std::string_view>(body_) : std::nullopt,
                                  host_of(target_.base_url)));
}

void Attempt::end_answered() {
    outcome_.answered = true;
    ended_ = true;
    record.timings.total = elapsed();
    events_.attempt_ended(*this);
}

void Attempt::end_failed(Error error) {
    ended_ = true;
    error_ = std::make_unique<Error>(std::move(error));
    if (error_->code != ErrorCode::proxy_failed) error_->region = target_.region.id;
    error_->model = record.model;
    // The gateway's request id is in a header or in the error itself.
    if (record.request_id.empty()) record.request_id = error_->request_id;
    error_->request_id = record.request_id;
    if (!error_->retry_after)
        error_->retry_after = wire::parse_retry_after(head_.headers, std::chrono::system_clock::now());
    outcome_.error = error_->code;
    outcome_.status = error_->effective_status != 0 ? error_->effective_status : error_->http_status;
    outcome_.any_byte = head_.status != 0;
    outcome_.resumable = resumable();
    outcome_.retry_after = error_->retry_after;
    outcome_.should_retry = wire::parse_should_retry(head_.headers);
    outcome_.refused = outcome_.refused || says_unprocessed(*error_, outcome_);
    record.error = error_->code;
    record.detail = error_->message;
    record.timings.total = elapsed();
    events_.attempt_ended(*this);
}

/// Only an assistant message that ends with text can be sent as a prefix for a continuation.
bool Attempt::resumable() const {
    if (!decoder_) return false;
    const auto& choices = decoder_->completion().choices;
    if (choices.size() != 1) return false;
    const auto& choice = choices.front();
    return choice.index == 0 && !decoder_->has_media() && choice.finish_reason_text.empty() &&
           choice.message.tool_calls.empty() && choice.message.refusal.empty();
}

const RateLimits& Attempt::rate_limits() {
    if (!rate_limits_) rate_limits_ = std::make_unique<RateLimits>(wire::parse_rate_limits(head_.headers));
    return *rate_limits_;
}

const Usage* Attempt::usage() const {
    if (decoder_) return &decoder_->completion().usage;
    return completion_ ? &completion_->usage : nullptr;
}

const ChatCompletion& Attempt::answer_so_far() const {
    static const ChatCompletion none;
    if (decoder_) return decoder_->completion();
    return completion_ ? *completion_ : none;
}

std::size_t Attempt::content_bytes() const {
    if (!decoder_ && !completion_) return good_status() ? body_.size() : 0;
    std::size_t bytes = 0;
    for (const auto& choice : answer_so_far().choices) {
        const auto& message = choice.message;
        bytes += message.content.size() + message.reasoning.size() + message.refusal.size();
        for (const auto& call : message.tool_calls) bytes += call.name.size() + call.arguments.size();
    }
    return bytes;
}

bool Attempt::maybe_billed() const {
    if (outcome_.answered || content_bytes() > 0 || answer_so_far().usage.present) return true;
    if (decoder_ && decoder_->has_content()) return true;
    if (!record.timings.sent) return false;
    auto outcome = outcome_;
    if (outcome.status == 0) outcome.status = head_.status;  // dismissed
    return call::maybe_billed(outcome);
}

void Attempt::describe_answer(ChatCompletion& completion) {
    completion.cost = record.cost;
    completion.cost_is_estimate = record.cost_is_estimate;
    completion.region = target_.region.id;
    completion.requested_model = exchange_.model;
    completion.request_id = record.request_id;
    completion.rate_limits = rate_limits();
    if (!completion.usage.reported_cost) completion.usage.reported_cost = wire::parse_reported_cost(head_.headers);
    completion.headers = std::move(head_.headers);
}

ChatCompletion Attempt::take_completion() {
    auto completion = decoder_ ? decoder_->take_completion() : std::move(*completion_);
    describe_answer(completion);
    return completion;
}

RawResponse Attempt::take_raw() {
    return {.status = head_.status,
            .headers = std::move(head_.headers),
            .body = std::move(body_),
            .region = target_.region.id};
}

std::shared_ptr<const ChatCompletion> Attempt::partial() {
    const bool of_stream = decoder_ && decoder_->has_content();
    if (!of_stream && !completion_) return nullptr;
    auto partial = std::make_shared<ChatCompletion>(of_stream ? decoder_->take_completion() : *completion_);
    describe_answer(*partial);
    return partial;
}

}  // namespace holysheep::execution
