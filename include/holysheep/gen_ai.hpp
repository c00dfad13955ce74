// Records under the names of OpenTelemetry's semantic conventions for generative AI, for bridges to any tracer:
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

/// A name and a value of one of the types that attributes may have.
struct Attribute {
    std::string name{};
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>> value{};
};

/// "chat gpt-4.1", the conventions' name of the span of a call. Its kind is CLIENT; it ended when the listener was told
/// and began `CallRecord::total` before.
HOLYSHEEP_EXPORT std::string gen_ai_span_name(const CallRecord& call);

/// `gen_ai.operation.name`, `gen_ai.provider.name` ("openai": the protocol that is spoken), `gen_ai.request.model`,
/// `gen_ai.response.model`, `.id` and `.finish_reasons`, the members of `gen_ai.usage`, `server.address`,
/// `server.port`, `error.type`, and what the conventions have no name for under `holysheep`. What is not known is left
/// out.
HOLYSHEEP_EXPORT std::vector<Attribute> gen_ai_attributes(const CallRecord& call);

/// Of a child span for one attempt: `http.response.status_code`, `http.request.resend_count` and those of the above
/// that it knows. It began `AttemptRecord::started` after its call and took `timings.total`.
HOLYSHEEP_EXPORT std::vector<Attribute> gen_ai_attributes(const AttemptRecord& attempt);

}  // namespace v0
}  // namespace holysheep
