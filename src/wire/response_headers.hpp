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

/// The first header of that name, in any case; "" when there is none.
std::string_view find_header(HeaderView headers, std::string_view name);

/// `retry-after-ms`, else `x-ms-retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). A date
/// counts from the server's own `Date`, so that a wrong clock here does no harm; without one from `now`. A date that is
/// past is 0; negative and unreadable values and those beyond ten years are ignored.
std::optional<std::chrono::milliseconds> parse_retry_after(HeaderView headers,
                                                           std::chrono::system_clock::time_point now);
/// `x-should-retry`: the gateway's own verdict.
std::optional<bool> parse_should_retry(HeaderView headers);
/// The bare `x-ratelimit-reset` of those who send no `Retry-After` (OpenRouter): a span, or a moment.
std::optional<std::chrono::milliseconds> parse_reset(HeaderView headers, std::chrono::system_clock::time_point now);
/// Limits under the names in use: `x-ratelimit-*-requests` and `-tokens`, with `-minute`, `-hour` or `-day` behind them
/// (Cerebras, Mistral), `anthropic-ratelimit-*`, and bare `x-ratelimit-*` or `ratelimit-*`, which count requests. Where
/// several spans are limited, the one that is used up counts, else the shortest. Resets come as "6m0s", "1m12.5s",
/// "12ms", bare seconds, seconds or milliseconds since the epoch, or a date of RFC 3339.
RateLimits parse_rate_limits(HeaderView headers,
                             std::chrono::system_clock::time_point now = std::chrono::system_clock::now());
/// "6m0s", "1m12.5s", "12ms", or bare seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// `x-litellm-response-cost`, in dollars. Zero says nothing: it is sent for unpriced models, and with the head of a
/// stream, whose price is not known by then (docs.litellm.ai, "Response Headers").
std::optional<Money> parse_reported_cost(HeaderView headers);
/// Of x-request-id, request-id, x-generation-id, cf-ray, apim-request-id and x-ds-trace-id the first there is.
std::string parse_request_id(HeaderView headers);

}  // namespace holysheep::wire
