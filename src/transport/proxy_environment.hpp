// The environment variables that libcurl reads for a proxy. They may contain a password.
#pragma once

#include <array>

namespace holysheep::transport {

/// The variables in libcurl's spelling (without `HTTP_PROXY`: a web server may set it from a request's header).
inline constexpr std::array kProxyVariables{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

}  // namespace holysheep::transport
