// nginx between the client and the simulator: which certificates are trusted, which protocols are used, and how its
// error pages are handled.
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway_under_test.hpp"
#include "nginx_front.hpp"
#include "plain_server.hpp"
#include "transport/curl_handle.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class BehindNginx : public ::testing::Test {
  protected:
    void SetUp() override {
        HOLYSHEEP_SKIP_WITHOUT("nginx");
        HOLYSHEEP_SKIP_WITHOUT("openssl");
        certificates = std::make_unique<Certificates>(folder);
        certificates->issue("good", "DNS:localhost,IP:127.0.0.1");
    }
    void start(const std::vector<std::string>& servers, const NginxFront::Servers& text) {
        front = std::make_unique<NginxFront>(folder, servers, text);
    }
    /// The configuration of an nginx server with TLS and this certificate that forwards to the simulator.
    std::string secure_server(const NginxFront& nginx, const std::string& name, const std::string& more = {},
                              const std::string& certificate = "good", const std::string& listen = "ssl") const {
        return "server { listen " + nginx.address(name) + " " + listen + "; ssl_certificate " +
               folder.path(certificate + ".crt") + "; ssl_certificate_key " + folder.path(certificate + ".key") +
               ";\nadd_header X-Protocol $server_protocol always; add_header X-Tls $ssl_protocol always;\n" + more +
               "\nlocation /v1/ { " + forward() + " } }\n";
    }
    std::string forward() const {
        return "proxy_pass http://127.0.0.1:" + std::to_string(gateway.port("us-west")) +
               "; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off;";
    }
    ClientOptions options(std::vector<std::string> servers) const {
        std::vector<Region> regions;
        for (const auto& server : servers) regions.push_back(front->region(server));
        auto result = options_for(std::move(regions));
        result.tls.ca_file = certificates->path("ca.crt");
        return result;
    }
    static std::string header(const ChatCompletion& answer, const std::string& name) {
        for (const auto& [key, value] : answer.headers) {
            if (::testing::internal::posix::StrCaseCmp(key.c_str(), name.c_str()) == 0) return value;
        }
        return {};
    }

    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}}};
    ScratchFolder folder;
    std::unique_ptr<Certificates> certificates;
    std::unique_ptr<NginxFront> front;
};

class Tls : public BehindNginx {
  protected:
    void SetUp() override {
        BehindNginx::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        certificates->issue("other_host", "DNS:elsewhere.test");
        certificates->issue("expired", "DNS:localhost,IP:127.0.0.1", 0);
        certificates->issue("shepherd", "DNS:client");
        start({"tls13", "tls12", "tls11", "other_host", "expired", "mutual"}, [&](const NginxFront& nginx) {
            return secure_server(nginx, "tls13", "ssl_protocols TLSv1.3;") +
                   secure_server(nginx, "tls12", "ssl_protocols TLSv1.2;") +
                   secure_server(nginx, "tls11", "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;") +
                   secure_server(nginx, "other_host", "", "other_host") +
                   secure_server(nginx, "expired", "", "expired") +
                   secure_server(nginx, "mutual",
                                 "ssl_verify_client on; ssl_client_certificate " + folder.path("ca.crt") + ";");
        });
    }
    void expect_not_trusted(ClientOptions client_options) {
        client_options.retry.max_attempts = 1;
        Client client(client_options);
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, FailsWith(ErrorCode::tls_failed));
        EXPECT_EQ(answer.error().http_status, 0);
        EXPECT_THAT(answer.error().message, StartsWith(client_options.regions[0].id + ": "));
        EXPECT_EQ(gateway.requests("us-west"), 0u) << "the request was sent";
    }
};

TEST_F(Tls, UsesVersions13And12WithATrustedServer) {
    const std::map<std::string, std::string> versions{{"tls13", "TLSv1.3"}, {"tls12", "TLSv1.2"}};
    for (const auto& [server, version] : versions) {
        Client client(options({server}));
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(header(*answer, "X-Tls"), version);
        EXPECT_TRUE(answer->attempts[0].timings.tls);
        EXPECT_THAT(client.stream(question()).finish(), IsOk());
    }
}

TEST_F(Tls, TrustsAnAuthorityGivenAsText) {
    auto with_blob = options({"tls13"});
    with_blob.tls = {.ca_blob = folder.read("ca.crt")};
    Client client(with_blob);
    EXPECT_THAT(client.chat(question()), IsOk());
    EXPECT_THAT(client.stream(question()).finish(), IsOk());
}

TEST_F(Tls, ChecksTheHostName) {
    auto with_host_name = options({"tls13"});
    auto& url = with_host_name.regions[0].base_url;
    url.replace(url.find("127.0.0.1"), 9, "localhost");
    Client client(with_host_name);
    EXPECT_THAT(client.chat(question()), IsOk());
}

TEST_F(Tls, RefusesAnUnknownAuthority) {
    auto untrusting = options({"tls13"});
    untrusting.tls = {};
    expect_not_trusted(untrusting);
    const ScratchFolder elsewhere;
    const Certificates other_authority(elsewhere, "other_authority");
    untrusting.tls.ca_file = other_authority.path("other_authority.crt");
    expect_not_trusted(untrusting);
    untrusting.tls = {.ca_blob = elsewhere.read("other_authority.crt")};
    expect_not_trusted(untrusting);
}

TEST_F(Tls, RefusesAnotherHostsCertificate) { expect_not_trusted(options({"other_host"})); }
TEST_F(Tls, RefusesAnExpiredCertificate) { expect_not_trusted(options({"expired"})); }
TEST_F(Tls, RefusesVersion11) { expect_not_trusted(options({"tls11"})); }

TEST_F(Tls, RefusesAServerWithoutTls) {
    auto plain = options({"tls13"});
    const PlainServer server("");
    plain.regions = {{.id = "plain", .base_url = "https://127.0.0.1:" + std::to_string(server.port())}};
    plain.timeouts.connect = 500ms;
    plain.retry.max_attempts = 1;
    Client client(plain);
    EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::timed_out));
    EXPECT_THAT(server.requests(), ::testing::IsEmpty());
}

TEST_F(Tls, AnUntrustedRegionFailsOver) {
    Client client(options({"expired", "other_host", "tls13"}));
    for (const auto& answer : {client.chat(question()), client.stream(question()).finish()}) {
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(outcomes(answer), ElementsAre("expired tls_failed", "other_host tls_failed", "tls13 ok"));
    }
}

TEST_F(Tls, SendsAConfiguredClientCertificate) {
    auto mutual = options({"mutual"});
    Client without_certificate(mutual);
    const auto refused = without_certificate.chat(question());
    ASSERT_THAT(refused, FailsWith(ErrorCode::invalid_request));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("<html")));
    EXPECT_EQ(gateway.requests("us-west"), 0u);
    mutual.tls.client_certificate = certificates->path("shepherd.crt");
    mutual.tls.client_key = certificates->path("shepherd.key");
    Client client(mutual);
    EXPECT_THAT(client.chat(question()), IsOk());
}

class Protocol : public BehindNginx {
  protected:
    static bool supports_http2() {
        return !transport::drops_paused_http2(curl_version_info(CURLVERSION_NOW)->version_num);
    }
    void SetUp() override {
        BehindNginx::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        start({"both", "old", "brief", "brief_old"}, [&](const NginxFront& nginx) {
            return secure_server(nginx, "both", "", "good", "ssl http2") + secure_server(nginx, "old") +
                   secure_server(nginx, "brief", "keepalive_requests 5;", "good", "ssl http2") +
                   secure_server(nginx, "brief_old", "keepalive_requests 5;");
        });
    }
    std::string negotiated(const std::string& server, bool http2) {
        auto client_options = options({server});
        client_options.http2 = http2;
        Client client(client_options);
        const auto plain = client.chat(question());
        const auto streamed = client.stream(question()).finish();
        if (!plain || !streamed) return "nothing";
        EXPECT_EQ(header(*plain, "X-Protocol"), header(*streamed, "X-Protocol"));
        return header(*plain, "X-Protocol");
    }
};

TEST_F(Protocol, IsNegotiatedWithTheServer) {
    EXPECT_EQ(negotiated("both", true), supports_http2() ? "HTTP/2.0" : "HTTP/1.1");
    EXPECT_EQ(negotiated("both", false), "HTTP/1.1");
    EXPECT_EQ(negotiated("old", true), "HTTP/1.1");
    EXPECT_EQ(negotiated("old", false), "HTTP/1.1");
}

TEST_F(Protocol, ManyStreamsShareAnHttp2Connection) {
    if (!supports_http2()) GTEST_SKIP() << "HTTP/2 is not spoken with libcurl 8.5.0: any other version would enable it";
    auto client_options = options({"both"});
    client_options.http2 = true;
    Client client(client_options);
    ASSERT_THAT(client.chat(question()), IsOk());
    gateway.set_stream("us-west", 20, 10ms);
    std::vector<ChatStream> streams;
    for (int i = 0; i < 50; ++i) streams.push_back(client.stream(question("sheep " + std::to_string(i))));
    for (int i = 0; i < 50; ++i) {
        const auto answer = streams[static_cast<std::size_t>(i)].finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(answer->text(), StartsWith("[us-west] sheep " + std::to_string(i)));
        EXPECT_TRUE(answer->attempts[0].connection_reused);
    }
}

TEST_F(Protocol, APausedHttp2StreamDoesNotBlockOthers) {
    auto client_options = options({"both"});
    client_options.http2 = true;
    gateway.set_fault("us-west", {.kind = Kind::endless_body, .times = 1});
    Client client(client_options);
    auto slow = client.stream(question());
    ASSERT_NE(slow.begin(), slow.end());  // this stream is never read again
    for (int i = 0; i < 20; ++i) ASSERT_THAT(client.chat(question()), IsOk());
}

TEST_F(Protocol, ACancelledHttp2StreamDoesNotAffectOthers) {
    auto client_options = options({"both"});
    client_options.http2 = true;
    Client client(client_options);
    ASSERT_THAT(client.chat(question()), IsOk());
    gateway.set_stream("us-west", 40, 10ms);
    for (int round = 0; round < 3; ++round) {
        std::vector<ChatStream> streams;
        for (int i = 0; i < 10; ++i) streams.push_back(client.stream(question()));
        for (auto& stream : streams) ASSERT_NE(stream.begin(), stream.end());
        for (std::size_t i = 0; i < 5; ++i) streams[2 * i].cancel();
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_THAT(streams[2 * i].finish(), FailsWith(ErrorCode::cancelled));
            EXPECT_THAT(streams[2 * i + 1].finish(), IsOk());
        }
        EXPECT_THAT(client.chat(question()), IsOk());
    }
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 15, kTestTimeout))
        << "the gateway's connection was not closed";
}

/// A server that sends a stream from a file: all of it at once, as fast as the client reads.
class FileStream : public BehindNginx, public ::testing::WithParamInterface<bool> {
  protected:
    static constexpr std::size_t kPieces = 400, kPiece = 8'000;

    void SetUp() override {
        BehindNginx::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        const std::string event =
            R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":")" + std::string(kPiece, 'w') + "\"}}]}\n\n";
        std::string events;
        for (std::size_t i = 0; i < kPieces; ++i) events += event;
        folder.write("events", events + "data: [DONE]\n\n");
        start({"file"}, [&](const NginxFront& nginx) {
            const auto pair = "ssl_certificate " + folder.path("good.crt") + "; ssl_certificate_key " +
                              folder.path("good.key") + "; ";
            return "server { listen " + nginx.address("file") + " ssl http2; " + pair + "root " + folder.path("") +
                   "; types {} default_type text/event-stream;\n"
                   "error_page 405 =200 /events; location /v1/ { return 405; } }\n";  // files reject POST
        });
    }
};

TEST_P(FileStream, IsCompleteHoweverSlowlyItIsRead) {
    auto client_options = options({"file"});
    client_options.http2 = GetParam();
    Client client(client_options);
    auto slow = client.stream(question());
    ASSERT_NE(slow.begin(), slow.end());
    for (int i = 0; i < 5; ++i) {
        const auto fast = client.stream(question()).finish();  // with HTTP/2, on the same connection
        ASSERT_THAT(fast, IsOk());
        EXPECT_EQ(fast->text().size(), kPieces * kPiece);
    }
    const auto answer = slow.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text().size(), kPieces * kPiece);
}

INSTANTIATE_TEST_SUITE_P(Connections, FileStream, ::testing::Values(false, true),
                         [](const auto& version) { return version.param ? "Http2" : "Http1"; });

/// A server that ends each connection after five requests.
class ConnectionRecycling : public Protocol, public ::testing::WithParamInterface<bool> {};

TEST_P(ConnectionRecycling, FailsNoCallAndRecordsEveryAttempt) {
    auto client_options = options({GetParam() ? "brief" : "brief_old"});
    client_options.http2 = GetParam();
    client_options.retry.budget_capacity = 1'000;
    Client client(client_options);
    constexpr int kRounds = 40, kAtOnce = 8;
    std::map<std::string, std::size_t> attempts;
    for (int round = 0; round < kRounds; ++round) {
        std::vector<std::pair<std::string, std::future<Result<ChatCompletion>>>> calls;
        for (int i = 0; i < kAtOnce; ++i) {
            const auto text = "sheep " + std::to_string(round) + "/" + std::to_string(i) + ".";
            calls.emplace_back(text, client.chat_async(question(text)));
        }
        for (auto& [text, call] : calls) {
            const auto answer = call.get();
            ASSERT_THAT(answer, IsOk());
            EXPECT_THAT(answer->text(), HasSubstr(text));
            attempts[text] = answer->attempts.size();
        }
    }
    std::map<std::string, std::size_t> arrived;
    for (const auto& seen : gateway.seen()) {
        const auto begin = seen.body.find("sheep ");
        ++arrived[seen.body.substr(begin, seen.body.find('.', begin) + 1 - begin)];
    }
    EXPECT_EQ(arrived.size(), static_cast<std::size_t>(kRounds * kAtOnce));
    for (const auto& [text, times] : arrived)
        EXPECT_LE(times, attempts[text]) << text << " was sent more often than recorded";
}

INSTANTIATE_TEST_SUITE_P(Connections, ConnectionRecycling, ::testing::Values(false, true),
                         [](const auto& version) { return version.param ? "Http2" : "Http1"; });

class Streaming : public Protocol, public ::testing::WithParamInterface<bool> {};

TEST_P(Streaming, IsNotBufferedByTheServerInFront) {
    auto client_options = options({"both"});
    client_options.http2 = GetParam();
    gateway.set_fault("us-west", {.kind = Kind::stall_mid_stream, .after_chunks = 1});
    Client client(client_options);
    {
        auto stream = client.stream(question());
        std::string text;
        for (const auto& chunk : stream) {
            text += chunk.text;
            if (!text.empty()) break;  // although the gateway never sends the rest
        }
        EXPECT_THAT(text, StartsWith("[us-west]"));
    }
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kTestTimeout)) << "the gateway's connection was not closed";
}

INSTANTIATE_TEST_SUITE_P(Connections, Streaming, ::testing::Values(false, true),
                         [](const auto& version) { return version.param ? "Http2" : "Http1"; });

class ErrorPage : public BehindNginx {
  protected:
    void SetUp() override {
        BehindNginx::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        start({"dead", "busy", "small", "missing", "slow", "limited"}, [&](const NginxFront& nginx) {
            return "limit_req_zone $binary_remote_addr zone=few:64k rate=1r/m;\n"
                   "server { listen " +
                   nginx.address("dead") +
                   "; location / { proxy_pass http://127.0.0.1:1; } }\n"
                   "server { listen " +
                   nginx.address("busy") +
                   "; return 503; }\n"
                   "server { listen " +
                   nginx.address("small") + "; client_max_body_size 100; location / { " + forward() +
                   " } }\n"
                   "server { listen " +
                   nginx.address("missing") + "; root " + folder.path("none") +
                   "; }\n"
                   "server { listen " +
                   nginx.address("slow") + "; location / { proxy_read_timeout 100ms; " + forward() +
                   " } }\n"
                   "server { listen " +
                   nginx.address("limited") +
                   "; limit_req zone=few; limit_req_status 429;"
                   " location / { " +
                   forward() + " } }\n";
        });
    }
    Error page_of(const std::string& server, const std::string& text = "hello") {
        auto client_options = options_for({front->region(server, "http")});
        client_options.retry.max_attempts = 1;
        Client client(client_options);
        auto answer = client.chat(question(text));
        if (answer) {
            ADD_FAILURE() << server << " answered";
            return {};
        }
        EXPECT_THAT(answer.error().message, Not(HasSubstr("<"))) << "HTML in a message";
        EXPECT_THAT(answer.error().message, HasSubstr(server + ":"));
        EXPECT_THAT(answer.error().raw_body, HasSubstr("<html>")) << "raw_body keeps the page";
        return answer.error();
    }
};

TEST_F(ErrorPage, OfEachStatusIsATypedErrorWithoutHtml) {
    EXPECT_EQ(page_of("dead").code, ErrorCode::server_failed);
    EXPECT_EQ(page_of("dead").http_status, 502);
    EXPECT_EQ(page_of("busy").code, ErrorCode::server_failed);
    EXPECT_EQ(page_of("busy").http_status, 503);
    EXPECT_EQ(page_of("small", std::string(2'000, 'b')).code, ErrorCode::request_too_large);
    const auto missing = page_of("missing");
    EXPECT_EQ(missing.http_status, 404);
    gateway.set_fault("us-west", {.kind = Kind::hang});
    EXPECT_EQ(page_of("slow").code, ErrorCode::timed_out);
    gateway.revive("us-west");
    {
        Client client(options_for({front->region("limited", "http")}));
        EXPECT_THAT(client.chat(question()), IsOk());
    }
    EXPECT_EQ(page_of("limited").code, ErrorCode::rate_limited);
    EXPECT_EQ(page_of("limited").http_status, 429);
}

TEST_F(ErrorPage, FailsOver) {
    auto regions = std::vector<Region>{front->region("dead", "http"), front->region("busy", "http")};
    regions.push_back(gateway.regions()[0]);
    Client client(options_for(regions));
    for (const auto& answer : {client.chat(question()), client.stream(question()).finish()}) {
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(outcomes(answer), ElementsAre("dead server_failed", "busy server_failed", "us-west ok"));
    }
}

TEST_F(ErrorPage, OfAMissingPathIsA404WithoutHtml) {
    Client client(options_for({front->region("missing", "http")}));
    const auto models = client.models();
    ASSERT_FALSE(models);
    EXPECT_EQ(models.error().http_status, 404);
    EXPECT_THAT(models.error().message, Not(HasSubstr("<")));
}

}  // namespace
