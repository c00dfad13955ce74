// Other endpoints of the gateway: the list of models, and requests to any path.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <holysheep/attempt.hpp>

namespace holysheep {
inline namespace v0 {

/// One entry of GET /models. Gateways may omit all members but `id`.
struct Model {
    std::string id{};          ///< name for `ChatRequest::model`
    std::string owned_by{};    ///< its provider
    std::string raw_json{};    ///< the entry as sent
    std::int64_t created = 0;  ///< seconds since the epoch
};

/// A request to any endpoint, for `Client::request`. Retried and failed over like a chat call.
struct RawRequest {
    std::string method = "GET";  ///< upper case
    std::string path{};          ///< relative to the base URL, such as "/embeddings"
    std::string body_json{};     ///< body, as JSON text; empty: none
};

/// The answer to a RawRequest.
struct RawResponse {
    int status = 0;                                              ///< HTTP status, below 400
    std::vector<std::pair<std::string, std::string>> headers{};  ///< response headers, names as sent
    std::string body{};                                          ///< as received
    std::string region{};                                        ///< id of the region that answered
    std::vector<AttemptRecord> attempts{};                       ///< in the order of dispatch
};

}  // namespace v0
}  // namespace holysheep
