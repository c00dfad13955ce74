// Headers from untrusted servers: waits are neither negative nor absurdly long, dates are parsed correctly, and case
// and surrounding spaces are ignored.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "wire/http_date.hpp"
#include "wire/response_headers.hpp"

namespace holysheep::fuzz {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kNames[] = {"retry-after",
                                       "retry-after-ms",
                                       "x-ms-retry-after-ms",
                                       "date",
                                       "x-should-retry",
                                       "x-ratelimit-limit-requests",
                                       "x-ratelimit-remaining-tokens",
                                       "x-ratelimit-reset-requests",
                                       "x-ratelimit-reset-tokens",
                                       "x-request-id",
                                       "x-ratelimit-reset",
                                       "x-ratelimit-remaining-tokens-minute",
                                       "x-ratelimit-reset-tokens-day",
                                       "anthropic-ratelimit-requests-reset",
                                       "ratelimit-remaining"};

/// Each line is a header; its first byte chooses the name, and `$` chooses the price header.
Headers headers_from(std::string_view text) {
    Headers headers;
    while (!text.empty() && headers.size() < 32) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.empty()) continue;
        const auto choice = static_cast<unsigned char>(line.front());
        headers.emplace_back(line.front() == '$' ? "x-litellm-response-cost" : kNames[choice % std::size(kNames)],
                             line.substr(1));
    }
    return headers;
}

/// The same headers in upper case and with extra spaces.
Headers with_noise(Headers headers) {
    for (auto& [name, value] : headers) {
        for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        value = " \t" + value + "\t ";
    }
    return headers;
}

std::string shown(std::optional<std::chrono::milliseconds> wait) {
    constexpr std::int64_t kTenThousandYears = 320'000'000'000'000;
    if (!wait) return "none ";
    check(wait->count() >= 0 && wait->count() < kTenThousandYears, "a wait is neither negative nor absurd");
    return std::to_string(wait->count()) + " ";
}

std::string read(const Headers& headers) {
    const std::chrono::sys_days now(std::chrono::year(2024) / 6 / 1);
    const auto limits = wire::parse_rate_limits(headers, now);
    const auto verdict = wire::parse_should_retry(headers);
    const auto cost = wire::parse_reported_cost(headers);
    check(!cost || cost->nano >= 0, "a cost is not negative");
    return shown(wire::parse_retry_after(headers, now)) + shown(wire::parse_reset(headers, now)) +
           shown(limits.reset_requests) + shown(limits.reset_tokens) +
           std::to_string(limits.limit_requests.value_or(-7)) + " " +
           std::to_string(limits.remaining_tokens.value_or(-7)) + " " +
           (verdict ? (*verdict ? "retry" : "stop") : "unset") + " " + wire::parse_request_id(headers) +
           (cost ? " " + std::to_string(cost->nano) : "");
}

/// The date in its preferred form, formatted without the library.
std::string printed(std::chrono::sys_seconds time) {
    using namespace std::chrono;
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    char text[64];
    std::snprintf(text, sizeof text, "%02u %s %04d %02d:%02d:%02d GMT", static_cast<unsigned>(date.day()),
                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text;
}

void check_date(std::string_view text) {
    const auto time = wire::parse_http_date(text);
    if (!time) return;
    const bool preferred = text.size() > 4 && text.substr(text.size() - 4) == " GMT" && text.find('-') == text.npos;
    const std::size_t comma = text.find(", ");
    const bool leap_second = text.find(":60 GMT") != std::string_view::npos;
    if (!preferred || comma == std::string_view::npos || leap_second) return;
    check_equal(text.substr(comma + 2), printed(*time), "a date equals its parsed value");
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    const fuzz::Headers headers = fuzz::headers_from(text);
    fuzz::check_equal(fuzz::read(headers), fuzz::read(fuzz::with_noise(headers)),
                      "case and surrounding spaces are ignored");
    for (const auto& header : headers) fuzz::check_date(header.second);
    return 0;
}
