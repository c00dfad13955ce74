// Answers that are too large, compressed, or faster than their reader.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "gateway_under_test.hpp"
#include "peak_memory.hpp"
#include "plain_server.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Optional;

using AnswerLimits = TwoRegions;

TEST_F(AnswerLimits, FailOverFromAnOversizedAnswer) {
    gateway.set_fault("us-west", {.kind = Kind::endless_body});
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(outcomes(answer), ElementsAre("us-west malformed_response", "eu-central ok"));
    EXPECT_THAT(answer->attempts[0].detail, HasSubstr("larger than"));
}

// A sanitizer needs extra memory for each byte, and keeps freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

class Compressed : public ::testing::Test {
  protected:
    /// The answer of a gateway that always compresses, whatever the request accepts.
    std::string gzip_answer(const std::string& command, const char* type, const char* header = "Content") {
        EXPECT_TRUE(folder.run(command + " | gzip -9 -c > body.gz")) << folder.read("log");
        return http_answer("200 OK",
                           header + std::string("-Encoding: gzip\r\nContent-Type: ") + std::string(type) + "\r\n",
                           folder.read("body.gz"));
    }
    ScratchFolder folder;
};

TEST_F(Compressed, AnAnswerIsAcceptedAndRequested) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    folder.write("body", completion_json("wool"));
    const PlainServer server(gzip_answer("cat body", "application/json"));
    Client client(options_for({server.region("a")}));
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "wool");
    EXPECT_THAT(header_of(server.requests().at(0), "Accept-Encoding"), HasSubstr("gzip"));
}

TEST_F(Compressed, AStreamIsAcceptedButNotRequested) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    folder.write("body",
                 "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"wool\"},\"finish_reason\":"
                 "\"stop\"}]}\n\ndata: [DONE]\n\n");
    const PlainServer server(gzip_answer("cat body", "text/event-stream"));
    Client client(options_for({server.region("a")}));
    const auto answer = client.stream(question()).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "wool");
    EXPECT_EQ(header_of(server.requests().at(0), "Accept-Encoding"), "identity");
}

TEST_F(Compressed, ABombIsStoppedByTheLimitOnDecodedBytes) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    const PlainServer server(gzip_answer("head -c 100000000 /dev/zero", "application/json"));
    auto options = options_for({server.region("a")});
    options.retry.max_attempts = 1;
    Client client(options);
    for (const bool streaming : {false, true}) {
        const flow::PeakMemory memory;
        const auto answer = streaming ? client.stream(question()).finish() : client.chat(question());
        ASSERT_THAT(answer, FailsWith(ErrorCode::malformed_response));
        EXPECT_THAT(answer.error().message, HasSubstr("once it is decompressed"));
        if (!kSanitized) {
            EXPECT_THAT(memory.growth(), Optional(Le(64U)));
        }
    }
}

// Compressed to a thirtieth, as repetitive answers may be.
TEST_F(Compressed, ALargeRepetitiveAnswerIsNotABomb) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    std::string text;
    for (int i = 0; i < 600'000; ++i) text += "wool " + std::to_string(i % 7'919) + ' ';
    folder.write("body", completion_json(text));
    const PlainServer server(gzip_answer("cat body", "application/json"));
    Client client(options_for({server.region("a")}));
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text().size(), text.size());
}

TEST_F(Compressed, ABombByTransferEncodingIsStopped) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    // Some versions of libcurl decompress it, others leave it compressed; then it is not valid JSON.
    const PlainServer server(gzip_answer("head -c 100000000 /dev/zero", "application/json", "Transfer"));
    auto options = options_for({server.region("a")});
    options.retry.max_attempts = 1;
    Client client(options);
    EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::malformed_response));
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_F(Compressed, AStreamThatWaitsForItsReaderUsesLittleCpuTime) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    constexpr int kEvents = 8'000, kLetters = 1'000;
    std::mt19937 random(1);
    std::string events;
    for (int i = 0; i < kEvents; ++i) {
        events += R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":")";
        // Random letters hardly compress: data that grows too much when decompressed is refused.
        for (int letter = 0; letter < kLetters; ++letter) events += static_cast<char>('A' + random() % 26);
        events += "\"}}]}\n\n";
    }
    folder.write("body", events + "data: [DONE]\n\n");
    const PlainServer server(gzip_answer("cat body", "text/event-stream"));
    const PlainServer other(http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool")));
    auto options = options_for({server.region("a"), other.region("b")});
    options.health.enabled = false;
    Client client(options);
    auto stream = client.stream(question(), {.regions = {"a"}});
    auto chunk = stream.begin();
    ASSERT_NE(chunk, stream.end());
    const double before = cpu_seconds();
    std::this_thread::sleep_for(1s);
    const double used = cpu_seconds() - before;
    if (!kSanitized) {
        EXPECT_LT(used, 0.5) << "CPU seconds during one second of waiting";
    }
    EXPECT_THAT(client.chat(question(), {.regions = {"b"}}), IsOk()) << "other calls proceed";
    std::size_t length = 0;
    for (; chunk != stream.end(); ++chunk) length += chunk->content().size();
    EXPECT_EQ(length, std::size_t{kEvents} * kLetters);
    EXPECT_THAT(stream.finish(), IsOk());
}

/// Sends a long stream as fast as the client reads it, and signals when the client stops reading.
class FastSender {
  public:
    static constexpr std::size_t kPieces = 6'000, kPiece = 8'000;

    bool serve(int socket) {
        const std::string text(kPiece, 'b');
        const std::string event = R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
        const timeval timeout{.tv_sec = 0, .tv_usec = 300'000};
        ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (!send_all(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")) return false;
        for (std::size_t i = 0; i < kPieces; ++i) {
            for (std::string_view rest = event; !rest.empty();) {
                const auto count = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
                if (count > 0) {
                    rest.remove_prefix(static_cast<std::size_t>(count));
                    sent += static_cast<std::size_t>(count);
                } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                    stalled.add();
                } else {
                    left.add();
                    return false;
                }
            }
        }
        send_all(socket, "data: [DONE]\n\n");
        return false;
    }
    std::atomic<std::size_t> sent{0};
    Counter stalled, left;
};

class SlowReader : public ::testing::Test {
  protected:
    // Both sides' socket buffers may hold this much in addition to the library's 256 KiB.
    static constexpr std::size_t kBuffers = 16u << 20U;
    FastSender sender;
    PlainServer server{[this](int socket, const std::string&) { return sender.serve(socket); }};
    ClientOptions options = options_for({server.region("a")});
};

TEST_F(SlowReader, SlowsTheGatewayDownAndLosesNothing) {
    static_assert(FastSender::kPieces * FastSender::kPiece > 2 * kBuffers);
    Client client(options);
    auto stream = client.stream(question());
    auto chunk = stream.begin();
    ASSERT_NE(chunk, stream.end());
    ASSERT_TRUE(sender.stalled.wait_for(1)) << "the gateway sent everything without blocking";
    EXPECT_LT(sender.sent, kBuffers);
    std::size_t text = 0;
    for (; chunk != stream.end(); ++chunk) {
        if (chunk->event == ChunkEvent::content) text += chunk->text.size();
    }
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(text, FastSender::kPieces * FastSender::kPiece);
    EXPECT_EQ(answer->text().size(), text);
}

TEST_F(SlowReader, IsNotAStallOfTheGateway) {
    options.timeouts.stall = 100ms;
    Client client(options);
    auto stream = client.stream(question());
    ASSERT_NE(stream.begin(), stream.end());
    ASSERT_TRUE(sender.stalled.wait_for(2));  // each wait is 300 ms
    EXPECT_THAT(stream.finish(), IsOk());
}

TEST_F(SlowReader, MayPauseAndResumeItsCallbacks) {
    Client client(options);
    Counter chunks, done;
    std::size_t text = 0;
    auto handle = client.stream_async(
        question(), {},
        [&](const ChatChunk& chunk) {
            text += chunk.text.size();
            chunks.add();
        },
        [&](const Result<ChatCompletion>& answer) {
            EXPECT_THAT(answer, IsOk());
            done.add();
        });
    ASSERT_TRUE(chunks.wait_for(1));
    handle.pause();
    ASSERT_TRUE(sender.stalled.wait_for(1));
    EXPECT_LT(sender.sent, kBuffers * 2);
    handle.resume();
    ASSERT_TRUE(done.wait_for(1));
    EXPECT_EQ(text, FastSender::kPieces * FastSender::kPiece);
}

TEST_F(SlowReader, MayBlockTheClientsThread) {
    options.timeouts.stall = 100ms;
    options.callback_executor = [](const std::function<void()>& function) { function(); };
    Client client(options);
    Counter done;
    std::size_t pieces = 0;
    auto handle = client.stream_async(
        question(), {},
        [&](const ChatChunk& chunk) {
            // Longer than the 256 KiB after which other calls get their turn, while the stall clock runs.
            if (chunk.event == ChunkEvent::content && ++pieces <= 40) std::this_thread::sleep_for(60ms);
        },
        [&](const Result<ChatCompletion>& answer) {
            EXPECT_THAT(answer, IsOk()) << "data that arrived during the callback was ignored";
            done.add();
        });
    ASSERT_TRUE(done.wait_for(1));
}

TEST_F(SlowReader, ThatDestroysItsStreamClosesTheConnection) {
    Client client(options);
    {
        auto stream = client.stream(question());
        ASSERT_NE(stream.begin(), stream.end());
        ASSERT_TRUE(sender.stalled.wait_for(1));
    }
    EXPECT_TRUE(sender.left.wait_for(1));
}

}  // namespace
