// Whatever body a gateway sends with an error status, the error is one readable line without markup and has a class.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "claim.hpp"
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

void claim_readable(const Error& error, std::string_view body) {
    claim(!error.message.empty(), "an error has a message");
    claim(is_one_clean_line(error.message), "a message is one line of UTF-8");
    claim(!has_markup(error.message), "a message has no markup");
    claim(error.message.size() <= 1200, "a message is short");
    for (const std::string& text : {error.provider_type, error.provider_code, error.provider_param, error.request_id})
        claim(is_one_clean_line(text) && text.size() <= 310, "its parts are short lines");
    claim(body.substr(0, error.raw_body.size()) == error.raw_body && error.raw_body.size() <= 8192, "the body is kept");
    claim(!error.retry_after || error.retry_after->count() >= 0, "no wait is negative");
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
    fuzz::claim_readable(error, body);
    fuzz::claim(error.http_status == status, "the status stays as it was on the wire");
    const Error malformed = wire::malformed_body(body, "instead of an answer");
    fuzz::claim(malformed.code == ErrorCode::malformed_response, "no answer is malformed");
    fuzz::claim_readable(malformed, body);
    return 0;
}
