// Converts call records to attributes of OpenTelemetry's semantic conventions for generative AI, for any tracer:
// https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
// EventListener → [gen_ai_attributes] → span
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <holysheep/event_listener.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// An attribute of a span.
struct Attribute {
    std::string name{};  ///< such as "gen_ai.request.model"
    /// One of the types that attributes may have.
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>> value{};
};

/// The name of the span of a call according to the conventions: "chat gpt-4.1". The kind of the span is CLIENT; it ends
/// when the listener is called and begins `CallRecord::total` earlier.
HOLYSHEEP_EXPORT std::string gen_ai_span_name(const CallRecord& call);

/// The attributes of a call: `gen_ai.operation.name`, `gen_ai.provider.name` ("openai", the protocol),
/// `gen_ai.request.model`, `gen_ai.response.model`, `.id` and `.finish_reasons`, the members of `gen_ai.usage`,
/// `server.address`, `server.port`, `error.type`, and others under `holysheep`, which the conventions do not name.
/// Unknown values are omitted.
HOLYSHEEP_EXPORT std::vector<Attribute> gen_ai_attributes(const CallRecord& call);

/// The attributes of a child span for one attempt: `http.response.status_code`, `http.request.resend_count`, and those
/// of the above that apply. The span begins `AttemptRecord::started` after its call and lasts `timings.total`.
HOLYSHEEP_EXPORT std::vector<Attribute> gen_ai_attributes(const AttemptRecord& attempt);

}  // namespace v0
}  // namespace holysheep
