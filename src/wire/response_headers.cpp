// Each value is read as strictly as it takes to never act on nonsense.
#include "wire/response_headers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "wire/http_date.hpp"
#include "wire/usage_fields.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

using std::chrono::milliseconds;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// A number at the front of the text, which is cut off it. Not negative, not infinite.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (text.empty() || error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

/// Longer waits are nonsense, and would not fit into a clock's nanoseconds.
constexpr milliseconds kTenYears{320'000'000'000};

std::optional<milliseconds> to_milliseconds(double value) {
    if (value > static_cast<double>(kTenYears.count())) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(std::ceil(value)));
}

std::optional<milliseconds> parse_amount(std::string_view text, double unit) {
    text = trimmed(text);
    const auto value = take_number(text);
    return value && text.empty() ? to_milliseconds(*value * unit) : std::nullopt;
}

std::optional<milliseconds> until_date(std::string_view text, HeaderView headers,
                                       std::chrono::system_clock::time_point now) {
    const auto when = parse_http_date(trimmed(text));
    if (!when) return std::nullopt;
    const auto server_now = parse_http_date(trimmed(find_header(headers, "date")));
    // In milliseconds from the start: a year such as 9999 is beyond the nanoseconds of a clock.
    const auto wait = server_now ? milliseconds(*when - *server_now) : *when - std::chrono::floor<milliseconds>(now);
    if (wait > kTenYears) return std::nullopt;
    return std::max(wait, milliseconds(0));
}

/// The unit at the front of the text, in milliseconds; it is cut off. "ms" before "m".
std::optional<double> take_unit(std::string_view& text) {
    constexpr std::pair<std::string_view, double> kUnits[] = {{"ms", 1.0}, {"us", 1e-3}, {"ns", 1e-6}, {"s", 1e3},
                                                              {"m", 6e4},  {"h", 3.6e6}, {"d", 8.64e7}};
    for (const auto& [unit, value] : kUnits) {
        if (text.substr(0, unit.size()) != unit) continue;
        text.remove_prefix(unit.size());
        return value;
    }
    return std::nullopt;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) return std::nullopt;
    if (const auto seconds = parse_amount(text, 1e3)) return seconds;
    double total = 0;
    while (!text.empty()) {
        const auto value = take_number(text);
        const auto unit = take_unit(text);
        if (!value || !unit) return std::nullopt;
        total += *value * *unit;
    }
    return to_milliseconds(total);
}

/// Ids end up in logs and messages: printable, one line, not endless.
std::string printable(std::string_view id) {
    constexpr std::size_t kIdBytes = 256;
    std::string out;
    append_valid_utf8(out, id.substr(0, kIdBytes));
    std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    return std::string(utf8_prefix(out, kIdBytes));
}

std::optional<std::int64_t> parse_count(std::string_view text) {
    text = trimmed(text);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string_view find_header(HeaderView headers, std::string_view name) {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return same_name(header.first, name); });
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<milliseconds> parse_retry_after(HeaderView headers, std::chrono::system_clock::time_point now) {
    for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
        if (const auto wait = parse_amount(find_header(headers, name), 1)) return wait;
    }
    const std::string_view text = find_header(headers, "retry-after");
    if (const auto wait = parse_amount(text, 1e3)) return wait;
    return until_date(text, headers, now);
}

std::optional<bool> parse_should_retry(HeaderView headers) {
    const std::string_view text = trimmed(find_header(headers, "x-should-retry"));
    if (same_name(text, "true")) return true;
    if (same_name(text, "false")) return false;
    return std::nullopt;
}

RateLimits parse_rate_limits(HeaderView headers) {
    const auto count = [&](std::string_view name) { return parse_count(find_header(headers, name)); };
    const auto duration = [&](std::string_view name) { return parse_duration(find_header(headers, name)); };
    return {.limit_requests = count("x-ratelimit-limit-requests"),
            .remaining_requests = count("x-ratelimit-remaining-requests"),
            .limit_tokens = count("x-ratelimit-limit-tokens"),
            .remaining_tokens = count("x-ratelimit-remaining-tokens"),
            .reset_requests = duration("x-ratelimit-reset-requests"),
            .reset_tokens = duration("x-ratelimit-reset-tokens")};
}

std::optional<Money> parse_reported_cost(HeaderView headers) {
    const std::string_view text = trimmed(find_header(headers, "x-litellm-response-cost"));
    double dollars = 0;  // "0.00042", "3.45e-05", "None"
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dollars);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return dollars > 0 ? money_of(dollars) : std::nullopt;
}

std::string parse_request_id(HeaderView headers) {
    for (const std::string_view name :
         {"x-request-id", "request-id", "x-generation-id", "cf-ray", "apim-request-id", "x-ds-trace-id"}) {
        if (const auto id = trimmed(find_header(headers, name)); !id.empty()) return printable(id);
    }
    return {};
}

}  // namespace holysheep::wire
