// Checks calls. An allow list without a valid name is refused, because ignoring it would send data to regions that are
// not allowed.
#include "client/call_check.hpp"

#include <algorithm>

#include "client/options_check.hpp"
#include "routing/region_filter.hpp"
#include "wire/object_writer.hpp"

namespace holysheep::client {

namespace {

void check_names(const std::vector<std::string>& names, std::string_view option, const ClientOptions& client,
                 Problems& problems) {
    for (const auto& name : names) {
        const bool known = std::ranges::any_of(client.regions, [&](const Region& region) {
            return region.id == name || (!name.empty() && region.zone == name);
        });
        if (!known) problems.add(option, "\"" + name + "\" is neither a region's id nor a zone of this client");
    }
}

}  // namespace

std::optional<Error> check_call(const CallOptions& options, const ClientOptions& client) {
    Problems problems;
    if (!options.regions.empty() || !options.exclude_regions.empty()) {
        check_names(options.regions, "regions", client, problems);
        check_names(options.exclude_regions, "exclude_regions", client, problems);
        const routing::RegionFilter filter{options.regions, options.exclude_regions};
        if (problems.empty() && routing::allowed_regions(client.regions, filter).empty()) {
            problems.add("regions", "together with exclude_regions it leaves no region to send to");
        }
    }
    if (!options.headers.empty()) check_headers(options.headers, "headers", problems);
    if (has_control_characters(options.idempotency_key)) problems.add("idempotency_key", "it holds control characters");
    if (options.skip_malformed_chunks < 0) problems.add("skip_malformed_chunks", "it must not be negative");
    if (options.retry) check_retry(*options.retry, "retry.", problems);
    if (options.timeouts) check_timeouts(*options.timeouts, "timeouts.", problems);
    if (problems.empty()) return std::nullopt;
    return problems.to_error("invalid call options");
}

std::optional<Error> check_continuation(const ChatRequest& request, const std::string& model,
                                        const CallOptions& options, const ModelTraits& traits) {
    Problems problems;
    if (!traits.prefill) {
        problems.add("stream_recovery",
                     "continue_prefix needs a model that goes on from an assistant message: say "
                     "ClientOptions::models[\"" +
                         model + "\"].prefill = true if \"" + model + "\" does");
    }
    wire::ExtraMembers extra;
    if (extra.add(request.extra_json) && extra.add(options.extra_json) && extra.has("messages")) {
        problems.add("stream_recovery", "continue_prefix cannot add to the messages that extra_json replaces");
    }
    if (!request.messages.empty() && request.messages.back().role == Role::assistant) {
        const auto& last = request.messages.back();
        wire::ExtraMembers own;
        const bool replaced = own.add(last.extra_json) && own.has("content");
        if (replaced || !last.tool_calls.empty() || !last.refusal.empty()) {
            problems.add("stream_recovery",
                         "continue_prefix cannot go on from a last message that has tool calls, a refusal, or its "
                         "content in extra_json");
        }
    }
    if (problems.empty()) return std::nullopt;
    return problems.to_error("invalid call options");
}

std::optional<Error> check_raw(const RawRequest& request) {
    const auto refuse = [](std::string message) {
        return Error{.code = ErrorCode::invalid_request, .message = std::move(message)};
    };
    const bool method_ok =
        !request.method.empty() && std::ranges::all_of(request.method, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!method_ok) return refuse("the method must be capital letters, such as GET or POST");
    if (!is_request_path(request.path))
        return refuse(
            "the path must start with one '/' and hold neither white space, '#' nor non-ASCII characters: "
            "percent-encode them");
    if (!request.body_json.empty() && (request.method == "GET" || request.method == "HEAD")) {
        return refuse("a " + request.method + " has no body; use POST");
    }
    return std::nullopt;
}

}  // namespace holysheep::client
