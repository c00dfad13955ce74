// Validates the options and the request of a call before anything is sent.
#pragma once

#include <optional>

#include <holysheep/chat_request.hpp>
#include <holysheep/endpoint.hpp>
#include <holysheep/error.hpp>
#include <holysheep/options.hpp>

namespace holysheep::client {

std::optional<Error> check_call(const CallOptions& options, const ClientOptions& client);
/// For StreamRecovery::continue_prefix.
std::optional<Error> check_continuation(const ChatRequest& request, const std::string& model,
                                        const CallOptions& options, const ModelTraits& traits);
std::optional<Error> check_raw(const RawRequest& request);

}  // namespace holysheep::client
