// Builds the HTTP request of one attempt.
// Exchange, Target → [build_request] → Transport
#pragma once

#include <string>

#include <holysheep/transport.hpp>

#include "execution/exchange.hpp"

namespace holysheep::execution {

/// The model name to send, and the name for which the call's Idempotency-Key is sent unchanged.
struct ModelName {
    const std::string& sent;
    const std::string& usual;
};

/// `key`: the client's key, "" if the region has its own. `number` counts the attempts of the call, so that a gateway
/// can shed retries first.
HttpRequest build_request(const Exchange& exchange, const Target& target, const ModelName& model,
                          const std::string& key, int number);

}  // namespace holysheep::execution
