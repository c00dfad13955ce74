// RAII for libcurl's handles, and its one-time initialisation.
#pragma once

#include <curl/curl.h>

#include <memory>

#if LIBCURL_VERSION_NUM < 0x075700
#error "holysheep needs libcurl 7.87 or newer (CURLOPT_QUICK_EXIT, the cache of parsed certificates)"
#endif

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

/// Whether this version of libcurl (`curl_version_info_data::version_num`) may drop buffered data of a paused HTTP/2
/// stream. 8.5.0 reads the end of the stream although it is paused, and ends the transfer. Over HTTP/1.1 it does the
/// same, but there we can stop watching the socket meanwhile.
constexpr bool drops_paused_http2(unsigned version) { return version == 0x08'05'00; }

/// Initialises libcurl once per process. Never undone, because other parts of the program may use libcurl, too.
void initialise_curl();

}  // namespace holysheep::transport
