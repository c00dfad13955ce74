// Converts faults to and from text, for command lines, logs and demos.
// "status=429,retry-after=2" ↔ [Fault]
#include <array>
#include <charconv>
#include <cstdlib>
#include <holysheep/testing/gateway_simulator.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {
namespace {

using Kind = Fault::Kind;

constexpr std::array kKinds = {Kind::none,
                               Kind::refuse,
                               Kind::reset_before_headers,
                               Kind::reset_after_headers,
                               Kind::reset_mid_stream,
                               Kind::hang,
                               Kind::hang_after_headers,
                               Kind::slow_drip,
                               Kind::cut,
                               Kind::garbage,
                               Kind::wrong_content_type,
                               Kind::html,
                               Kind::empty_body,
                               Kind::status,
                               Kind::error_in_stream,
                               Kind::error_in_200,
                               Kind::quota,
                               Kind::flap,
                               Kind::stall_mid_stream,
                               Kind::no_done_marker,
                               Kind::endless_headers,
                               Kind::huge_header_line,
                               Kind::endless_body,
                               Kind::close_after_response,
                               Kind::freeze};

std::optional<Kind> kind_from_text(std::string_view text) {
    for (const Kind kind : kKinds)
        if (to_string(kind) == text) return kind;
    return std::nullopt;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc{} && end == text.data() + text.size();
}

bool read_milliseconds(std::string_view text, std::chrono::milliseconds& duration) {
    if (text.ends_with("ms")) text.remove_suffix(2);
    std::int64_t count = 0;
    if (!read_number(text, count) || count < 0) return false;
    duration = std::chrono::milliseconds(count);
    return true;
}

// Some standard libraries lack std::from_chars for floating point.
bool read_share(std::string_view text, double& share) {
    const std::string terminated(text);
    char* end = nullptr;
    share = std::strtod(terminated.c_str(), &end);
    return !terminated.empty() && *end == '\0' && share >= 0 && share <= 1;
}

bool read_moment(std::string_view text, FreezeAt& at) {
    for (const auto moment : kFreezeMoments) {
        if (to_string(moment) != text) continue;
        at = moment;
        return true;
    }
    return false;
}

bool set_member(Fault& fault, std::string_view name, std::string_view value) {
    if (name == "status") return read_number(value, fault.status);
    if (name == "share") return read_share(value, fault.share);
    if (name == "times") return read_number(value, fault.times);
    if (name == "period") return read_milliseconds(value, fault.period);
    if (name == "after_chunks") return read_number(value, fault.after_chunks);
    if (name == "at") return read_moment(value, fault.at);
    if (name == "path")
        fault.path = value;
    else if (name == "body")
        fault.body = value;
    else
        fault.headers.emplace_back(name, value);
    return !name.empty();
}

std::pair<std::string_view, std::string_view> split(std::string_view text, char separator) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

std::string_view to_string(Fault::Kind kind) {
    switch (kind) {
        case Kind::none: return "none";
        case Kind::refuse: return "refuse";
        case Kind::reset_before_headers: return "reset_before_headers";
        case Kind::reset_after_headers: return "reset_after_headers";
        case Kind::reset_mid_stream: return "reset_mid_stream";
        case Kind::hang: return "hang";
        case Kind::hang_after_headers: return "hang_after_headers";
        case Kind::slow_drip: return "slow_drip";
        case Kind::cut: return "cut";
        case Kind::garbage: return "garbage";
        case Kind::wrong_content_type: return "wrong_content_type";
        case Kind::html: return "html";
        case Kind::empty_body: return "empty_body";
        case Kind::status: return "status";
        case Kind::error_in_stream: return "error_in_stream";
        case Kind::error_in_200: return "error_in_200";
        case Kind::quota: return "quota";
        case Kind::flap: return "flap";
        case Kind::stall_mid_stream: return "stall_mid_stream";
        case Kind::no_done_marker: return "no_done_marker";
        case Kind::endless_headers: return "endless_headers";
        case Kind::huge_header_line: return "huge_header_line";
        case Kind::endless_body: return "endless_body";
        case Kind::close_after_response: return "close_after_response";
        case Kind::freeze: return "freeze";
    }
    return "unknown";
}

std::optional<Fault> fault_from_text(std::string_view text) {
    auto [first, rest] = split(text, ',');
    const auto [kind_text, kind_value] = split(first, '=');
    const auto kind = kind_from_text(kind_text);
    if (!kind) return std::nullopt;
    Fault fault;
    fault.kind = *kind;
    // The value after the kind is its status, if it has one.
    if (!kind_value.empty() && !set_member(fault, "status", kind_value)) return std::nullopt;
    while (!rest.empty()) {
        const auto [member, others] = split(rest, ',');
        const auto [name, value] = split(member, '=');
        if (!set_member(fault, name, value)) return std::nullopt;
        rest = others;
    }
    return fault;
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
