// Tests the simulator over plain sockets: every fault does on the wire what its name says.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <holysheep/testing/gateway_simulator.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using holysheep::testing::Fault;
using holysheep::testing::fault_from_text;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::SimulatedRegion;
using holysheep::testing::SimulatorOptions;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Json = nlohmann::json;
using Kind = Fault::Kind;

/// A TCP connection to the simulator; records how it ended.
class Wire {
  public:
    enum class Close { open, orderly, reset };

    explicit Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        connect_error_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        set_timeout(5s);
    }
    ~Wire() {
        if (socket_ >= 0) ::close(socket_);
    }
    Wire(Wire&& other) noexcept
        : socket_(std::exchange(other.socket_, -1)), connect_error_(other.connect_error_), close_(other.close_) {}
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    Wire& operator=(Wire&&) = delete;

    int connect_error() const { return connect_error_; }
    Close how_closed() const { return close_; }

    void set_timeout(std::chrono::milliseconds timeout) const {
        timeval value{};
        value.tv_sec = static_cast<time_t>(timeout / 1s);
        value.tv_usec = static_cast<suseconds_t>(timeout % 1s / 1us);
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
    }

    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// Reads until the text satisfies the condition, the other side closes, or the time limit passes.
    std::string read_until(const std::function<bool(const std::string&)>& enough) {
        std::string text;
        std::array<char, 64 * 1024> bytes{};
        while (!enough(text)) {
            const auto count = ::recv(socket_, bytes.data(), bytes.size(), 0);
            if (count == 0) close_ = Close::orderly;
            if (count < 0 && errno == ECONNRESET) close_ = Close::reset;
            if (count <= 0) break;
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return text;
    }
    std::string read_all() {
        return read_until([](const std::string&) { return false; });
    }
    std::string read_until_contains(std::string_view end) {
        return read_until([end](const std::string& text) { return text.find(end) != std::string::npos; });
    }
    /// Reads one answer with a length or in chunks; if it has neither, up to the close.
    std::string read_answer() {
        return read_until([](const std::string& text) {
            const auto head_end = text.find("\r\n\r\n");
            if (head_end == std::string::npos) return false;
            const auto length = text.find("content-length: ");
            if (length < head_end) return text.size() >= head_end + 4 + std::stoul(text.substr(length + 16));
            return text.ends_with("0\r\n\r\n") && text.find("chunked") < head_end;
        });
    }

  private:
    int socket_;
    int connect_error_ = 0;
    Close close_ = Close::open;
};

std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

std::string get_request(std::string_view path, std::string_view headers = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n";
}

std::string post(const std::string& body, std::string_view path = "/v1/chat/completions",
                 std::string_view headers = {}) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string kChat = R"({"model":"gpt-4.1","messages":[{"role":"user","content":"hello sheep"}]})";
const std::string kStream = R"({"model":"gpt-4.1","stream":true,"stream_options":{"include_usage":true},)"
                            R"("messages":[{"role":"user","content":"hello sheep"}]})";

std::size_t count_of(std::string_view text, std::string_view word) {
    std::size_t count = 0;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++count;
    return count;
}

/// Counts the text chunks of a stream; the first chunk, with the role, has an empty text.
std::size_t content_chunks(std::string_view stream) { return count_of(stream, R"("delta":{"content":)"); }

class Simulator : public ::testing::Test {
  protected:
    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}, SimulatedRegion{.id = "eu-central"}}};

    Wire connect(std::string_view region = "us-west") { return Wire(gateway.port(region)); }

    struct Exchange {
        std::string answer{};
        Wire::Close close = Wire::Close::open;
    };
    /// Sends one request to the faulty region and reads until it ends or stays silent for a while.
    Exchange exchange_with(Fault fault, const std::string& request,
                           std::chrono::milliseconds silence = std::chrono::milliseconds(150)) {
        gateway.set_fault("us-west", std::move(fault));
        Wire wire = connect();
        wire.set_timeout(silence);
        wire.send(request);
        Exchange exchange;
        exchange.answer = wire.read_all();
        exchange.close = wire.how_closed();
        return exchange;
    }
    /// The same for a complete answer; returns as soon as the answer is complete.
    std::string answer_with(Fault fault, const std::string& request) {
        gateway.set_fault("us-west", std::move(fault));
        Wire wire = connect();
        wire.send(request);
        return wire.read_answer();
    }
};

using SimulatorAnswers = Simulator;
using SimulatorFaults = Simulator;
using SimulatorRecord = Simulator;

TEST_F(SimulatorAnswers, AChatEchoesTheQuestionWithUsage) {
    Wire wire = connect();
    wire.send(post(kChat));
    const std::string answer = wire.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("x-request-id: req_us-west_1\r\n"));
    const Json json = Json::parse(body_of(answer));
    EXPECT_THAT(json["choices"][0]["message"]["content"].get<std::string>(), StartsWith("[us-west] hello sheep"));
    EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(json["usage"]["completion_tokens"], 8);
}

TEST_F(SimulatorAnswers, AStreamSendsContentThenUsageThenDone) {
    Wire wire = connect();
    wire.send(post(kStream));
    const std::string answer = wire.read_answer();
    EXPECT_THAT(answer, HasSubstr("content-type: text/event-stream"));
    EXPECT_EQ(content_chunks(answer), 8u);
    EXPECT_THAT(answer, HasSubstr(R"("choices":[],"usage":{"prompt_tokens")"));
    EXPECT_LT(answer.find(R"("finish_reason":"stop")"), answer.find("data: [DONE]"));
}

TEST_F(SimulatorAnswers, AStreamHasNoUsageUnlessItIsRequested) {
    Wire wire = connect();
    wire.send(post(R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})"));
    EXPECT_THAT(wire.read_answer(), Not(HasSubstr("usage")));
}

TEST_F(SimulatorAnswers, AnOfferedToolIsCalledWithArgumentsOfItsSchema) {
    const std::string tools = R"("tools":[{"type":"function","function":{"name":"shear","parameters":{"type":"object",)"
                              R"("properties":{"count":{"type":"integer"},"name":{"type":"string"}}}}}],)"
                              R"("messages":[{"role":"user","content":"use the tool"}]})";
    Wire wire = connect();
    wire.send(post(R"({"model":"m",)" + tools));
    const Json json = Json::parse(body_of(wire.read_answer()));
    const Json call = json["choices"][0]["message"]["tool_calls"][0];
    EXPECT_EQ(json["choices"][0]["finish_reason"], "tool_calls");
    EXPECT_EQ(call["function"]["name"], "shear");
    EXPECT_EQ(Json::parse(call["function"]["arguments"].get<std::string>()),
              (Json{{"count", 1}, {"name", "use the tool"}}));
    wire.send(post(R"({"model":"m","stream":true,)" + tools));
    EXPECT_EQ(count_of(wire.read_answer(), R"({"tool_calls":[{"index":0)"), 3u);
}

TEST_F(SimulatorAnswers, SeveralChoicesWholeAndStreamed) {
    Wire wire = connect();
    wire.send(post(R"({"model":"m","n":3,"messages":[{"role":"user","content":"hi"}]})"));
    EXPECT_THAT(Json::parse(body_of(wire.read_answer()))["choices"], SizeIs(3));
    wire.send(post(R"({"model":"m","n":3,"stream":true,"messages":[{"role":"user","content":"hi"}]})"));
    EXPECT_EQ(content_chunks(wire.read_answer()), 24u);
}

TEST_F(SimulatorAnswers, EachRequestGetsItsStatus) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {post("{broken"), "HTTP/1.1 400"},
        {post(R"({"messages":[]})"), "HTTP/1.1 400"},
        {post(R"({"model":"m","messages":[]})"), "HTTP/1.1 400"},
        {post(R"({"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",)"
              R"("json_schema":"no object"}})"),
         "HTTP/1.1 400"},
        {post(R"({"model":"missing-model","messages":[]})"), "HTTP/1.1 404"},
        {get_request("/v1/nothing"), "HTTP/1.1 404"},
        {get_request("/v1/chat/completions"), "HTTP/1.1 405"},
        {post(R"({"model":"e","input":["a","b"]})", "/v1/embeddings"), "HTTP/1.1 200"},
        {get_request("/v1/models"), "HTTP/1.1 200"}};
    Wire wire = connect();
    for (const auto& [request, status] : cases) {
        wire.send(request);
        EXPECT_THAT(wire.read_answer(), StartsWith(status)) << request;
    }
    EXPECT_EQ(gateway.connections("us-west"), 1u);
}

TEST_F(SimulatorAnswers, BytesThatAreNotHttpGetA400AndAClose) {
    Wire wire = connect();
    wire.send("baa baa\r\n\r\n");
    EXPECT_THAT(wire.read_all(), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(wire.how_closed(), Wire::Close::orderly);
}

TEST(SimulatorKey, AWrongKeyIsRefused) {
    GatewaySimulator gateway({SimulatedRegion{.id = "a"}}, SimulatorOptions{.api_key = "sk-right"});
    Wire wire(gateway.port("a"));
    wire.send(get_request("/v1/models", "Authorization: Bearer sk-wrong\r\n"));
    EXPECT_THAT(wire.read_answer(), StartsWith("HTTP/1.1 401"));
    wire.send(get_request("/v1/models", "Authorization: Bearer sk-right\r\n"));
    EXPECT_THAT(wire.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(SimulatorAnswers, RequestsMayArriveInAnyPortionsChunkedOrPipelined) {
    Wire wire = connect();
    for (const char byte : post(kChat)) wire.send(std::string(1, byte));
    EXPECT_THAT(wire.read_answer(), StartsWith("HTTP/1.1 200"));
    ASSERT_GT(kChat.size(), 64u);
    ASSERT_LT(kChat.size(), 74u);
    wire.send("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n40;x=y\r\n" +
              kChat.substr(0, 64) + "\r\n" + std::to_string(kChat.size() - 64) + "\r\n" + kChat.substr(64) +
              "\r\n0\r\nTrailer: 1\r\n\r\n");
    EXPECT_THAT(wire.read_answer(), StartsWith("HTTP/1.1 200"));
    wire.send(get_request("/v1/models") + get_request("/v1/models", "Connection: close\r\n"));
    EXPECT_EQ(count_of(wire.read_all(), "HTTP/1.1 200 OK"), 2u);
    EXPECT_EQ(gateway.seen("us-west").at(1).body, kChat);
}

TEST_F(SimulatorAnswers, ExpectContinueIsHonoured) {
    Wire wire = connect();
    const std::string request = post(kChat, "/v1/chat/completions", "Expect: 100-continue\r\n");
    wire.send(request.substr(0, request.size() - kChat.size()));
    EXPECT_EQ(wire.read_until_contains("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(kChat);
    EXPECT_THAT(wire.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(SimulatorAnswers, LatencyAndPaceAreKept) {
    gateway.set_latency("us-west", 60ms);
    gateway.set_stream("us-west", 4, 30ms);
    Wire wire = connect();
    const auto start = std::chrono::steady_clock::now();
    wire.send(post(kStream));
    wire.read_until_contains("HTTP/1.1 200");
    EXPECT_GE(std::chrono::steady_clock::now() - start, 59ms);
    wire.read_until_contains("[DONE]");
    EXPECT_GE(std::chrono::steady_clock::now() - start, 59ms + 3 * 29ms);
}

TEST_F(SimulatorFaults, RefuseClosesThePortAndReviveOpensTheSame) {
    Wire before = connect();
    before.send(get_request("/v1/models"));
    before.read_answer();
    for (int round = 0; round < 3; ++round) {
        gateway.set_fault("us-west", {.kind = Kind::refuse});
        EXPECT_EQ(connect().connect_error(), ECONNREFUSED);
        EXPECT_EQ(connect("eu-central").connect_error(), 0);
        gateway.revive("us-west");
        Wire after = connect();
        after.send(get_request("/v1/models"));
        EXPECT_THAT(after.read_answer(), StartsWith("HTTP/1.1 200"));
    }
    before.read_all();
    EXPECT_EQ(before.how_closed(), Wire::Close::reset);
}

TEST_F(SimulatorFaults, FlapRefusesAndAnswersInTurn) {
    gateway.set_fault("us-west", {.kind = Kind::flap, .period = 50ms});
    int changes = 0;
    bool refused = false;
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (changes < 4 && std::chrono::steady_clock::now() < give_up) {
        const bool refused_now = connect().connect_error() == ECONNREFUSED;
        if (refused_now != std::exchange(refused, refused_now)) ++changes;
    }
    EXPECT_EQ(changes, 4);
}

TEST_F(SimulatorFaults, ResetBeforeHeaders) {
    const auto [answer, close] = exchange_with({.kind = Kind::reset_before_headers}, post(kChat));
    EXPECT_EQ(answer, "");
    EXPECT_EQ(close, Wire::Close::reset);
}

TEST_F(SimulatorFaults, ResetAfterHeaders) {
    const auto [answer, close] = exchange_with({.kind = Kind::reset_after_headers}, post(kStream));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(body_of(answer), "");
    EXPECT_EQ(close, Wire::Close::reset);
}

TEST_F(SimulatorFaults, ResetMidStream) {
    const auto [answer, close] = exchange_with({.kind = Kind::reset_mid_stream, .after_chunks = 2}, post(kStream));
    EXPECT_EQ(content_chunks(answer), 2u);
    EXPECT_EQ(close, Wire::Close::reset);
}

TEST_F(SimulatorFaults, CutMidStreamAndMidBody) {
    const auto [stream, stream_close] = exchange_with({.kind = Kind::cut, .after_chunks = 5}, post(kStream));
    EXPECT_EQ(content_chunks(stream), 5u);
    EXPECT_THAT(stream, Not(EndsWith("0\r\n\r\n")));
    EXPECT_EQ(stream_close, Wire::Close::orderly);
    const auto [whole, whole_close] = exchange_with({.kind = Kind::cut}, post(kChat));
    EXPECT_FALSE(Json::accept(body_of(whole)));
    EXPECT_EQ(whole_close, Wire::Close::orderly);
}

TEST_F(SimulatorFaults, HangSendsNothingAndStaysOpen) {
    const auto [answer, close] = exchange_with({.kind = Kind::hang}, post(kChat));
    EXPECT_EQ(answer, "");
    EXPECT_EQ(close, Wire::Close::open);
    const auto [head, head_close] = exchange_with({.kind = Kind::hang_after_headers}, post(kChat));
    EXPECT_THAT(head, EndsWith("\r\n\r\n"));
    EXPECT_EQ(head_close, Wire::Close::open);
}

TEST_F(SimulatorFaults, StallMidStreamWithAndWithoutKeepAliveComments) {
    const auto [silent, close] = exchange_with({.kind = Kind::stall_mid_stream, .after_chunks = 2}, post(kStream));
    EXPECT_EQ(content_chunks(silent), 2u);
    EXPECT_EQ(close, Wire::Close::open);
    gateway.set_fault("us-west", {.kind = Kind::stall_mid_stream, .period = 5ms, .after_chunks = 1});
    Wire wire = connect();
    wire.send(post(kStream));
    const std::string kept =
        wire.read_until([](const std::string& text) { return count_of(text, ": keep-alive") >= 3; });
    EXPECT_EQ(content_chunks(kept), 1u);
}

TEST_F(SimulatorFaults, SlowDripSendsTheBodyByteByByte) {
    gateway.set_fault("us-west", {.kind = Kind::slow_drip, .period = 10ms});
    Wire wire = connect();
    const auto start = std::chrono::steady_clock::now();
    wire.send(get_request("/v1/models"));
    EXPECT_THAT(wire.read_until_contains("{\"data\":["), HasSubstr("\r\n\r\n{\"data\":["));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 70ms) << "nine bytes";
}

TEST_F(SimulatorFaults, AnswersThatViolateTheProtocol) {
    EXPECT_THAT(answer_with({.kind = Kind::garbage}, post(kChat)), Not(HasSubstr("HTTP/1")));
    EXPECT_THAT(answer_with({.kind = Kind::wrong_content_type}, post(kChat)),
                HasSubstr("content-type: text/plain\r\n"));
    EXPECT_THAT(body_of(answer_with({.kind = Kind::html, .status = 502}, post(kChat))),
                HasSubstr("<title>502 Bad Gateway</title>"));
    EXPECT_THAT(answer_with({.kind = Kind::empty_body}, post(kChat)), HasSubstr("content-length: 0\r\n"));
    EXPECT_THAT(answer_with({.kind = Kind::no_done_marker}, post(kStream)),
                AllOf(HasSubstr(R"("finish_reason":"stop")"), Not(HasSubstr("[DONE]")), EndsWith("0\r\n\r\n")));
}

TEST_F(SimulatorFaults, ErrorsWithTheirStatusHeadersAndBody) {
    const auto limited = answer_with(
        {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "2"}, {"X-Request-Id", "own"}}}, post(kChat));
    EXPECT_THAT(limited, StartsWith("HTTP/1.1 429 Too Many Requests"));
    EXPECT_THAT(limited, HasSubstr("Retry-After: 2\r\n"));
    EXPECT_THAT(limited, HasSubstr("X-Request-Id: own\r\n"));
    EXPECT_THAT(limited, Not(HasSubstr("x-request-id")));
    EXPECT_EQ(Json::parse(body_of(limited))["error"]["code"], "rate_limit_exceeded");
    EXPECT_EQ(body_of(answer_with({.kind = Kind::status, .body = "own text"}, post(kChat))), "own text");
    const auto quota = answer_with({.kind = Kind::quota}, post(kStream));
    EXPECT_THAT(quota, StartsWith("HTTP/1.1 429"));
    EXPECT_EQ(Json::parse(body_of(quota))["error"]["code"], "insufficient_quota");
    const auto hidden = answer_with({.kind = Kind::error_in_200, .status = 529}, post(kStream));
    EXPECT_THAT(hidden, StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(Json::parse(body_of(hidden))["error"]["code"], 529);
    const auto inside = answer_with({.kind = Kind::error_in_stream, .after_chunks = 2}, post(kStream));
    EXPECT_EQ(content_chunks(inside), 2u);
    EXPECT_THAT(inside, HasSubstr(R"(data: {"error":{)"));
    EXPECT_THAT(inside, Not(HasSubstr("[DONE]")));
}

TEST_F(SimulatorFaults, EndlessAnswersKeepComing) {
    constexpr std::size_t kPlenty = 4 * 1024 * 1024;
    const auto plenty = [](const std::string& text) { return text.size() > kPlenty; };
    for (const Kind kind : {Kind::endless_headers, Kind::endless_body}) {
        for (const std::string& request : {post(kChat), post(kStream)}) {
            gateway.set_fault("us-west", {.kind = kind});
            Wire wire = connect();
            wire.send(request);
            const std::string answer = wire.read_until(plenty);
            EXPECT_GT(answer.size(), kPlenty);
            EXPECT_EQ(count_of(answer, "HTTP/1.1 200"), 1u);
            EXPECT_EQ(body_of(answer).empty(), kind == Kind::endless_headers);
        }
    }
    const auto huge = answer_with({.kind = Kind::huge_header_line}, post(kChat));
    EXPECT_GT(huge.find("\r\n\r\n"), 256u * 1024u);
    EXPECT_TRUE(Json::accept(body_of(huge)));
}

TEST_F(SimulatorFaults, CloseAfterResponseClosesAKeepAliveConnection) {
    const auto [answer, close] = exchange_with({.kind = Kind::close_after_response}, post(kChat));
    EXPECT_TRUE(Json::accept(body_of(answer)));
    EXPECT_THAT(answer, Not(HasSubstr("connection: close")));
    EXPECT_EQ(close, Wire::Close::orderly);
}

TEST_F(SimulatorFaults, AFaultMayBeLimitedByTimesShareOrPath) {
    const auto failures_of_100 = [this](Fault fault, const std::string& request) {
        gateway.set_fault("us-west", std::move(fault));
        Wire wire = connect();
        int failures = 0;
        for (int i = 0; i < 100; ++i) {
            wire.send(request);
            failures += wire.read_answer().starts_with("HTTP/1.1 503") ? 1 : 0;
        }
        return failures;
    };
    EXPECT_EQ(failures_of_100({.kind = Kind::status, .times = 3}, post(kChat)), 3);
    EXPECT_EQ(failures_of_100({.kind = Kind::status, .path = "chat"}, get_request("/v1/models")), 0);
    EXPECT_EQ(failures_of_100({.kind = Kind::status, .path = "chat"}, post(kChat)), 100);
    const int share = failures_of_100({.kind = Kind::status, .share = 0.3}, post(kChat));
    EXPECT_GT(share, 10);
    EXPECT_LT(share, 55);
}

TEST_F(SimulatorRecord, RequestsAreRecordedAsSent) {
    Wire first = connect();
    first.send(post(kChat, "/v1/chat/completions?x=1", "X-Wool: white\r\n"));
    first.read_answer();
    first.send(get_request("/v1/models"));
    first.read_answer();
    Wire second = connect("eu-central");
    second.send(get_request("/v1/models"));
    second.read_answer();
    const auto seen = gateway.seen();
    ASSERT_THAT(seen, SizeIs(3));
    EXPECT_EQ(seen[0].method + " " + seen[0].path, "POST /v1/chat/completions?x=1");
    EXPECT_EQ(seen[0].header("x-wool"), "white");
    EXPECT_EQ(seen[0].body, kChat);
    EXPECT_EQ(seen[0].status, 200);
    EXPECT_TRUE(seen[0].answered);
    EXPECT_EQ(seen[1].number_on_connection, 2);
    EXPECT_EQ(seen[1].connection, seen[0].connection);
    EXPECT_EQ(seen[2].region, "eu-central");
    EXPECT_EQ(gateway.requests("us-west"), 2u);
    gateway.clear_seen();
    EXPECT_THAT(gateway.seen(), SizeIs(0));
    first.send(get_request("/v1/models"));
    first.read_answer();
    ASSERT_THAT(gateway.seen("us-west"), SizeIs(1));
    EXPECT_TRUE(gateway.seen("us-west")[0].answered);
}

TEST_F(SimulatorRecord, AnEarlyCloseByTheClientIsRecorded) {
    gateway.set_stream("us-west", 1000, 10ms);
    {
        Wire wire = connect();
        wire.send(post(kStream));
        wire.read_until_contains("hello");
    }
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, 5s));
    EXPECT_TRUE(gateway.wait_until_closed("us-west", 5s));
    EXPECT_TRUE(gateway.seen("us-west").at(0).client_closed_early);
    EXPECT_FALSE(gateway.seen("us-west").at(0).answered);
    gateway.set_fault("us-west", {.kind = Kind::hang});
    {
        Wire wire = connect();
        wire.send(post(kChat));
        EXPECT_TRUE(gateway.wait_for_requests("us-west", 2, 5s));
    }
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 2, 5s));
    EXPECT_FALSE(gateway.wait_for_requests("us-west", 3, 1ms));
}

TEST(SimulatorLimits, OldRecordsAndLongBodiesAreDropped) {
    GatewaySimulator gateway({SimulatedRegion{.id = "a"}}, SimulatorOptions{.max_recorded = 2, .max_body = 5});
    Wire wire(gateway.port("a"));
    for (int i = 0; i < 3; ++i) {
        wire.send(post(kChat, "/v1/chat/completions?" + std::to_string(i)));
        wire.read_answer();
    }
    const auto seen = gateway.seen("a");
    ASSERT_THAT(seen, SizeIs(2));
    EXPECT_THAT(seen[0].path, EndsWith("?1"));
    EXPECT_EQ(seen[1].body, kChat.substr(0, 5));
    EXPECT_TRUE(seen[1].answered);
    EXPECT_EQ(gateway.requests("a"), 3u);
}

TEST(SimulatorLimits, AThousandStreamsAtOnce) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    constexpr std::size_t kStreams = 1000;
    if (limit.rlim_cur < 2 * kStreams + 100)
        GTEST_SKIP() << "too few file descriptors are allowed: ulimit -n 10000 would enable it";
    GatewaySimulator gateway({SimulatedRegion{.id = "a", .between_chunks = 50ms, .chunks = 20}});
    std::vector<Wire> wires;
    for (std::size_t i = 0; i < kStreams; ++i) {
        wires.emplace_back(gateway.port("a"));
        wires.back().send(post(kStream));
        wires.back().set_timeout(30s);
    }
    ASSERT_TRUE(gateway.wait_for_requests("a", kStreams, 30s));
    EXPECT_EQ(gateway.open_connections("a"), kStreams);
    for (auto& wire : wires) {
        const std::string answer = wire.read_answer();
        ASSERT_EQ(content_chunks(answer), 20u);
        ASSERT_THAT(answer, HasSubstr("[DONE]"));
    }
    wires.clear();
    EXPECT_TRUE(gateway.wait_until_closed("a", 10s));
    EXPECT_EQ(gateway.early_closes("a"), 0u);
}

TEST(SimulatorLifetime, DestructionClosesHangingConnectionsAtOnce) {
    std::vector<Wire> wires;
    {
        GatewaySimulator gateway({SimulatedRegion{.id = "a"}});
        gateway.set_fault("a", {.kind = Kind::hang});
        for (int i = 0; i < 10; ++i) {
            wires.emplace_back(gateway.port("a"));
            wires.back().send(post(kChat));
        }
        ASSERT_TRUE(gateway.wait_for_requests("a", 10, 5s));
    }
    for (auto& wire : wires) {
        wire.read_all();
        EXPECT_EQ(wire.how_closed(), Wire::Close::reset);
    }
}

TEST(SimulatorLifetime, UnusableRegionsAreRefused) {
    EXPECT_THROW(GatewaySimulator({}), std::invalid_argument);
    EXPECT_THROW(GatewaySimulator({SimulatedRegion{.id = "a"}, SimulatedRegion{.id = "a"}}), std::invalid_argument);
    GatewaySimulator gateway({SimulatedRegion{.id = "a"}});
    EXPECT_THROW(GatewaySimulator({SimulatedRegion{.id = "b", .port = gateway.port("a")}}), std::runtime_error);
    EXPECT_THROW(gateway.revive("b"), std::out_of_range);
}

TEST(FaultText, ReadsKindsMembersAndHeaders) {
    const auto fault = fault_from_text("status=429,share=0.5,times=3,period=250ms,path=chat,retry-after=2");
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->kind, Kind::status);
    EXPECT_EQ(fault->status, 429);
    EXPECT_EQ(fault->share, 0.5);
    EXPECT_EQ(fault->times, 3);
    EXPECT_EQ(fault->period, 250ms);
    EXPECT_EQ(fault->path, "chat");
    EXPECT_THAT(fault->headers, ElementsAre(std::pair<std::string, std::string>("retry-after", "2")));
    EXPECT_EQ(fault_from_text("cut,after_chunks=5")->after_chunks, 5);
    for (const auto* text : {"", "baa", "status=x", "hang,times=", "hang,share=2", "hang,=x"})
        EXPECT_FALSE(fault_from_text(text)) << text;
}

}  // namespace
