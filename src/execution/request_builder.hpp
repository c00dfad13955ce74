// The HTTP request of one attempt.
// Exchange, Target → [build_request] → Transport
#pragma once

#include <string>

#include <holysheep/transport.hpp>

#include "execution/exchange.hpp"

namespace holysheep::execution {

/// Under which name the model is asked, and under which one the call's Idempotency-Key goes out as it is.
struct ModelName {
    const std::string& sent;
    const std::string& usual;
};

/// `key`: of the client, "" where the region has its own. `number` counts the attempts of the call, so that a gateway
/// can shed repeats first.
HttpRequest build_request(const Exchange& exchange, const Target& target, const ModelName& model,
                          const std::string& key, int number);

}  // namespace holysheep::execution
