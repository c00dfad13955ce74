// The HTTP request of one attempt.
// Exchange, Target → [build_request] → Transport
#pragma once

#include <string>

#include <holysheep/transport.hpp>

#include "call/exchange.hpp"

namespace holysheep::call {

/// `key`: of the client, "" where the region has its own. `number` counts the attempts of the call, so that a gateway
/// can shed repeats first.
HttpRequest build_request(const Exchange& exchange, const Target& target, const std::string& model,
                          const std::string& key, int number);

}  // namespace holysheep::call
