// Builds the answers of the simulated gateways in advance; every stream has the same content.
// transport → [answer bytes] → TransferEvents
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holysheep::sim {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The request header that names the call the request belongs to.
inline constexpr std::string_view kCallHeader = "x-sim-call";

namespace answer_bytes {

inline constexpr std::string_view first_piece =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"sim\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Once\"},\"finish_reason\":null}]}\n\n";
inline constexpr std::string_view comment = ": keep-alive\n\n";
inline constexpr std::string_view piece =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"sim\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\" upon\"},\"finish_reason\":null}]}\n\n";
inline constexpr std::string_view last_piece =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"sim\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\" a time\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"sim\",\"choices\":[],"
    "\"usage\":{\"prompt_tokens\":400,\"completion_tokens\":60,\"total_tokens\":460}}\n\n"
    "data: [DONE]\n\n";
inline constexpr std::string_view models =
    "{\"object\":\"list\",\"data\":[{\"id\":\"sim\",\"object\":\"model\",\"created\":1,\"owned_by\":\"sim\"}]}";
inline constexpr std::string_view overloaded =
    "{\"error\":{\"message\":\"no worker is free\",\"type\":\"server_error\",\"code\":\"service_unavailable\"}}";
inline constexpr std::string_view throttled =
    "{\"error\":{\"message\":\"too many requests\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}";

}  // namespace answer_bytes
}  // namespace holysheep::sim
