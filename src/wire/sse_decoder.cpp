// Splits an event stream into lines and events. A line is processed at its CR, without waiting for a possible LF, which
// is then skipped.
#include "wire/sse_decoder.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace holysheep::wire {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Finds line ends; each byte is examined once per kind of line end, however many lines there are.
class LineEnds {
  public:
    LineEnds(std::string_view bytes, std::uint64_t& work) : bytes_(bytes), work_(work) {
        line_feed_ = find('\n', 0);
        carriage_ = find('\r', 0);
    }
    std::size_t next(std::size_t from) {
        if (line_feed_ < from) line_feed_ = find('\n', from);
        if (carriage_ < from) carriage_ = find('\r', from);
        return std::min(line_feed_, carriage_);
    }

  private:
    std::size_t find(char end, std::size_t from) {
        const std::size_t at = bytes_.find(end, from);
        work_ += std::min(at, bytes_.size()) - from + 1;
        return at;
    }

    std::string_view bytes_;
    std::uint64_t& work_;
    std::size_t line_feed_ = 0, carriage_ = 0;
};

}  // namespace

SseSink::~SseSink() = default;

SseDecoder::Status SseDecoder::feed(std::string_view bytes, SseSink& sink) {
    if (mark_bytes_ >= 0) skip_byte_order_mark(bytes);
    LineEnds ends(bytes, work_);
    std::size_t at = 0;
    while (status_ == Status::open && at < bytes.size()) {
        if (skip_line_feed_) {
            skip_line_feed_ = false;
            if (bytes[at] == '\n') {
                ++at;
                continue;
            }
        }
        const std::size_t end = ends.next(at);
        const std::string_view piece = bytes.substr(at, end - at);
        const std::size_t data_size = is_borrowed_ ? borrowed_.size() : data_.size();
        if (line_.size() + piece.size() + data_size > max_event_bytes_) return status_ = Status::too_long;
        if (end == std::string_view::npos) {
            line_ += piece;
            work_ += piece.size();
            break;
        }
        skip_line_feed_ = bytes[end] == '\r';
        at = end + 1;
        if (line_.empty()) {
            take_line(piece, sink);
        } else {
            line_ += piece;
            work_ += piece.size();
            keep_borrowed_data();
            take_line(line_, sink);
            // The buffer of the line is reused, so the borrowed data must be copied.
            keep_borrowed_data();
            line_.clear();
        }
    }
    keep_borrowed_data();
    return status_;
}

SseDecoder::Status SseDecoder::finish(SseSink& sink) {
    // An incomplete byte order mark is text.
    if (mark_bytes_ > 0) line_ = kByteOrderMark.substr(0, static_cast<std::size_t>(std::exchange(mark_bytes_, -1)));
    if (status_ == Status::open && !line_.empty()) take_line(line_, sink);
    if (status_ == Status::open) dispatch(sink);
    if (status_ == Status::open) status_ = Status::stopped;
    return status_;
}

/// The mark may arrive in pieces; bytes that only looked like its beginning belong to the first line.
void SseDecoder::skip_byte_order_mark(std::string_view& bytes) {
    while (mark_bytes_ >= 0 && !bytes.empty()) {
        const auto seen = static_cast<std::size_t>(mark_bytes_);
        if (bytes.front() != kByteOrderMark[seen]) {
            line_ = kByteOrderMark.substr(0, seen);
            mark_bytes_ = -1;
        } else {
            bytes.remove_prefix(1);
            mark_bytes_ = seen + 1 == kByteOrderMark.size() ? -1 : mark_bytes_ + 1;
        }
    }
}

void SseDecoder::take_line(std::string_view line, SseSink& sink) {
    work_ += line.size();
    if (line.empty()) return dispatch(sink);
    const std::size_t colon = line.find(':');
    if (colon == 0) return go_on(sink.on_comment(line.substr(1)));
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (!take_field(line.substr(0, colon), value, sink)) go_on(sink.on_other_line(line));
}

bool SseDecoder::take_field(std::string_view name, std::string_view value, SseSink& sink) {
    if (name == "data") {
        take_data(value, sink);
    } else if (name == "event") {
        name_ = value;
    } else if (name == "id") {
        if (value.find('\0') == std::string_view::npos) last_event_id_ = value;
    } else if (name == "retry") {
        std::uint64_t wait = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), wait);
        if (error == std::errc{} && end == value.data() + value.size()) reconnection_milliseconds_ = wait;
    } else if (name == "error") {
        go_on(sink.on_error_field(value));
    } else {
        return false;
    }
    return true;
}

void SseDecoder::take_data(std::string_view value, SseSink& sink) {
    if (has_one_line_ && sink.is_whole(is_borrowed_ ? borrowed_ : data_)) {
        const std::string name = name_;  // also applies to the following lines until a blank one
        dispatch(sink);
        if (status_ != Status::open) return;
        name_ = name;
    }
    has_one_line_ = !has_data_;
    if (!has_data_) {
        has_data_ = is_borrowed_ = true;
        borrowed_ = value;
        return;
    }
    keep_borrowed_data();
    data_.push_back('\n');
    data_ += value;
    work_ += value.size() + 1;
}

void SseDecoder::keep_borrowed_data() {
    if (!is_borrowed_) return;
    is_borrowed_ = false;
    data_ = borrowed_;
    work_ += borrowed_.size();
}

void SseDecoder::dispatch(SseSink& sink) {
    if (has_data_) {
        go_on(sink.on_event(name_.empty() ? std::string_view("message") : name_, is_borrowed_ ? borrowed_ : data_));
    }
    has_data_ = is_borrowed_ = has_one_line_ = false;
    data_.clear();
    name_.clear();
}

}  // namespace holysheep::wire
