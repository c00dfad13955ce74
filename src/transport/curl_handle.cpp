// Initialises libcurl. curl_global_init is not thread-safe everywhere, so it runs once, before the first handle.
#include "transport/curl_handle.hpp"

#include <mutex>
#include <stdexcept>

namespace holysheep::transport {

void initialise_curl() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw std::runtime_error("libcurl cannot be initialised");
    });
}

}  // namespace holysheep::transport
