// The gateway's other endpoints: the list of models, and any path by hand.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <holysheep/attempt.hpp>

namespace holysheep {
inline namespace v0 {

/// One entry of GET /models. Only `id` is always there.
struct Model {
    std::string id{}, owned_by{}, raw_json{};
    std::int64_t created = 0;  ///< seconds since the epoch
};

/// `path` is relative to the base URL: "/embeddings". Retried and failed over like a chat call.
struct RawRequest {
    std::string method = "GET", path{}, body_json{};
};

struct RawResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{}, region{};
    std::vector<AttemptRecord> attempts{};
};

}  // namespace v0
}  // namespace holysheep
