// Sends requests to the dashboard's server like those of browsers, Prometheus and attackers.
#include <holysheep/dashboard/server.hpp>

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "gateway_under_test.hpp"
#include "http_exchange.hpp"
#include "no_more_descriptors.hpp"
#include "plain_server.hpp"

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kToken = "wool-0123456789abcdef";

class DashboardServerTest : public TwoRegions {
  protected:
    DashboardServer serve(DashboardServerOptions how = {}) {
        return DashboardServer([this] { return client.stats(); }, std::move(how));
    }
    Client client{options};
};

TEST_F(DashboardServerTest, ThreePathsServeTheSnapshot) {
    ASSERT_THAT(client.chat(question()), IsOk());
    const auto server = serve();
    const auto json = http(server.url() + "stats.json");
    EXPECT_EQ(json.status, 200);
    EXPECT_EQ(json.headers.at("content-type"), "application/json");
    EXPECT_EQ(nlohmann::json::parse(json.body)["regions"][0]["succeeded"], 1);

    const auto metrics = http(server.url() + "metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_THAT(metrics.headers.at("content-type"), HasSubstr("version=0.0.4"));
    EXPECT_THAT(metrics.body,
                HasSubstr("holysheep_attempts_total{region=\"us-west\",result=\"ok\",cause=\"none\"} 1\n"));

    const auto page = http(server.url());
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, AllOf(HasSubstr("<title>holysheep</title>"), HasSubstr("</html>")));
}

TEST_F(DashboardServerTest, EachAnswerIsCurrent) {
    const auto server = serve();
    EXPECT_EQ(nlohmann::json::parse(http(server.url() + "stats.json").body)["calls"], 0);
    ASSERT_THAT(client.chat(question()), IsOk());
    const auto later = http(server.url() + "stats.json");
    EXPECT_EQ(nlohmann::json::parse(later.body)["calls"], 1);
    EXPECT_EQ(later.headers.at("cache-control"), "no-store");
}

TEST_F(DashboardServerTest, ThePageMayContactNoOtherHost) {
    const auto server = serve({.title = "sheep <1>"});
    const auto first = http(server.url()), second = http(server.url());
    EXPECT_THAT(first.body, HasSubstr("<title>sheep &lt;1&gt;</title>"));
    const auto policy = first.headers.at("content-security-policy");
    EXPECT_THAT(policy, AllOf(HasSubstr("default-src 'none'"), HasSubstr("connect-src 'self'"),
                              HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe"))));
    EXPECT_NE(policy, second.headers.at("content-security-policy")) << "each answer has its own nonce";
    const auto begin = policy.find("'nonce-") + 7;
    const auto nonce = policy.substr(begin, policy.find('\'', begin) - begin);
    EXPECT_THAT(first.body, HasSubstr("<script nonce=\"" + nonce + "\">"));
}

TEST_F(DashboardServerTest, OtherPathsAndMethodsAreRefused) {
    const auto server = serve();
    EXPECT_EQ(http(server.url() + "favicon.ico").status, 404);
    EXPECT_EQ(http(server.url() + "../../etc/passwd").status, 404);
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        const auto reply = http(server.url() + "stats.json", {}, method);
        EXPECT_EQ(reply.status, 405) << method;
        EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD");
    }
    EXPECT_EQ(http(server.url(), {}, "POST", std::string(100'000, 'x')).status, 413);
    const auto head = http(server.url() + "metrics", {}, "HEAD");
    EXPECT_EQ(head.status, 200);
    EXPECT_THAT(head.body, IsEmpty());
    EXPECT_EQ(http(server.url() + "stats.json?token=anything").status, 200) << "no token is required";
}

TEST_F(DashboardServerTest, HeadIsAnsweredWithoutABodyAndKeepsItsConnection) {
    const auto server = serve();
    const int socket = connect_to(server.port());
    ASSERT_GE(socket, 0);
    const std::string rest = " HTTP/1.1\r\nHost: localhost\r\n";
    ASSERT_TRUE(send_all(socket, "HEAD /metrics" + rest + "\r\n"));
    ASSERT_TRUE(send_all(socket, "GET /nothing" + rest + "Connection: close\r\n\r\n"));
    std::string received;
    std::array<char, 4'096> bytes{};
    for (ssize_t count = 0; (count = ::recv(socket, bytes.data(), bytes.size(), 0)) > 0;) {
        received.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(socket);
    EXPECT_THAT(received, StartsWith("HTTP/1.1 200"));
    const auto end = received.find("\r\n\r\n");
    ASSERT_NE(end, std::string::npos);
    EXPECT_GT(std::stoul(header_of(received, "content-length")), 1'000U) << "the length of the answer to GET";
    EXPECT_THAT(received.substr(end + 4), StartsWith("HTTP/1.1 404"));
}

TEST_F(DashboardServerTest, AForeignHostHeaderIsRefused) {
    const auto server = serve();
    const auto foreign = http(server.url() + "stats.json", {"Host: rebound.example"});
    EXPECT_EQ(foreign.status, 403);
    EXPECT_THAT(foreign.body, HasSubstr(server.url()));
    EXPECT_EQ(http(server.url() + "stats.json", {"Host: localhost:1"}).status, 200);
}

TEST_F(DashboardServerTest, OutsideLoopbackItRequiresTheToken) {
    const auto open = DashboardServer::create([this] { return client.stats(); }, {.host = "0.0.0.0"});
    ASSERT_THAT(open, FailsWith(ErrorCode::invalid_options));
    EXPECT_THAT(open.error().message, HasSubstr("token"));

    const auto server = serve({.host = "0.0.0.0", .token = kToken});
    const auto base = "http://127.0.0.1:" + std::to_string(server.port());
    EXPECT_EQ(server.url(), base + "/?token=" + kToken);
    for (const auto* path : {"/", "/stats.json", "/metrics", "/nothing"}) {
        const auto refused = http(base + path);
        EXPECT_EQ(refused.status, 401) << path;
        EXPECT_THAT(refused.headers.at("www-authenticate"), HasSubstr("Bearer"));
        EXPECT_THAT(refused.body, Not(HasSubstr(kToken)));
        EXPECT_EQ(http(base + path, {"Authorization: Bearer " + kToken + "x"}).status, 401) << path;
    }
    EXPECT_EQ(http(base + "/metrics", {"Authorization: Bearer " + kToken}).status, 200);
    EXPECT_EQ(http(base + "/metrics?token=" + kToken).status, 200);
}

TEST_F(DashboardServerTest, TheTokenMovesFromTheUrlIntoACookie) {
    const auto server = serve({.token = kToken});
    const auto first = http(server.url());
    EXPECT_EQ(first.status, 303);
    EXPECT_EQ(first.headers.at("location"), "./");
    const auto cookie = first.headers.at("set-cookie");
    EXPECT_THAT(cookie, AllOf(HasSubstr("HttpOnly"), HasSubstr("SameSite=Lax")));
    const auto base = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
    EXPECT_EQ(http(base, {"Cookie: " + cookie.substr(0, cookie.find(';'))}).status, 200);
}

TEST_F(DashboardServerTest, InvalidOptionsAreAnErrorWithARemedy) {
    const auto server = serve();
    const auto same = DashboardServer::create([this] { return client.stats(); }, {.port = server.port()});
    ASSERT_THAT(same, FailsWith(ErrorCode::invalid_options));
    EXPECT_THAT(same.error().message, AllOf(HasSubstr(std::to_string(server.port())), HasSubstr("port 0")));
    EXPECT_THAT(DashboardServer::create({}, {}), FailsWith(ErrorCode::invalid_options));
    EXPECT_THROW(DashboardServer([] { return Stats(); }, {.token = "short"}), Exception);
}

TEST_F(DashboardServerTest, ASnapshotThatThrowsIsA500) {
    const DashboardServer server([]() -> Stats { throw std::runtime_error("secret"); });
    const auto reply = http(server.url() + "stats.json");
    EXPECT_EQ(reply.status, 500);
    EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
}

TEST_F(DashboardServerTest, MayBeMovedAndFreesItsPortAtOnce) {
    std::uint16_t port = 0;
    {
        auto server = serve();
        port = server.port();
        EXPECT_EQ(http(server.url()).status, 200);
        const auto moved = std::move(server);
        EXPECT_EQ(http(moved.url()).status, 200);
    }
    const auto again = serve({.port = port});
    EXPECT_EQ(again.port(), port);
    EXPECT_EQ(http(again.url()).status, 200);
}

TEST_F(DashboardServerTest, ServesConcurrentRequestsDuringCalls) {
    const auto server = serve();
    std::vector<std::future<int>> connections;
    for (int i = 0; i < 4; ++i) {
        connections.push_back(std::async(std::launch::async, [&server] {
            int successes = 0;
            for (const auto* path : {"stats.json", "metrics", ""}) {
                for (int k = 0; k < 10; ++k) successes += http(server.url() + path).status == 200 ? 1 : 0;
            }
            return successes;
        }));
    }
    for (int i = 0; i < 20; ++i) EXPECT_THAT(client.chat(question()), IsOk());
    for (auto& connection : connections) EXPECT_EQ(connection.get(), 30);
}

std::chrono::nanoseconds cpu_time() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    auto* const folder = ::opendir("/proc/self/fd");
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
}

TEST_F(DashboardServerTest, ConnectionsBeyondTheLimitTakeNoDescriptorAndWait) {
    const auto server = serve();
    EXPECT_EQ(http(server.url() + "metrics").status, 200);
    constexpr std::size_t kConnections = 150, kAdmitted = 64;
    const auto before = open_descriptors();
    std::vector<int> connections;
    for (std::size_t i = 0; i < kConnections; ++i) connections.push_back(connect_to(server.port()));
    // The first connection is certainly admitted, and its answer shows that the connections before it in the queue were
    // admitted.
    const std::string ask = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    ASSERT_TRUE(send_all(connections.front(), ask));
    std::array<char, 512> bytes{};
    ASSERT_GT(::recv(connections.front(), bytes.data(), bytes.size(), 0), 0);
    EXPECT_LE(open_descriptors(), before + kConnections + kAdmitted);
    for (const int connection : connections) ::close(connection);
    EXPECT_EQ(http(server.url() + "metrics").status, 200) << "new connections are accepted again";
}

TEST_F(DashboardServerTest, WithoutADescriptorConnectionsWaitAndTheLoopDoesNotSpin) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer inspects memory through a pipe";
#endif
    const auto server = serve();
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    {
        const NoMoreDescriptors none;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(server.port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        const auto before = cpu_time();
        std::this_thread::sleep_for(400ms);
        EXPECT_LT(cpu_time() - before, 200ms) << "the loop must not spin";
    }
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ::send(connection, request.data(), request.size(), 0);
    std::array<char, 16> begin{};
    EXPECT_GT(::recv(connection, begin.data(), begin.size(), 0), 0) << "accepted once a descriptor is free";
    EXPECT_EQ(std::string(begin.data(), 12), "HTTP/1.1 200");
    ::close(connection);
}

}  // namespace
}  // namespace holysheep::loopback
