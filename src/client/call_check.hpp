// Finds what is wrong with one call's options or request, before anything is sent.
#pragma once

#include <optional>

#include <holysheep/endpoint.hpp>
#include <holysheep/error.hpp>
#include <holysheep/options.hpp>

namespace holysheep::client {

std::optional<Error> check_call(const CallOptions& options, const ClientOptions& client);
std::optional<Error> check_raw(const RawRequest& request);

}  // namespace holysheep::client
