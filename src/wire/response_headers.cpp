// Parses response headers strictly, so that invalid values are never acted on.
#include "wire/response_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "values/ascii.hpp"
#include "wire/http_date.hpp"
#include "wire/usage_fields.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

using std::chrono::milliseconds;

using values::equal_ignoring_case;

/// Removes the optional white space of RFC 9110, 5.6.3.
std::string_view trimmed(std::string_view text) { return values::trim(text, " \t"); }

/// Parses a number at the front of the text and removes it from there. It is neither negative nor infinite.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (text.empty() || error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

/// Longer waits are implausible, and would not fit into a clock's nanoseconds.
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
    // Computed in milliseconds: a year such as 9999 does not fit into a clock's nanoseconds.
    const auto wait = server_now ? milliseconds(*when - *server_now) : *when - std::chrono::floor<milliseconds>(now);
    if (wait > kTenYears) return std::nullopt;
    return std::max(wait, milliseconds(0));
}

/// Parses the unit at the front of the text, in milliseconds, and removes it from there. "ms" is tried before "m".
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

/// The system clock counts nanoseconds from 1970 and ends in 2262, 9.2e12 ms later.
constexpr std::int64_t kLastMs = 9'000'000'000'000;

std::optional<std::chrono::system_clock::time_point> within_clock(std::optional<std::chrono::sys_seconds> date) {
    if (!date || date->time_since_epoch() < milliseconds(0) || date->time_since_epoch() > milliseconds(kLastMs)) {
        return std::nullopt;
    }
    return date;
}

/// Parses a point in time as seconds or milliseconds since the epoch, or as an RFC 3339 date ("2026-01-27T12:00:30Z").
std::optional<std::chrono::system_clock::time_point> parse_moment(std::string_view text) {
    constexpr double kFirstSeconds = 1e9, kFirstMilliseconds = 1e12;
    text = trimmed(text);
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (number && rest.empty()) {
        const double since = *number >= kFirstMilliseconds ? *number : *number * 1000;
        if (*number < kFirstSeconds || since > static_cast<double>(kLastMs)) return std::nullopt;
        return std::chrono::system_clock::time_point(milliseconds(static_cast<std::int64_t>(since)));
    }
    return within_clock(parse_rfc3339(text));
}

/// Ids are used in logs and messages, so they must be printable, on one line, and of limited length.
std::string printable(std::string_view id) {
    constexpr std::size_t kIdBytes = 256;
    if (id.size() <= kIdBytes && std::ranges::all_of(id, [](char c) { return c >= 0x20 && c < 0x7F; })) {
        return std::string(id);
    }
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
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return equal_ignoring_case(header.first, name); });
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
    if (equal_ignoring_case(text, "true")) return true;
    if (equal_ignoring_case(text, "false")) return false;
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

namespace {

/// One limit: its size, the remaining part, and when it is replenished.
struct Window {
    std::optional<std::int64_t> limit{}, remaining{};
    std::optional<milliseconds> reset{};
    bool is_there() const { return limit || remaining || reset; }
};

/// The gateway's clock if the answer has a date, else the local one; read only if a header contains a point in time.
class ServerClock {
  public:
    ServerClock(HeaderView headers, std::chrono::system_clock::time_point local) : headers_(headers), local_(local) {}
    std::chrono::system_clock::time_point now() const {
        return within_clock(parse_http_date(trimmed(find_header(headers_, "date")))).value_or(local_);
    }

  private:
    HeaderView headers_;
    std::chrono::system_clock::time_point local_;
};

/// Returns a duration unchanged, and a point in time as the duration until then.
std::optional<milliseconds> parse_span_until(std::string_view text, const ServerClock& clock) {
    if (trimmed(text).empty()) return std::nullopt;
    const auto moment = parse_moment(text);
    if (!moment) return parse_duration(text);
    const auto wait = std::chrono::ceil<milliseconds>(*moment - clock.now());
    return wait < kTenYears ? std::optional(std::max(wait, milliseconds(0))) : std::nullopt;
}

/// The parts of the names of one window's three headers: "x-ratelimit-" "limit" "-tokens".
struct WindowNames {
    std::size_t prefix;  ///< index in kPrefixes
    std::string_view suffix;
};

constexpr std::array<std::string_view, 4> kPrefixes{"x-ratelimit-", "anthropic-ratelimit-requests-",
                                                    "anthropic-ratelimit-tokens-", "ratelimit-"};

// Of several windows the first that is present counts, unless a later one is used up.
constexpr std::array<WindowNames, 7> kRequestWindows{{{0, "-requests"},
                                                      {0, "-requests-minute"},
                                                      {0, "-requests-hour"},
                                                      {0, "-requests-day"},
                                                      {1, ""},
                                                      {0, ""},
                                                      {3, ""}}};
constexpr std::array<WindowNames, 5> kTokenWindows{
    {{0, "-tokens"}, {0, "-tokens-minute"}, {0, "-tokens-hour"}, {0, "-tokens-day"}, {2, ""}}};
constexpr std::array<std::string_view, 3> kWindowWords{"limit", "remaining", "reset"};

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// The values of the windows' headers, by window and word, collected in one pass because every answer is processed
/// here.
template <std::size_t windows>
using WindowTexts = std::array<std::array<std::string_view, kWindowWords.size()>, windows>;

template <std::size_t windows>
bool store(WindowTexts<windows>& texts, const std::array<WindowNames, windows>& names, std::size_t prefix,
           std::size_t word, std::string_view suffix, std::string_view value) {
    for (std::size_t i = 0; i < windows; ++i) {
        if (names[i].prefix != prefix || !equal_ignoring_case(names[i].suffix, suffix)) continue;
        if (texts[i][word].empty()) texts[i][word] = value;
        return true;
    }
    return false;
}

struct LimitTexts {
    WindowTexts<kRequestWindows.size()> requests{};
    WindowTexts<kTokenWindows.size()> tokens{};

    void take(std::string_view name, std::string_view value) {
        std::size_t prefix = 0;
        while (!starts_ignoring_case(name, kPrefixes[prefix])) {
            if (++prefix == kPrefixes.size()) return;
        }
        name.remove_prefix(kPrefixes[prefix].size());
        for (std::size_t word = 0; word < kWindowWords.size(); ++word) {
            if (!starts_ignoring_case(name, kWindowWords[word])) continue;
            const auto suffix = name.substr(kWindowWords[word].size());
            if (!store(requests, kRequestWindows, prefix, word, suffix, value))
                store(tokens, kTokenWindows, prefix, word, suffix, value);
            return;
        }
    }
};

template <std::size_t windows>
Window find_window(const WindowTexts<windows>& texts, const ServerClock& clock) {
    Window found;
    for (const auto& [limit, remaining, reset] : texts) {
        if (limit.empty() && remaining.empty() && reset.empty()) continue;
        const Window window{
            .limit = parse_count(limit), .remaining = parse_count(remaining), .reset = parse_span_until(reset, clock)};
        const bool used_up = window.remaining == 0 && found.remaining != 0;
        if (window.is_there() && (!found.is_there() || used_up)) found = window;
    }
    return found;
}

}  // namespace

RateLimits parse_rate_limits(HeaderView headers, std::chrono::system_clock::time_point now) {
    LimitTexts texts;
    for (const auto& [name, value] : headers) texts.take(name, trimmed(value));
    const ServerClock clock(headers, now);
    const Window requests = find_window(texts.requests, clock);
    const Window tokens = find_window(texts.tokens, clock);
    return {.limit_requests = requests.limit,
            .remaining_requests = requests.remaining,
            .limit_tokens = tokens.limit,
            .remaining_tokens = tokens.remaining,
            .reset_requests = requests.reset,
            .reset_tokens = tokens.reset};
}

std::optional<milliseconds> parse_reset(HeaderView headers, std::chrono::system_clock::time_point now) {
    return parse_span_until(find_header(headers, "x-ratelimit-reset"), ServerClock(headers, now));
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
