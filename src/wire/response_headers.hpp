// Reads the headers of a response: when to retry, the remaining quota, and the gateway's id of the request.
// HttpHead → [response_headers] → Error, RateLimits, AttemptRecord
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <holysheep/usage.hpp>

namespace holysheep::wire {

using HeaderView = std::span<const std::pair<std::string, std::string>>;

/// The first header of that name, ignoring case; "" if there is none.
std::string_view find_header(HeaderView headers, std::string_view name);

/// Reads `retry-after-ms`, else `x-ms-retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). A
/// date is counted from the server's own `Date`, so that a wrong local clock has no effect; without one from `now`. A
/// past date gives 0; negative values, unreadable ones and those beyond ten years are ignored.
std::optional<std::chrono::milliseconds> parse_retry_after(HeaderView headers,
                                                           std::chrono::system_clock::time_point now);
/// Reads `x-should-retry`, the gateway's explicit retry advice.
std::optional<bool> parse_should_retry(HeaderView headers);
/// Reads the bare `x-ratelimit-reset` of gateways that send no `Retry-After` (OpenRouter): a duration or a point in
/// time.
std::optional<std::chrono::milliseconds> parse_reset(HeaderView headers, std::chrono::system_clock::time_point now);
/// Reads limits under the known names: `x-ratelimit-*-requests` and `-tokens`, optionally followed by `-minute`,
/// `-hour` or `-day` (Cerebras, Mistral), `anthropic-ratelimit-*`, and bare `x-ratelimit-*` or `ratelimit-*`, which
/// count requests. If several windows are limited, the one that is used up counts, else the shortest. Resets come as
/// "6m0s", "1m12.5s", "12ms", bare seconds, seconds or milliseconds since the epoch, or an RFC 3339 date.
RateLimits parse_rate_limits(HeaderView headers,
                             std::chrono::system_clock::time_point now = std::chrono::system_clock::now());
/// Parses "6m0s", "1m12.5s", "12ms", or bare seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Reads `x-litellm-response-cost`, in dollars. Zero is ignored: it is sent for unpriced models, and with the head of a
/// stream, whose price is not known by then (docs.litellm.ai, "Response Headers").
std::optional<Money> parse_reported_cost(HeaderView headers);
/// The first of x-request-id, request-id, x-generation-id, cf-ray, apim-request-id and x-ds-trace-id that is present.
std::string parse_request_id(HeaderView headers);

}  // namespace holysheep::wire
