// The trail of a call in words: what each attempt was, how it ended, how long it took.
#include <cstdio>

#include <holysheep/attempt.hpp>

namespace holysheep {
inline namespace v0 {
namespace {

/// "0.1 ms", "212 ms", "12.3 s": three digits at most, so that trails stay short.
std::string in_words(nanoseconds duration) {
    const double milliseconds = static_cast<double>(duration.count()) / 1e6;
    char text[32];
    if (milliseconds < 9.95)
        std::snprintf(text, sizeof text, "%.1f ms", milliseconds);
    else if (milliseconds < 9'999.5)
        std::snprintf(text, sizeof text, "%.0f ms", milliseconds);
    else
        std::snprintf(text, sizeof text, "%.1f s", milliseconds / 1e3);
    return text;
}

/// Retries and failovers follow from the order of the trail; the other kinds run beside an attempt and need a word.
bool needs_its_kind(AttemptKind kind) {
    switch (kind) {
        case AttemptKind::first:
        case AttemptKind::retry:
        case AttemptKind::failover: return false;
        case AttemptKind::hedge:
        case AttemptKind::race:
        case AttemptKind::rescue:
        case AttemptKind::fallback_model: return true;
    }
    return true;
}

std::string outcome(const AttemptRecord& attempt) {
    const std::string status = attempt.http_status == 0 ? "" : std::to_string(attempt.http_status);
    if (!attempt.error) return status.empty() ? "answered" : status;
    std::string text(to_string(*attempt.error));
    return status.empty() ? text : text + " (" + status + ")";
}

}  // namespace

std::string_view to_string(AttemptKind kind) {
    switch (kind) {
        case AttemptKind::first: return "first";
        case AttemptKind::retry: return "retry";
        case AttemptKind::failover: return "failover";
        case AttemptKind::hedge: return "hedge";
        case AttemptKind::race: return "race";
        case AttemptKind::rescue: return "rescue";
        case AttemptKind::fallback_model: return "fallback_model";
    }
    return "unknown";
}

std::string describe(std::span<const AttemptRecord> attempts) {
    std::string story;
    for (const AttemptRecord& attempt : attempts) {
        if (!story.empty()) story += " → ";
        story += attempt.region;
        if (needs_its_kind(attempt.kind)) story.append(" [").append(to_string(attempt.kind)).append("]");
        story += " " + outcome(attempt);
        if (attempt.timings.total) story += (attempt.error ? " after " : " in ") + in_words(*attempt.timings.total);
    }
    return story;
}

}  // namespace v0
}  // namespace holysheep
