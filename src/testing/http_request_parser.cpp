// Parses incrementally, with one function per stage; each returns whether it made progress.
// bytes → [HttpRequestParser] → ParsedRequest → gateway answer
#include "testing/http_request_parser.hpp"

#include <algorithm>
#include <charconv>

namespace holysheep::inline v0::testing {
namespace {

constexpr std::size_t kMaxHead = 1024 * 1024;
constexpr std::size_t kMaxBody = 256 * 1024 * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool contains_ignoring_case(std::string_view text, std::string_view word) {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

std::optional<std::size_t> number(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view ParsedRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (same_ignoring_case(key, name)) return value;
    return {};
}

std::optional<ParsedRequest> HttpRequestParser::take() {
    const auto step = [this] {
        switch (stage_) {
            case Stage::head: return parse_head();
            case Stage::body: return parse_body();
            case Stage::chunk_size: return parse_chunk_size();
            case Stage::chunk_data: return parse_chunk_data();
            case Stage::trailers: return parse_trailers();
        }
        return false;
    };
    while (error_status_ == 0 && !complete_ && step()) {
    }
    buffer_.erase(0, std::exchange(consumed_, 0));
    if (!complete_) return std::nullopt;
    complete_ = false;
    stage_ = Stage::head;
    return std::exchange(request_, {});
}

bool HttpRequestParser::parse_head() {
    // Empty lines before a request must be ignored.
    while (buffer_.compare(consumed_, 2, "\r\n") == 0) consumed_ += 2;
    const auto end = buffer_.find("\r\n\r\n", consumed_);
    if (end == std::string::npos) {
        if (buffer_.size() - consumed_ > kMaxHead) fail(431);
        return false;
    }
    const std::size_t start = std::exchange(consumed_, end + 4);
    read_head_lines(std::string_view(buffer_).substr(start, end - start + 2));
    if (error_status_ == 0) choose_body();
    return true;
}

// Every line of `head` ends in CRLF.
void HttpRequestParser::read_head_lines(std::string_view head) {
    auto end = head.find("\r\n");
    const std::string_view first = head.substr(0, end);
    const auto method_end = first.find(' ');
    const auto path_end = first.rfind(' ');
    if (method_end == std::string_view::npos || path_end == method_end ||
        !first.substr(path_end).starts_with(" HTTP/1."))
        return fail(400);
    request_.method = first.substr(0, method_end);
    request_.path = first.substr(method_end + 1, path_end - method_end - 1);
    request_.http_1_0 = first.ends_with("1.0");
    for (head.remove_prefix(end + 2); !head.empty(); head.remove_prefix(end + 2)) {
        end = head.find("\r\n");
        const auto colon = head.substr(0, end).find(':');
        if (colon == std::string_view::npos) return fail(400);
        request_.headers.emplace_back(head.substr(0, colon), trim(head.substr(colon + 1, end - colon - 1)));
    }
}

void HttpRequestParser::choose_body() {
    const std::string_view connection = request_.header("connection");
    request_.keep_alive = request_.http_1_0 ? contains_ignoring_case(connection, "keep-alive")
                                            : !contains_ignoring_case(connection, "close");
    expects_continue_ = same_ignoring_case(request_.header("expect"), "100-continue");
    if (contains_ignoring_case(request_.header("transfer-encoding"), "chunked")) {
        stage_ = Stage::chunk_size;
        return;
    }
    const std::string_view text = request_.header("content-length");
    const auto length = text.empty() ? std::size_t{0} : number(text, 10);
    if (!length) return fail(400);
    if (*length > kMaxBody) return fail(413);
    remaining_ = *length;
    stage_ = Stage::body;
}

bool HttpRequestParser::parse_body() {
    const std::size_t portion = std::min(remaining_, buffer_.size() - consumed_);
    request_.body.append(buffer_, consumed_, portion);
    consumed_ += portion;
    remaining_ -= portion;
    complete_ = remaining_ == 0;
    return complete_;
}

bool HttpRequestParser::parse_chunk_size() {
    const auto size_line = line();
    if (!size_line) return false;
    const auto size = number(trim(size_line->substr(0, size_line->find(';'))), 16);
    if (!size) {
        fail(400);
    } else if (*size > kMaxBody - request_.body.size()) {
        fail(413);
    } else {
        remaining_ = *size;
        stage_ = remaining_ == 0 ? Stage::trailers : Stage::chunk_data;
    }
    return true;
}

bool HttpRequestParser::parse_chunk_data() {
    if (buffer_.size() - consumed_ < remaining_ + 2) return false;
    request_.body.append(buffer_, consumed_, remaining_);
    consumed_ += remaining_ + 2;
    stage_ = Stage::chunk_size;
    return true;
}

bool HttpRequestParser::parse_trailers() {
    const auto trailer = line();
    if (!trailer) return false;
    complete_ = trailer->empty();
    return true;
}

std::optional<std::string_view> HttpRequestParser::line() {
    const auto end = buffer_.find("\r\n", consumed_);
    if (end == std::string::npos) return std::nullopt;
    const std::size_t start = std::exchange(consumed_, end + 2);
    return std::string_view(buffer_).substr(start, end - start);
}

}  // namespace holysheep::inline v0::testing
