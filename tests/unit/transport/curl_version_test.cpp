// Which versions of libcurl need certain features to be switched off.
#include <gtest/gtest.h>

#include "transport/curl_handle.hpp"

namespace holysheep::transport {
namespace {

TEST(CurlVersion, OnlyUbuntu2404sDropsPausedHttp2) {
    EXPECT_TRUE(drops_paused_http2(0x080500));
    for (const unsigned fine : {0x075801U /* Debian 12 */, 0x080400U, 0x080501U, 0x080e01U /* Debian 13 */}) {
        EXPECT_FALSE(drops_paused_http2(fine));
    }
}

}  // namespace
}  // namespace holysheep::transport
