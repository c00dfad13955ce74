// Proxies: only the configured proxy is used and gets its password; the environment's proxy is not used for loopback.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gateway_under_test.hpp"
#include "nginx_front.hpp"
#include "plain_server.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kPassword = "shepherds-secret";
const std::string kCredentials = "Basic c2hlZXA6c2hlcGhlcmRzLXNlY3JldA==";  // sheep:shepherds-secret

/// Copies bytes in both directions until one side closes.
void relay(int a, int b) {
    std::array<pollfd, 2> ends{{{a, POLLIN, 0}, {b, POLLIN, 0}}};
    std::array<char, 16 * 1024> bytes{};
    while (::poll(ends.data(), ends.size(), 30'000) > 0) {
        for (std::size_t from = 0; from < 2; ++from) {
            if (ends[from].revents == 0) continue;
            const auto count = ::recv(ends[from].fd, bytes.data(), bytes.size(), 0);
            if (count <= 0) return;
            if (!send_all(ends[1 - from].fd, {bytes.data(), static_cast<std::size_t>(count)})) return;
        }
    }
}

std::uint16_t port_in(std::string_view authority) {
    return static_cast<std::uint16_t>(std::stoi(std::string(authority.substr(authority.rfind(':') + 1))));
}

/// A proxy for plain requests (RFC 9112, 3.2.2) and tunnels (RFC 9110, 9.3.6) to this machine, one per connection.
bool serve_as_proxy(int client, const std::string& request) {
    if (header_of(request, "Proxy-Authorization") != kCredentials) {
        return send_all(client, http_answer("407 Proxy Authentication Required",
                                            "Proxy-Authenticate: Basic realm=\"fold\"\r\n", ""));
    }
    const auto target_begin = request.find(' ') + 1;
    const auto target = request.substr(target_begin, request.find(' ', target_begin) - target_begin);
    if (request.starts_with("CONNECT ")) {
        const int upstream = connect_to(port_in(target));
        if (upstream < 0) return send_all(client, http_answer("502 Bad Gateway", "", ""));
        send_all(client, "HTTP/1.1 200 Connection established\r\n\r\n");
        relay(client, upstream);
        ::close(upstream);
        return false;
    }
    const auto path = target.find('/', std::string_view("http://").size());
    const int upstream = connect_to(port_in(target.substr(0, path)));
    if (upstream < 0) return send_all(client, http_answer("502 Bad Gateway", "", ""));
    auto forwarded = request;
    forwarded.replace(target_begin, target.size(), target.substr(path));
    send_all(upstream, forwarded);
    relay(client, upstream);
    ::close(upstream);
    return false;
}

class Proxy : public TwoRegions {
  protected:
    Proxy() {
        options.regions.resize(1);
        options.retry.max_attempts = 1;
        options.proxy = {
            .url = "http://127.0.0.1:" + std::to_string(proxy.port()), .user = "sheep", .password = kPassword};
        options.log = {.level = LogLevel::trace,
                       .sink =
                           [this](LogLevel, std::string_view line) {
                               std::lock_guard lock(mutex);
                               log += std::string(line) + "\n";
                           },
                       .bodies = true};
    }
    void expect_no_secret(const std::string& text) {
        EXPECT_THAT(text, Not(HasSubstr(kPassword)));
        EXPECT_THAT(text, Not(HasSubstr(kCredentials.substr(6))));
        EXPECT_THAT(text, Not(HasSubstr(kKey)));
    }
    void expect_no_secret(const Error& error) {
        std::ostringstream text;
        text << error << error.raw_body << describe(error.attempts);
        for (const auto& attempt : error.attempts) text << attempt.detail;
        expect_no_secret(text.str());
    }
    ~Proxy() override { expect_no_secret(log); }

    std::mutex mutex;  // guards log
    std::string log;
    PlainServer proxy{serve_as_proxy};
};

TEST_F(Proxy, ForwardsPlainRequestsAndGetsItsPassword) {
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    ASSERT_THAT(client.stream(question()).finish(), IsOk());
    const auto requests = proxy.requests();
    ASSERT_FALSE(requests.empty());
    EXPECT_THAT(requests[0], StartsWith("POST " + gateway.base_url("us-west") + "/chat/completions HTTP/1.1\r\n"));
    EXPECT_EQ(header_of(requests[0], "Proxy-Authorization"), kCredentials);
}

TEST_F(Proxy, TunnelsTlsWithoutSeeingTheKey) {
    HOLYSHEEP_SKIP_WITHOUT("nginx");
    HOLYSHEEP_SKIP_WITHOUT("openssl");
    const ScratchFolder folder;
    const Certificates certificates(folder);
    certificates.issue("good", "DNS:localhost,IP:127.0.0.1");
    const NginxFront nginx(folder, {"secure"}, [&](const NginxFront& front) {
        return "server { listen " + front.address("secure") + " ssl; ssl_certificate " + folder.path("good.crt") +
               "; ssl_certificate_key " + folder.path("good.key") +
               "; location / { proxy_pass http://127.0.0.1:" + std::to_string(gateway.port("us-west")) + "; } }\n";
    });
    options.regions = {nginx.region("secure")};
    options.tls.ca_file = certificates.path("ca.crt");
    Client client(options);
    ASSERT_THAT(client.chat(question()), IsOk());
    ASSERT_THAT(client.chat(question()), IsOk());
    const auto requests = proxy.requests();
    ASSERT_THAT(requests, SizeIs(1)) << "one tunnel serves both";
    EXPECT_THAT(requests[0], StartsWith("CONNECT " + nginx.address("secure")));
    EXPECT_EQ(header_of(requests[0], "Proxy-Authorization"), kCredentials);
    EXPECT_THAT(requests[0], Not(HasSubstr(kKey)));
    EXPECT_THAT(header_of(requests[0], "X-Holysheep-Attempt"), IsEmpty());
    EXPECT_THAT(gateway.seen("us-west").at(0).header("Proxy-Authorization"), IsEmpty());
}

TEST_F(Proxy, ThatRefusesATunnelIsATypedError) {
    options.regions[0].base_url = "https://127.0.0.1:" + std::to_string(gateway.port("us-west"));
    options.proxy.password = "another-" + kPassword;
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, FailsWith(ErrorCode::proxy_failed));
    EXPECT_THAT(answer.error().message, HasSubstr("407"));
    EXPECT_THAT(answer.error().message, HasSubstr("proxy.password"));
    expect_no_secret(answer.error());
}

TEST_F(Proxy, ThatRefusesThePasswordIsATypedError) {
    options.proxy.password = "another-" + kPassword;
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, FailsWith(ErrorCode::proxy_failed));
    EXPECT_THAT(answer.error().message, HasSubstr("407"));
    EXPECT_EQ(answer.error().http_status, 0) << "http_status is that of the gateway only";
    expect_no_secret(answer.error());
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(Proxy, ThatIsDownIsNamedInTheError) {
    const auto port = PlainServer("").port();
    options.proxy.url = "http://127.0.0.1:" + std::to_string(port);
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, FailsWith(ErrorCode::proxy_failed));
    EXPECT_THAT(answer.error().message, AllOf(HasSubstr(options.proxy.url), HasSubstr("proxy.url")));
    expect_no_secret(answer.error());
}

TEST_F(Proxy, OfTheEnvironmentIsNotUsedForLoopback) {
    const PlainServer environment(http_answer("500 Wrong Way", "", ""));
    const auto url = "http://sheep:" + kPassword + "@127.0.0.1:" + std::to_string(environment.port());
    for (const auto* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"}) {
        ::setenv(name, url.c_str(), 1);
    }
    options.proxy = {};
    options.regions[0].base_url = "http://localhost:" + std::to_string(gateway.port("us-west")) + "/v1";
    {
        Client client(options);
        EXPECT_THAT(client.chat(question()), IsOk());
    }
    EXPECT_THAT(environment.requests(), IsEmpty());

    // For other hosts it is used, unless that was switched off.
    options.tls.allow_plaintext = true;
    options.regions[0].base_url = "http://gateway.invalid/v1";
    {
        Client client(options);
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, FailsWith(ErrorCode::server_failed));
        expect_no_secret(answer.error());
    }
    EXPECT_THAT(environment.requests(), SizeIs(1));
    options.proxy.from_environment = false;
    {
        Client client(options);
        EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::transport_failed));
    }
    EXPECT_THAT(environment.requests(), SizeIs(1));
    for (const auto* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"}) ::unsetenv(name);
}

}  // namespace
