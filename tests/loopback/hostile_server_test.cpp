// Hostile or badly broken gateways: each call ends with a bounded cost and an error that says what the gateway sent,
// and the client keeps serving other calls.
#include <sys/resource.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "gateway_under_test.hpp"
#include "plain_server.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using namespace std::string_view_literals;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kJsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
const std::string kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

std::string event_of(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }

/// Sends the beginning, then repeats the rest until the client closes the connection.
PlainServer::Serve send_endlessly(std::string beginning, std::string rest) {
    return [beginning = std::move(beginning), rest = std::move(rest)](int socket, const std::string&) {
        if (!send_all(socket, beginning)) return false;
        while (send_all(socket, rest)) {
        }
        return false;
    };
}

/// The same, but one byte at a time with pauses: the connection is alive but useless.
PlainServer::Serve send_slowly(std::string beginning, std::string bytes) {
    return [beginning = std::move(beginning), bytes = std::move(bytes)](int socket, const std::string&) {
        if (!send_all(socket, beginning)) return false;
        while (send_all(socket, bytes)) std::this_thread::sleep_for(10ms);
        return false;
    };
}

/// Sends one body, then closes the connection.
PlainServer::Serve send_once(std::string answer) {
    return [answer = std::move(answer)](int socket, const std::string&) {
        send_all(socket, answer);
        return false;
    };
}

/// The peak memory of this process so far. Not measured under sanitizers, whose own memory would hide the growth.
std::size_t peak_mebibytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss) / 1024;
}
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasureMemory = false;
#else
constexpr bool kMeasureMemory = true;
#endif

/// A client with a hostile region and an honest one; each call asks only one of them.
class Hostile : public ::testing::Test {
  protected:
    void start(PlainServer::Serve serve) {
        hostile_.emplace(std::move(serve));
        auto options = options_for({hostile_->region("hostile"), honest_.region("honest")});
        options.retry.max_attempts = 1;
        options.timeouts = timeouts;
        client_.emplace(std::move(options));
        peak_before_ = peak_mebibytes();
    }
    ~Hostile() override {
        if (!client_) return;
        expect_honest_call();
        if (!kMeasureMemory) return;
        EXPECT_LT(peak_mebibytes() - peak_before_, max_mebibytes);
    }

    /// Asks the honest region while the hostile one is active.
    Result<ChatCompletion> ask(CallOptions options = {}) {
        options.regions = {"hostile"};
        auto answer = client_->chat_async(question(), options);
        expect_honest_call();
        return answer.get();
    }
    Result<ChatCompletion> stream(CallOptions options = {}) {
        options.regions = {"hostile"};
        auto chunks = client_->stream(question(), options);
        expect_honest_call();
        return chunks.finish();
    }
    void expect_honest_call() {
        const auto answer = client_->chat(question(), {.regions = {"honest"}});
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->text(), "wool");
    }

    TimeoutOptions timeouts{.total = 6 * kTestTimeout};  // decoding takes long on an instrumented build
    std::size_t max_mebibytes = 96;

  private:
    PlainServer honest_{http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool"))};
    std::optional<PlainServer> hostile_;
    std::optional<Client> client_;
    std::size_t peak_before_ = 0;
};

// Endless answers.

TEST_F(Hostile, EndlessHeaders) {
    start(send_endlessly("HTTP/1.1 200 OK\r\n", "X-Wool: " + std::string(1000, 'w') + "\r\n"));
    const auto answer = ask();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, AllOf(HasSubstr("headers are larger than"), HasSubstr("base URL")));
}

TEST_F(Hostile, EndlessHeaderLine) {
    start(send_endlessly("HTTP/1.1 200 OK\r\nX-Wool: ", std::string(10'000, 'w')));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, EndlessInterimAnswers) {
    start(send_endlessly("", "HTTP/1.1 103 Early Hints\r\nLink: </wool>\r\n\r\n"));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, EndlessTrailers) {
    start(send_endlessly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
                         "X-Wool: " + std::string(1000, 'w') + "\r\n"));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, EndlessBody) {
    max_mebibytes = 256;
    start(send_endlessly(kJsonHead + "{\"x\":\"", std::string(100'000, 'x')));
    const auto answer = ask();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, HasSubstr("larger than 67108864 bytes"));
}

TEST_F(Hostile, EndlessLine) {
    max_mebibytes = 256;
    start(send_endlessly(kStreamHead + "data: ", std::string(100'000, 'x')));
    const auto answer = stream();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, AllOf(HasSubstr("longer than 67108864 bytes"), HasSubstr("base URL")));
}

TEST_F(Hostile, EndlessEvent) {
    max_mebibytes = 256;
    start(send_endlessly(kStreamHead, "data: " + std::string(1000, 'x') + "\n"));
    EXPECT_THAT(stream(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, EndlessErrorBody) {
    start(send_endlessly("HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":{\"message\":\"", std::string(10'000, 'x')));
    const auto answer = ask();
    ASSERT_THAT(answer, FailsWith(ErrorCode::invalid_request));
    EXPECT_LE(answer.error().raw_body.size(), 8192U);
}

// The user reads nothing meanwhile, and the socket must not be paused: the clock for the first content is running.
TEST_F(Hostile, EndlessKeepAlives) {
    timeouts.first_content = 200ms;  // before a gibibyte has come
    start(send_endlessly(kStreamHead, std::string(1000, ':') + "\n\n"));
    EXPECT_THAT(stream(), FailsWith(ErrorCode::timed_out));
}

TEST_F(Hostile, EndlessEmptyChunks) {
    timeouts.first_content = 200ms;
    const std::string padding(1000, 'x');
    start(send_endlessly(kStreamHead, event_of(R"({"type":"ping","x":")" + padding + "\"}") +
                                          event_of(R"({"choices":[{"index":0,"delta":{"content":""}}]})")));
    EXPECT_THAT(stream(), FailsWith(ErrorCode::timed_out));
}

TEST_F(Hostile, EndlessContent) {
    max_mebibytes = 256;
    const std::string text(100'000, 'x');
    start(send_endlessly(kStreamHead, event_of(R"({"choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}")));
    const auto answer = stream();
    ASSERT_FALSE(answer.has_value());
    EXPECT_THAT(answer.error().message, HasSubstr("max_completion_tokens"));
    ASSERT_NE(answer.error().partial, nullptr);
    EXPECT_GT(answer.error().partial->text().size(), 60'000'000U);
}

// Slow answers.

TEST_F(Hostile, SlowHeaders) {
    timeouts.first_byte = 300ms;
    start(send_slowly("HTTP/1.1 200 OK\r\nX-Wool: ", "w"));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::timed_out));
}

TEST_F(Hostile, SlowStreamBeforeContent) {
    timeouts.first_content = 300ms;
    start(send_slowly(kStreamHead + ": ", "w"));
    EXPECT_THAT(stream(), FailsWith(ErrorCode::timed_out));
}

TEST_F(Hostile, SlowStreamAfterContent) {
    timeouts.stall = 300ms;
    start(send_slowly(kStreamHead + event_of(R"({"choices":[{"index":0,"delta":{"content":"wo"}}]})"), ":\n"));
    const auto answer = stream();
    ASSERT_THAT(answer, FailsWith(ErrorCode::stream_stalled));
    ASSERT_NE(answer.error().partial, nullptr);
    EXPECT_EQ(answer.error().partial->text(), "wo");
}

TEST_F(Hostile, SlowBody) {
    start(send_slowly(kJsonHead, " "));
    EXPECT_THAT(ask({.deadline = 300ms}), FailsWith(ErrorCode::deadline_exceeded));
}

// Too much of everything.

TEST_F(Hostile, HundredThousandTinyEventsAreAllRead) {
    std::string body = kStreamHead;
    for (int i = 0; i < 100'000; ++i) {
        body += i % 3 == 0 ? ":\n\n" : i % 3 == 1 ? "data:\n\n" : "event: x\n\n";
        body += event_of(R"({"choices":[{"index":0,"delta":{"content":"w"}}]})");
    }
    start(send_once(body + "data: [DONE]\n\n"));
    const auto answer = stream();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), std::string(100'000, 'w'));
}

TEST_F(Hostile, MillionToolIndexes) {
    max_mebibytes = 512;
    std::string body = kStreamHead;
    for (int i = 0; i < 1'000'000; ++i) {
        if (i % 1000 == 0) body += R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[)";
        body += R"({"index":)" + std::to_string(i * 7 % 1'000'003) + "}";
        body += i % 1000 == 999 ? "]}}]}\n\n" : ",";
    }
    start(send_once(body + "data: [DONE]\n\n"));
    const auto answer = stream();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, HasSubstr("max_completion_tokens"));
}

TEST_F(Hostile, MillionChoicesOfOneAnswer) {
    std::string body = R"({"choices":[)";
    for (int i = 0; i < 1'000'000; ++i) body += i == 0 ? "{}" : ",{}";
    max_mebibytes = 768;
    start(send_once(kJsonHead + body + "]}"));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, MillionsOfValues) {
    std::string body = R"({"choices":[],"x":[0)";
    for (int i = 0; i < 20'000'000; ++i) body += ",0";
    max_mebibytes = 256;
    start(send_once(kJsonHead + body + "]}"));
    const auto answer = ask();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, HasSubstr("more than 4000000 values"));
}

TEST_F(Hostile, LongMalformedNumber) {
    std::string body = "[";
    for (int i = 0; i < 10'000'000; ++i) body += "1e";
    max_mebibytes = 256;
    start(send_once(kJsonHead + body));
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, DeepNestingAnywhere) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    const std::string error = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + deep;
    start([&](int socket, const std::string& request) {
        const bool wants_stream = request.find("\"stream\":true") != std::string::npos;
        const bool wants_error = request.find("X-Error") != std::string::npos;
        send_all(socket, wants_error    ? error
                         : wants_stream ? kStreamHead + event_of("{\"choices\":" + deep + "}")
                                        : kJsonHead + "{\"choices\":" + deep + "}");
        return false;
    });
    for (const auto& answer : {ask(), stream()}) {
        ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
        EXPECT_THAT(answer.error().message, HasSubstr("nested deeper than 256"));
    }
    EXPECT_THAT(ask({.headers = {{"X-Error", "1"}}}), FailsWith(ErrorCode::invalid_request));
}

// Answers that are not what they claim to be.

TEST_F(Hostile, DecompressionBombInAStream) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    ScratchFolder folder;
    ASSERT_TRUE(folder.run("head -c 300000000 /dev/zero | gzip -9 -c > body.gz")) << folder.read("log");
    max_mebibytes = 256;
    start(send_once(http_answer("200 OK", "Content-Encoding: gzip\r\nContent-Type: text/event-stream\r\n",
                                folder.read("body.gz"))));
    const auto answer = stream();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, HasSubstr("once it is decompressed"));
}

TEST_F(Hostile, IllFormedTextIsReplacedAndNulsAreKept) {
    start(send_once(kStreamHead +
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\xFF\xC0\\u0000\\ud800\"}}]}\n\n" +
                    "data: [DONE]\n\n"));
    const auto answer = stream();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "a\uFFFD\uFFFD\0\uFFFD"sv);
}

TEST_F(Hostile, NulsInTheBody) {
    start([](int socket, const std::string& request) {
        const bool wants_stream = request.find("\"stream\":true") != std::string::npos;
        send_all(socket, (wants_stream ? kStreamHead : kJsonHead) + std::string(1'000'000, '\0'));
        return false;
    });
    EXPECT_THAT(ask(), FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(stream(), FailsWith(ErrorCode::malformed_response));
}

TEST_F(Hostile, NulsAndControlsInTheHeaders) {
    start(send_once("HTTP/1.1 400 Bad\x01\x1B[31m\r\nX-Request-Id: id\x1B[2Jx\r\n\r\n"));
    const auto controls = ask();
    ASSERT_FALSE(controls.has_value());
    EXPECT_THAT(controls.error().message, Not(HasSubstr("\x1B")));
    EXPECT_THAT(controls.error().request_id, Not(HasSubstr("\x1B")));
}

TEST_F(Hostile, NulInAHeader) {
    start(send_once(std::string("HTTP/1.1 200 OK\r\nX-Wool: a\0b\r\n\r\n{}", 35)));
    EXPECT_THAT(ask(), AnyOf(FailsWith(ErrorCode::malformed_response), FailsWith(ErrorCode::transport_failed)));
}

TEST_F(Hostile, WrongContentLengths) {
    for (const char* length : {"99999999999999999999", "-5", "1e9", "67108864000"}) {
        SCOPED_TRACE(length);
        PlainServer server(send_once("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\n{}"));
        auto options = options_for({server.region("a")});
        options.retry.max_attempts = 1;
        Client client(options);
        EXPECT_THAT(client.chat(question()),
                    AnyOf(FailsWith(ErrorCode::malformed_response), FailsWith(ErrorCode::transport_failed)));
    }
}

TEST_F(Hostile, HugeChoiceIndex) {
    start(send_once(kJsonHead + R"({"choices":[{"index":999999999999,"message":{"content":"a"}}],"created":1e400})"));
    const auto answer = ask();
    ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(answer.error().message, HasSubstr("choice index"));
}

}  // namespace
