// Parses HTTP dates. The name of the day is redundant and not checked; everything else must be valid.
#include "wire/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace holysheep::wire {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Parses the text from left to right; every function returns false if the next piece is not the expected one.
class DateText {
  public:
    explicit DateText(std::string_view text) : rest_(text) {}

    bool literal(std::string_view expected) {
        if (rest_.substr(0, expected.size()) != expected) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    bool number(std::size_t digits, unsigned& out) {
        if (rest_.size() < digits) return false;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + digits, out);
        if (error != std::errc{} || end != rest_.data() + digits) return false;
        rest_.remove_prefix(digits);
        return true;
    }
    bool month(unsigned& out) {
        for (out = 1; out <= kMonths.size(); ++out) {
            if (literal(kMonths[out - 1])) return true;
        }
        return false;
    }
    bool day_name(std::string_view separator) {
        const std::size_t end = rest_.find(separator);
        if (end == std::string_view::npos || end < 3 || end > 9) return false;
        rest_.remove_prefix(end + separator.size());
        return true;
    }
    void skip_digits() { rest_.remove_prefix(std::min(rest_.find_first_not_of("0123456789"), rest_.size())); }
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

struct Moment {
    unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool read_clock(DateText& text, Moment& m) {
    return text.number(2, m.hour) && text.literal(":") && text.number(2, m.minute) && text.literal(":") &&
           text.number(2, m.second);
}

bool read_fixed(DateText text, Moment& m) {
    return text.day_name(", ") && text.number(2, m.day) && text.literal(" ") && text.month(m.month) &&
           text.literal(" ") && text.number(4, m.year) && text.literal(" ") && read_clock(text, m) &&
           text.literal(" GMT") && text.at_end();
}

/// RFC 850, with a two-digit year: up to 69 it belongs to this century.
bool read_rfc850(DateText text, Moment& m) {
    const bool read = text.day_name(", ") && text.number(2, m.day) && text.literal("-") && text.month(m.month) &&
                      text.literal("-") && text.number(2, m.year) && text.literal(" ") && read_clock(text, m) &&
                      text.literal(" GMT") && text.at_end();
    m.year += m.year < 70 ? 2000 : 1900;
    return read;
}

bool read_asctime(DateText text, Moment& m) {
    if (!text.day_name(" ") || !text.month(m.month) || !text.literal(" ")) return false;
    const bool day = text.literal(" ") ? text.number(1, m.day) : text.number(2, m.day);
    return day && text.literal(" ") && read_clock(text, m) && text.literal(" ") && text.number(4, m.year) &&
           text.at_end();
}

std::optional<sys_seconds> to_time(const Moment& m) {
    const year_month_day date{year(static_cast<int>(m.year)), month(m.month), day(m.day)};
    if (!date.ok() || m.hour > 23 || m.minute > 59 || m.second > 60) return std::nullopt;
    return sys_days(date) + hours(m.hour) + minutes(m.minute) + seconds(m.second);
}

}  // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text) {
    for (const auto read : {read_fixed, read_rfc850, read_asctime}) {
        Moment moment;
        if (read(DateText(text), moment)) return to_time(moment);
    }
    return std::nullopt;
}

std::optional<sys_seconds> parse_rfc3339(std::string_view value) {
    DateText text(value);
    Moment m;
    const bool read = text.number(4, m.year) && text.literal("-") && text.number(2, m.month) && text.literal("-") &&
                      text.number(2, m.day) && (text.literal("T") || text.literal("t") || text.literal(" ")) &&
                      read_clock(text, m);
    if (!read) return std::nullopt;
    if (text.literal(".")) text.skip_digits();
    unsigned hour = 0, minute = 0;
    int sign = 0;
    if (!text.literal("Z") && !text.literal("z")) {
        sign = text.literal("+") ? 1 : text.literal("-") ? -1 : 0;
        if (sign == 0 || !text.number(2, hour) || !text.literal(":") || !text.number(2, minute)) return std::nullopt;
    }
    const auto time = text.at_end() ? to_time(m) : std::nullopt;
    return time ? std::optional(*time - sign * (hours(hour) + minutes(minute))) : std::nullopt;
}

}  // namespace holysheep::wire
