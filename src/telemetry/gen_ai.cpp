// Maps the members of records to the names of OpenTelemetry's GenAI conventions.
#include <holysheep/gen_ai.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace holysheep {
inline namespace v0 {

namespace {

class Attributes {
  public:
    void add(const char* name, std::string_view value) {
        if (!value.empty()) list_.push_back({name, std::string(value)});
    }
    void add(const char* name, std::int64_t value) { list_.push_back({name, value}); }
    void add(const char* name, double value) { list_.push_back({name, value}); }
    void add(const char* name, bool value) { list_.push_back({name, value}); }
    void add(const char* name, const std::vector<std::string>& value) {
        if (!value.empty()) list_.push_back({name, value});
    }
    void add_server(std::string_view server) {
        const auto colon = server.rfind(':');
        const bool bare_ipv6 = server.ends_with(']');
        add("server.address", colon == std::string_view::npos || bare_ipv6 ? server : server.substr(0, colon));
        std::int64_t port = 0;
        if (colon == std::string_view::npos || bare_ipv6) return;
        std::from_chars(server.data() + colon + 1, server.data() + server.size(), port);
        if (port > 0) add("server.port", port);
    }
    void add_money(const std::optional<Money>& cost, bool is_estimate) {
        if (!cost) return;
        add("holysheep.cost", static_cast<double>(cost->nano) / 1e9);
        add("holysheep.cost.currency", std::string_view(cost->currency));
        add("holysheep.cost.estimated", is_estimate);
    }
    std::vector<Attribute> take() { return std::move(list_); }

  private:
    std::vector<Attribute> list_;
};

double in_seconds(nanoseconds span) { return static_cast<double>(span.count()) / 1e9; }

/// The attempt whose answer the caller received, else the one whose failure is the call's error.
const AttemptRecord* decisive(const CallRecord& call) {
    const auto winner = std::ranges::find(call.attempts, true, &AttemptRecord::winner);
    if (winner != call.attempts.end()) return &*winner;
    const auto answered = std::ranges::find(call.attempts, call.region, &AttemptRecord::region);
    if (answered != call.attempts.end()) return &*answered;
    return call.attempts.empty() ? nullptr : &call.attempts.back();
}

}  // namespace

std::string gen_ai_span_name(const CallRecord& call) {
    std::string name = call.operation.empty() ? "request" : call.operation;
    if (!call.requested_model.empty()) name += " " + call.requested_model;
    return name;
}

std::vector<Attribute> gen_ai_attributes(const CallRecord& call) {
    Attributes out;
    out.add("gen_ai.operation.name", std::string_view(call.operation));
    out.add("gen_ai.provider.name", std::string_view("openai"));
    out.add("gen_ai.request.model", std::string_view(call.requested_model));
    out.add("gen_ai.response.model", std::string_view(call.model));
    out.add("gen_ai.response.id", std::string_view(call.response_id));
    out.add("gen_ai.response.finish_reasons", call.finish_reasons);
    if (call.usage.present) {
        out.add("gen_ai.usage.input_tokens", call.usage.prompt_tokens);
        out.add("gen_ai.usage.output_tokens", call.usage.billed_output_tokens());
        if (call.usage.cached_input_tokens > 0) {
            out.add("gen_ai.usage.cache_read.input_tokens", call.usage.cached_input_tokens);
        }
        if (call.usage.cache_write_tokens > 0) {
            out.add("gen_ai.usage.cache_creation.input_tokens", call.usage.cache_write_tokens);
        }
        if (call.usage.reasoning_tokens > 0) {
            out.add("gen_ai.usage.reasoning.output_tokens", call.usage.reasoning_tokens);
        }
    }
    if (const auto* attempt = decisive(call)) {
        out.add_server(attempt->server);
        if (attempt->timings.first_content) {
            out.add("holysheep.time_to_first_content", in_seconds(attempt->started + *attempt->timings.first_content));
        }
    }
    if (call.error) out.add("error.type", to_string(*call.error));
    out.add("holysheep.region", std::string_view(call.region));
    out.add("holysheep.label", std::string_view(call.label));
    out.add("holysheep.stream", call.stream);
    out.add("holysheep.attempts", static_cast<std::int64_t>(call.attempts.size()));
    out.add("holysheep.queued", in_seconds(call.queued));
    out.add_money(call.cost, call.cost_is_estimate);
    return out.take();
}

std::vector<Attribute> gen_ai_attributes(const AttemptRecord& attempt) {
    Attributes out;
    out.add("gen_ai.provider.name", std::string_view("openai"));
    out.add("gen_ai.request.model", std::string_view(attempt.model));
    out.add_server(attempt.server);
    if (attempt.http_status != 0) out.add("http.response.status_code", std::int64_t{attempt.http_status});
    if (attempt.number > 1) out.add("http.request.resend_count", std::int64_t{attempt.number - 1});
    if (attempt.error) out.add("error.type", to_string(*attempt.error));
    out.add("holysheep.region", std::string_view(attempt.region));
    out.add("holysheep.attempt.kind", to_string(attempt.kind));
    out.add("holysheep.attempt.detail", std::string_view(attempt.detail));
    out.add("holysheep.request_id", std::string_view(attempt.request_id));
    out.add("holysheep.attempt.winner", attempt.winner);
    if (attempt.maybe_duplicated) out.add("holysheep.attempt.maybe_duplicated", true);
    out.add_money(attempt.cost, attempt.cost_is_estimate);
    return out.take();
}

}  // namespace v0
}  // namespace holysheep
