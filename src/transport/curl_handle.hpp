// libcurl's C handles, owned; and its one-time initialisation.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace holysheep::transport {

struct CurlEasyDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct CurlMultiDeleter {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct CurlUrlDeleter {
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using CurlUrl = std::unique_ptr<CURLU, CurlUrlDeleter>;
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDeleter>;

/// Initialises libcurl once per process; it is never undone, since other parts of the program may use it too.
void initialise_curl();

}  // namespace holysheep::transport
