// Formats the phase of an attempt and the evidence as one line.
#include "call/evidence.hpp"

#include <cstdio>

namespace holysheep::call {

namespace {

std::string in_words(std::chrono::nanoseconds span) {
    char text[32];
    const double ms = std::chrono::duration<double, std::milli>(span).count();
    if (ms < 950) {
        std::snprintf(text, sizeof text, "%.0f ms", ms);
    } else {
        std::snprintf(text, sizeof text, "%.1f s", ms / 1e3);
    }
    return text;
}

const char* phase_in_words(const AttemptTimings& timings) {
    if (timings.first_content) return "silent in mid-answer for ";
    if (timings.first_byte) return "silent after its head for ";
    if (timings.sent) return "silent since its request for ";
    return "still connecting after ";
}

const char* evidence_in_words(Evidence evidence) {
    switch (evidence) {
        case Evidence::late_connection: return "connections are faster there";
        case Evidence::unacknowledged: return "nothing was acknowledged";
        case Evidence::no_probe_answer: return "no answer to a probe";
        case Evidence::slow: return "answers begin sooner";
        case Evidence::deadline: return "the deadline was approaching";
        case Evidence::slow_trial: return "it was on trial";
        case Evidence::none: break;
    }
    return "";
}

}  // namespace

std::string describe_evidence(Evidence evidence, const AttemptTimings& timings, std::chrono::nanoseconds heard) {
    if (evidence == Evidence::none) return {};
    return phase_in_words(timings) + in_words(heard) + "; " + evidence_in_words(evidence);
}

}  // namespace holysheep::call
