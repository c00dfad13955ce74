// Merges headers in order of precedence: library, client and region, call; a later header replaces an earlier one of
// the same name.
#include "execution/request_builder.hpp"

#include <algorithm>
#include <string_view>

#include "values/ascii.hpp"
#include "values/model_id.hpp"

#include "telemetry/redactor.hpp"

namespace holysheep::execution {

namespace {

void set_header(HttpRequest& request, const std::string& name, const std::string& value) {
    const auto at = std::ranges::find_if(
        request.headers, [&](const auto& header) { return values::equal_ignoring_case(header.first, name); });
    if (at == request.headers.end()) {
        request.headers.emplace_back(name, value);
    } else {
        at->second = value;
    }
}

/// A key belongs to one host: the key of a call is not sent to a region on another host that has its own key.
bool has_its_own(const Target& target, const std::string& name) {
    if (!telemetry::carries_a_secret(name)) return false;
    if (values::equal_ignoring_case(name, "authorization") && !target.region.api_key.empty()) return true;
    return std::ranges::any_of(target.region.headers,
                               [&](const auto& header) { return values::equal_ignoring_case(header.first, name); });
}

/// A different model name makes a different body, which a gateway would refuse under the same key, or answer with the
/// old answer. The suffix is a hash, because names may contain any character; the same name gives the same suffix, so
/// that retries share a key.
std::string suffix_for(const ModelName& model) {
    if (model.sent == model.usual) return {};
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string suffix = "-";
    for (auto hash = values::model_id(model.sent, 0); suffix.size() < 9; hash >>= 4U) suffix += kDigits[hash & 15U];
    return suffix;
}

}  // namespace

HttpRequest build_request(const Exchange& exchange, const Target& target, const ModelName& model,
                          const std::string& key, int number) {
    HttpRequest request;
    request.headers.reserve(target.headers.size() + exchange.headers.size() + 5);
    request.headers.emplace_back("Accept", exchange.kind == ExchangeKind::chat_stream ? "text/event-stream" : "*/*");
    if (exchange.kind == ExchangeKind::raw) {
        request.method = exchange.raw->method;
        request.url = target.base_url + exchange.raw->path;
        // The base URL's parameters (such as Azure's api-version) come after the path's own.
        if (!target.query.empty()) {
            const bool more = exchange.raw->path.find('?') != std::string::npos;
            request.url += (more ? "&" : "?") + target.query.substr(1);
        }
        request.body = exchange.raw_body;
    } else {
        request.url = target.chat_url;
        request.body = wire::body_for_model(exchange.chat, model.sent);
    }
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("X-Holysheep-Attempt", std::to_string(number));
    if (!exchange.idempotency_key.empty()) {
        request.headers.emplace_back("Idempotency-Key", exchange.idempotency_key + suffix_for(model));
    }
    if (!key.empty()) request.headers.emplace_back("Authorization", "Bearer " + key);
    for (const auto& [name, value] : target.headers) set_header(request, name, value);
    for (const auto& [name, value] : exchange.headers) {
        if (exchange.several_hosts && has_its_own(target, name)) continue;
        set_header(request, name, value);
    }
    return request;
}

}  // namespace holysheep::execution
