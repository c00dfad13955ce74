// For any body of an error response, the error is a single readable line without markup and has an error code.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "wire/error_decoder.hpp"
#include "wire/utf8.hpp"

namespace holysheep::fuzz {
namespace {

bool is_one_clean_line(std::string_view text) {
    std::string valid;
    wire::append_valid_utf8(valid, text);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return valid == text && std::none_of(text.begin(), text.end(), control);
}

bool has_markup(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text.find("<html") != std::string::npos || text.find("<!doctype") != std::string::npos ||
           text.find("<body") != std::string::npos || text.find("<script") != std::string::npos;
}

void check_readable(const Error& error, std::string_view body) {
    check(!error.message.empty(), "an error has a message");
    check(is_one_clean_line(error.message), "a message is one line of UTF-8");
    check(!has_markup(error.message), "a message has no markup");
    check(error.message.size() <= 1200, "a message is short");
    for (const std::string& text : {error.provider_type, error.provider_code, error.provider_param, error.request_id})
        check(is_one_clean_line(text) && text.size() <= 310, "its parts are short lines");
    check(body.substr(0, error.raw_body.size()) == error.raw_body && error.raw_body.size() <= 8192, "the body is kept");
    check(!error.retry_after || error.retry_after->count() >= 0, "no wait is negative");
}

}  // namespace
}  // namespace holysheep::fuzz

/// The first byte chooses the status; the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    constexpr int kStatuses[] = {400, 401, 402, 403, 404, 405, 408, 409, 413, 422,
                                 429, 451, 500, 502, 503, 504, 524, 302, 529, 599};
    if (size == 0) return 0;
    const int status = kStatuses[bytes[0] % std::size(kStatuses)];
    const std::string_view body = fuzz::as_text(bytes + 1, size - 1);
    const std::vector<std::pair<std::string, std::string>> headers{{"x-request-id", std::string(body.substr(0, 400))}};
    const auto now = std::chrono::system_clock::time_point{};
    const Error error = wire::decode_error(status, headers, body, "gateway.example", now);
    fuzz::check_readable(error, body);
    fuzz::check(error.http_status == status, "the status is that of the response");
    const Error malformed = wire::malformed_body(body, "instead of an answer");
    fuzz::check(malformed.code == ErrorCode::malformed_response, "a body that is not an answer is malformed");
    fuzz::check_readable(malformed, body);
    return 0;
}
