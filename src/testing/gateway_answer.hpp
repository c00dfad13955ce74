// Builds the answer of a healthy gateway to a request. Pure: no sockets, no clock.
// ParsedRequest → [gateway answer] → fault script → bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/http_request_parser.hpp"

namespace holysheep::inline v0::testing {

/// What the answer depends on besides the request.
struct AnswerContext {
    std::string_view region{}, api_key{};
    std::uint64_t serial = 0;  ///< serial number of the request, for ids
    int chunks = 8;
    std::int64_t unix_time = 0;
};

struct GatewayAnswer {
    int status = 200;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};                 ///< empty if `streamed`
    std::vector<std::string> events{};  ///< of a stream: first the announcement, then `content_events` with text
    std::size_t content_events = 0;
    bool streamed = false;
};

GatewayAnswer answer_request(const ParsedRequest& request, const AnswerContext& context);

/// Sets a header and replaces one of the same name, ignoring case.
void set_header(std::vector<std::pair<std::string, std::string>>& headers, std::string_view name,
                std::string_view value);

}  // namespace holysheep::inline v0::testing
