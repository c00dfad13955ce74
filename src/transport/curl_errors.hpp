// Translates libcurl's result codes to error classes.
#pragma once

#include <curl/curl.h>

#include <string_view>

#include <holysheep/transport.hpp>

namespace holysheep::transport {

/// What is known about the exchange when libcurl fails.
struct FailureContext {
    bool sent = false;  ///< the request, or a part of it, was passed to the network
    bool head_seen = false;
    std::string_view text{};  ///< libcurl's error text; may be empty
    int os_error = 0;         ///< errno of a connection that failed; 0: unknown
};

TransferEnd describe_failure(CURLcode code, const FailureContext& context);

}  // namespace holysheep::transport
