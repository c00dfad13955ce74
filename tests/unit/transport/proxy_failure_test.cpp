// Whether the proxy or the host behind it caused a failure to send, and the advice in the message.
#include "transport/proxy_failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::transport {
namespace {

using ::testing::HasSubstr;

std::optional<int> proxy_status(CURLcode code, const ProxyContext& context) {
    const auto failure = explain_proxy(code, context);
    return failure ? std::optional(failure->status) : std::nullopt;
}

TEST(ProxyFailure, IsTheProxysUntilTheTunnelIsEstablished) {
    EXPECT_EQ(proxy_status(CURLE_COULDNT_CONNECT, {.tunnel = true}), 0);
    EXPECT_EQ(proxy_status(CURLE_COULDNT_RESOLVE_PROXY, {.tunnel = true}), 0);
    EXPECT_EQ(proxy_status(CURLE_RECV_ERROR, {.tunnel = true, .connect_status = 407}), 407);
    EXPECT_EQ(proxy_status(CURLE_RECV_ERROR, {.tunnel = true, .connect_status = 401}), 407) << "as from tinyproxy";
    EXPECT_EQ(proxy_status(CURLE_COULDNT_CONNECT, {.tunnel = true, .connect_status = 503}), 503)
        << "the code of libcurl 8";
    EXPECT_EQ(proxy_status(CURLE_SSL_CONNECT_ERROR, {.tunnel = true}), 0) << "TLS with the proxy itself";
    EXPECT_EQ(proxy_status(CURLE_SSL_CONNECT_ERROR, {.tunnel = true, .connect_status = 200}), std::nullopt);
}

TEST(ProxyFailure, QuotesTheSocksReply) {
    const auto reply = [](long error) { return proxy_status(CURLE_PROXY, {.socks = true, .socks_error = error}); };
    EXPECT_EQ(reply(CURLPX_USER_REJECTED), 407);
    EXPECT_EQ(reply(CURLPX_REPLY_NOT_ALLOWED), 403);
    EXPECT_EQ(reply(CURLPX_REPLY_GENERAL_SERVER_FAILURE), 502);
    EXPECT_EQ(reply(CURLPX_REQUEST_FAILED), 502);
    EXPECT_EQ(reply(CURLPX_BAD_VERSION), 0) << "not a SOCKS proxy";
    for (const long error : {CURLPX_REPLY_CONNECTION_REFUSED, CURLPX_REPLY_HOST_UNREACHABLE,
                             CURLPX_REPLY_NETWORK_UNREACHABLE, CURLPX_REPLY_TTL_EXPIRED}) {
        EXPECT_EQ(reply(error), std::nullopt) << "the reply blames the host";
    }
    EXPECT_EQ(proxy_status(CURLE_COULDNT_CONNECT, {.socks = true}), 0);
    EXPECT_EQ(proxy_status(CURLE_COULDNT_RESOLVE_HOST, {.socks = true}), std::nullopt) << "socks5:// resolves locally";
    EXPECT_EQ(proxy_status(CURLE_SSL_CONNECT_ERROR, {.socks = true, .tunnel = true}), std::nullopt);
}

TEST(ProxyFailure, NamesTheProxyAndTheRemedy) {
    const auto words = [](CURLcode code, ProxyContext context) {
        context.name = "http://proxy:3128";
        context.target = "gateway.example";
        context.tunnel = true;
        return explain_proxy(code, context).value().detail;
    };
    EXPECT_EQ(words(CURLE_RECV_ERROR, {.connect_status = 407}),
              "the proxy http://proxy:3128 requires credentials (407): set proxy.user and proxy.password");
    EXPECT_THAT(words(CURLE_RECV_ERROR, {.has_credentials = true, .connect_status = 407}),
                HasSubstr("refused the credentials (407): check proxy.user"));
    EXPECT_THAT(words(CURLE_RECV_ERROR, {.from_environment = true, .connect_status = 407}),
                HasSubstr("the environment's proxy variables"));
    EXPECT_EQ(words(CURLE_RECV_ERROR, {.connect_status = 403}),
              "the proxy http://proxy:3128 refused the connection to gateway.example (403): ask the proxy's "
              "administrator to allow gateway.example");
    EXPECT_THAT(words(CURLE_RECV_ERROR, {.from_environment = true, .connect_status = 403}), HasSubstr("no_proxy"));
    EXPECT_THAT(words(CURLE_RECV_ERROR, {.connect_status = 502}), HasSubstr("log for gateway.example"));
    EXPECT_THAT(words(CURLE_COULDNT_CONNECT, {.text = "Failed to connect to proxy port 3128\n"}),
                HasSubstr("failed (Failed to connect to proxy port 3128): check proxy.url"));
}

}  // namespace
}  // namespace holysheep::transport
