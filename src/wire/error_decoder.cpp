// Decodes error responses. The gateway's message takes precedence; without one, the message is composed of the status,
// the host and the kind of body.
#include "wire/error_decoder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "values/ascii.hpp"
#include "wire/error_class.hpp"
#include "wire/error_hints.hpp"
#include "wire/json_cursor.hpp"
#include "wire/json_dom.hpp"
#include "wire/loose_frames.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

constexpr std::size_t kMessageBytes = 1000, kPlainTextBytes = 300, kRawBodyBytes = 8192, kReadBytes = 1U << 20U;
constexpr std::string_view kBaseUrlHint = " (check the base URL: it usually ends in /v1)";

bool looks_like_html(std::string_view text) {
    text = values::trim(text);
    return !text.empty() && text.front() == '<';
}

/// Control characters and runs of white space become one space; at most `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit) {
    std::string line;
    bool gap = false;
    std::string valid;
    append_valid_utf8(valid, utf8_prefix(text, limit * 4));
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const char c = valid[i];
        // U+0080 to U+009F are controls, too.
        const bool high_control = c == '\xC2' && static_cast<unsigned char>(valid[i + 1]) < 0xA0;
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || high_control) {
            gap = !line.empty();
            if (high_control) ++i;
            continue;
        }
        if (gap) line.push_back(' ');
        gap = false;
        line.push_back(c);
    }
    if (line.size() <= limit) return line;
    return std::string(utf8_prefix(line, limit)) + "…";
}

/// Removes tags; for titles and headings, which cannot contain scripts.
std::string without_tags(std::string_view html) {
    std::string text;
    bool in_tag = false;
    for (const char c : html) {
        if (c == '<') in_tag = true;
        if (!in_tag) text.push_back(c);
        if (c == '>') {
            in_tag = false;
            text.push_back(' ');
        }
    }
    return text;
}

/// The position where markup begins in a text, or npos. A single '<' is not markup: "must be < 5".
std::size_t find_page(std::string_view text) {
    if (looks_like_html(text)) return text.find('<');
    const std::string folded = values::lower(text);
    std::size_t first = std::string::npos;
    for (const std::string_view tag : {"<!doctype", "<html", "<head", "<body", "<script", "<title", "<h1", "<center"})
        first = std::min(first, folded.find(tag));
    return first;
}

std::string html_title(std::string_view html) {
    const std::string lower_case = values::lower(html.substr(0, 16384));
    for (const std::string_view tag : {"<title", "<h1"}) {
        const std::size_t open = lower_case.find(tag);
        const std::size_t from = open == std::string::npos ? open : lower_case.find('>', open);
        if (from == std::string::npos) continue;
        const std::size_t to = lower_case.find(tag == "<h1" ? "</h1" : "</title", from);
        if (to == std::string::npos) continue;
        std::string title = one_line(without_tags(html.substr(from + 1, to - from - 1)), 200);
        if (!title.empty()) return title;
    }
    return {};
}

std::string_view reason_phrase(int status) {
    constexpr std::pair<int, std::string_view> kPhrases[] = {{301, "Moved Permanently"},
                                                             {302, "Found"},
                                                             {307, "Temporary Redirect"},
                                                             {308, "Permanent Redirect"},
                                                             {400, "Bad Request"},
                                                             {401, "Unauthorized"},
                                                             {402, "Payment Required"},
                                                             {403, "Forbidden"},
                                                             {404, "Not Found"},
                                                             {405, "Method Not Allowed"},
                                                             {408, "Request Timeout"},
                                                             {409, "Conflict"},
                                                             {413, "Content Too Large"},
                                                             {415, "Unsupported Media Type"},
                                                             {421, "Misdirected Request"},
                                                             {422, "Unprocessable Content"},
                                                             {424, "Failed Dependency"},
                                                             {425, "Too Early"},
                                                             {429, "Too Many Requests"},
                                                             {500, "Internal Server Error"},
                                                             {501, "Not Implemented"},
                                                             {502, "Bad Gateway"},
                                                             {503, "Service Unavailable"},
                                                             {504, "Gateway Timeout"},
                                                             {520, "the edge got an unknown answer from its origin"},
                                                             {521, "the edge's origin is down"},
                                                             {522, "the edge could not connect to its origin"},
                                                             {523, "the edge's origin is unreachable"},
                                                             {524, "the edge's origin took too long"},
                                                             {525, "the edge's TLS handshake with its origin failed"},
                                                             {526, "the edge's origin has an invalid certificate"},
                                                             {529, "overloaded"},
                                                             {530, "the edge could not resolve its origin"}};
    for (const auto& [code, phrase] : kPhrases) {
        if (code == status) return phrase;
    }
    return {};
}

std::string describe_body(std::string_view body) {
    if (values::trim(body).empty()) return "empty body";
    const std::string size = std::to_string(body.size()) + " bytes";
    if (looks_like_html(body)) return "HTML, " + size;
    return (is_json(body) ? "JSON without a message, " : "non-JSON body, ") + size;
}

/// The message for a body without one: "HTTP 502 from api.example.com: Bad Gateway (HTML, 1234 bytes)".
std::string fallback_message(int status, std::optional<std::string_view> body, std::string_view host) {
    std::string message = "HTTP " + std::to_string(status);
    if (!host.empty()) message += " from " + std::string(host);
    std::string said = body && looks_like_html(*body) ? html_title(*body) : std::string();
    if (said.empty()) said = reason_phrase(status);
    if (!said.empty()) message += ": " + said;
    return body ? message + " (" + describe_body(*body) + ")" : message;
}

/// Plain text is used as the message if it is short and not a fragment of JSON.
bool is_readable_text(std::string_view body) {
    body = values::trim(body);
    return !body.empty() && body.size() <= kPlainTextBytes &&
           std::string_view("<{[\"").find(body.front()) == std::string_view::npos &&
           body.find('\0') == std::string_view::npos;
}

std::string_view hint_for(int status, ErrorCode code, std::string_view message) {
    constexpr std::string_view kNoSuchPath = "nexpected endpoint or method";  // LM Studio, with a 200
    if (code != ErrorCode::invalid_request) return {};
    if (message.find(kNoSuchPath) != std::string_view::npos) return kBaseUrlHint;
    if (status >= 300 && status < 400) return " (redirects are not followed: check the base URL)";
    return status == 404 || status == 405 ? kBaseUrlHint : std::string_view();
}

/// Replaces a page quoted inside a message by its title: "upstream said: <html>…" → "upstream said: Bad Gateway".
std::string readable(const std::string& message) {
    const std::size_t page = find_page(message);
    if (page == std::string::npos) return one_line(message, kMessageBytes);
    std::string before = one_line(std::string_view(message).substr(0, page), kMessageBytes);
    const std::string title = html_title(std::string_view(message).substr(page));
    return before.empty() || title.empty() ? before + title : before + " " + title;
}

/// Reads the first JSON of the text, with or without event stream lines around it: relays append their would-be stream
/// events to a body.
bool read_error_json(std::string_view text, ErrorFields& fields) {
    nlohmann::json tree;
    if (parse_json(text, tree)) {
        fields = read_error_fields(tree);
        return true;
    }
    if (!looks_framed(text)) return false;
    LooseFrames frames(text);
    for (auto frame = frames.next(); frame; frame = frames.next()) {
        if (frame->kind != LooseFrame::Kind::json || !parse_json(frame->text, tree)) continue;
        fields = read_error_fields(tree);
        return true;
    }
    return false;
}

Error from_fields(int status, const ErrorFields& fields, std::chrono::system_clock::time_point now) {
    Error error;
    error.code = classify_error(status, fields);
    error.message = readable(fields.message);
    error.effective_status = status;
    error.provider_type = one_line(fields.type, kPlainTextBytes);
    error.provider_code = one_line(fields.code, kPlainTextBytes);
    error.provider_param = one_line(fields.param, kPlainTextBytes);
    error.request_id = one_line(fields.request_id, kPlainTextBytes);
    error.retry_after = fields.retry_after;
    const bool passes = error.code == ErrorCode::rate_limited || error.code == ErrorCode::server_failed;
    if (!error.retry_after) error.retry_after = parse_retry_after(fields.headers, now);
    if (!error.retry_after && passes) error.retry_after = parse_reset(fields.headers, now);
    if (!error.retry_after && passes) error.retry_after = wait_in_words(error.message);
    return error;
}

}  // namespace

ErrorFields read_error_text(std::string_view text) {
    ErrorFields fields;
    if (text.size() > kReadBytes || !read_error_json(text, fields)) fields.message = text.substr(0, kReadBytes);
    return fields;
}

Error decode_error(int status, HeaderView headers, std::optional<std::string_view> arrived, std::string_view host,
                   std::chrono::system_clock::time_point now) {
    const auto body = arrived.value_or(std::string_view());
    ErrorFields fields;
    // Ignores the content type: some servers send JSON as octets, some HTML as JSON.
    if (!(body.size() <= kReadBytes && read_error_json(body, fields)) && is_readable_text(body)) fields.message = body;
    // AWS names the error in a header: "ThrottlingException:http://…".
    const std::string_view aws = find_header(headers, "x-amzn-errortype");
    if (fields.type.empty()) fields.type = aws.substr(0, aws.find(':'));
    Error error = from_fields(status, fields, now);
    if (error.message.empty()) error.message = fallback_message(status, arrived, host);
    error.message += hint_for(status, error.code, error.message);
    error.http_status = status;
    error.raw_body = utf8_prefix(body, kRawBodyBytes);
    if (std::string id = parse_request_id(headers); !id.empty()) error.request_id = std::move(id);
    if (const auto wait = parse_retry_after(headers, now)) {
        error.retry_after = wait;
    } else if (!error.retry_after && error.code == ErrorCode::rate_limited) {
        error.retry_after = parse_reset(headers, now);
    }
    return error;
}

Error error_from_fields(const ErrorFields& fields, std::chrono::system_clock::time_point now) {
    Error error = from_fields(fields.status, fields, now);
    if (error.message.empty()) {
        error.message = "the gateway answered 200 with an error";
        if (!error.provider_code.empty()) error.message += " (" + error.provider_code + ")";
    }
    error.message += hint_for(fields.status, error.code, error.message);
    return error;
}

Error failed_finish(std::string_view reason) {
    Error error;
    error.code = ErrorCode::server_failed;
    error.provider_code = one_line(reason, kPlainTextBytes);
    error.message = "the gateway ended the answer with the finish reason '" + error.provider_code + "'";
    return error;
}

Error malformed_body(std::string_view body, std::string_view instead_of) {
    Error error;
    error.code = ErrorCode::malformed_response;
    const std::string expected(instead_of);
    if (values::trim(body).empty()) {
        error.message = "an empty body " + expected;
    } else if (looks_like_html(body)) {
        const std::string title = html_title(body);
        error.message = "HTML " + expected + (title.empty() ? "" : ": " + title);
    } else if (const auto excess = excess_of(body); !excess.empty()) {
        error.message = std::string(excess) + " " + expected;
    } else {
        error.message = "a body that is not JSON " + expected + " (" + std::to_string(body.size()) + " bytes)";
    }
    return error;
}

Error with_body(Error error, std::string_view body) {
    error.http_status = 200;
    if (error.effective_status == 0) error.effective_status = 200;
    error.raw_body = utf8_prefix(body, kRawBodyBytes);
    return error;
}

}  // namespace holysheep::wire
