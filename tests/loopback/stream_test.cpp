// A broken stream is reported as broken; an abandoned stream closes its connection; a slow reader slows the gateway.
#include <sys/socket.h>

#include <atomic>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"
#include "plain_server.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::StartsWith;

/// A fault after some content, and the error that the caller gets.
struct Break {
    std::string name;
    Fault fault;
    ErrorCode expected;
};
std::ostream& operator<<(std::ostream& out, const Break& broken) { return out << broken.name; }

class BrokenStream : public TwoRegions, public ::testing::WithParamInterface<Break> {};

TEST_P(BrokenStream, IsATypedErrorWithThePartialAnswerAndIsNotRetried) {
    gateway.set_fault("us-west", GetParam().fault);
    options.timeouts.stall = 300ms;
    Client client(options);
    auto stream = client.stream(question());
    std::string text;
    for (const auto& chunk : stream) {
        if (chunk.event == ChunkEvent::content) text += chunk.text;
    }
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(GetParam().expected));
    const auto& error = answer.error();
    ASSERT_NE(error.partial, nullptr);
    EXPECT_THAT(text, StartsWith("[us-west]"));
    EXPECT_EQ(error.partial->text(), text);
    EXPECT_EQ(error.region, "us-west");
    EXPECT_EQ(error.attempts.size(), 1u);
    EXPECT_TRUE(error.attempts.at(0).winner);
    EXPECT_EQ(gateway.requests("us-west"), 1u);
    EXPECT_EQ(gateway.requests("eu-central"), 0u) << "delivered content was requested again";
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenStream,
    ::testing::Values(
        Break{"Cut", {.kind = Kind::cut}, ErrorCode::stream_interrupted},
        Break{"Reset", {.kind = Kind::reset_mid_stream}, ErrorCode::stream_interrupted},
        Break{"Stall", {.kind = Kind::stall_mid_stream}, ErrorCode::stream_stalled},
        Break{"Freeze",
              {.kind = Kind::freeze, .at = holysheep::testing::FreezeAt::after_content},
              ErrorCode::stream_stalled},
        Break{"FreezeBeforeTheEnd",
              {.kind = Kind::freeze, .at = holysheep::testing::FreezeAt::before_end},
              ErrorCode::stream_stalled},
        Break{"StallWithKeepAlives", {.kind = Kind::stall_mid_stream, .period = 50ms}, ErrorCode::stream_stalled},
        Break{"ErrorEvent", {.kind = Kind::error_in_stream, .status = 503}, ErrorCode::server_failed}),
    [](const auto& broken) { return broken.param.name; });

TEST(EarlyStream, BeginsWhileItsPromptIsStillBeingSent) {
    const std::string prompt(std::size_t{32} << 20U, 'p');  // more than the sockets' buffers hold
    std::string received;
    const PlainServer server(
        [&](int socket, const std::string& head) {
            const auto event = [](const std::string& delta) {
                return R"(data: {"id":"c","choices":[{"index":0,"delta":)" + delta + "}]}\n\n";
            };
            send_all(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
            send_all(socket, event(R"({"role":"assistant","content":"wool"})"));
            std::this_thread::sleep_for(50ms);  // gives the client time to read the head and the first piece
            received = head;
            std::vector<char> bytes(std::size_t{1} << 20U);
            while (!received.ends_with("}")) {
                const auto count = ::recv(socket, bytes.data(), bytes.size(), 0);
                if (count <= 0) return false;
                received.append(bytes.data(), static_cast<std::size_t>(count));
            }
            send_all(socket, R"(data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                             "\n\ndata: [DONE]\n\n");
            return false;
        },
        PlainServer::At::head);
    Client client(options_for({server.region("a")}));
    auto request = question();
    request.messages = {user(prompt)};
    const auto answer = client.stream(request).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "wool");
    EXPECT_NE(received.find(prompt), std::string::npos) << "the server received a different prompt";
}

/// A region with a very long stream.
class LongStream : public TwoRegions {
  protected:
    LongStream() { gateway.set_stream("us-west", 2'000, 5ms); }
    void expect_connection_closed() {
        EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kTestTimeout));
        EXPECT_TRUE(gateway.wait_until_closed("us-west", kTestTimeout));
        EXPECT_EQ(gateway.requests("eu-central"), 0u);
    }
};

TEST_F(LongStream, DestructionClosesTheConnection) {
    Client client(options);
    {
        auto stream = client.stream(question());
        ASSERT_NE(stream.begin(), stream.end());
    }
    expect_connection_closed();
}

TEST_F(LongStream, AssignmentOfAnotherClosesTheConnection) {
    Client client(options);
    auto stream = client.stream(question());
    ASSERT_NE(stream.begin(), stream.end());
    stream = client.stream(question(), {.regions = {"eu-central"}});
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kTestTimeout));
    EXPECT_THAT(stream.finish(), IsOk());
}

TEST_F(LongStream, CancelClosesTheConnectionAndKeepsThePartialAnswer) {
    Client client(options);
    auto stream = client.stream(question());
    std::string text;
    for (const auto& chunk : stream) {
        if (chunk.event != ChunkEvent::content) continue;
        text += chunk.text;
        stream.cancel();
        break;
    }
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::cancelled));
    ASSERT_NE(answer.error().partial, nullptr);
    EXPECT_THAT(answer.error().partial->text(), StartsWith(text));
    expect_connection_closed();
}

TEST_F(LongStream, AStopTokenClosesTheConnection) {
    Client client(options);
    std::stop_source source;
    const auto answer = client.stream_to(question(), {.stop = source.get_token()}, [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::content) source.request_stop();
    });
    EXPECT_THAT(answer, FailsWith(ErrorCode::cancelled));
    expect_connection_closed();
}

TEST_F(LongStream, AnExceptionFromItsCallbackClosesTheConnectionAndIsRethrown) {
    Client client(options);
    EXPECT_THROW((void)client.stream_to(question(), [](const ChatChunk&) { throw std::runtime_error("enough"); }),
                 std::runtime_error);
    expect_connection_closed();
}

TEST_F(LongStream, CancelByItsHandleClosesTheConnection) {
    Client client(options);
    Counter chunks, done;
    auto handle = client.stream_async(
        question(), {}, [&](const ChatChunk&) { chunks.add(); },
        [&](const Result<ChatCompletion>& answer) {
            EXPECT_THAT(answer, FailsWith(ErrorCode::cancelled));
            done.add();
        });
    ASSERT_TRUE(chunks.wait_for(2));
    handle.cancel();
    EXPECT_TRUE(done.wait_for(1));
    expect_connection_closed();
    handle.cancel();  // cancelling a finished stream does nothing
}

TEST_F(LongStream, EndsAtItsDeadlineWithThePartialAnswer) {
    gateway.set_stream("us-west", 40, 10ms);
    options.timeouts.total = TimeoutOptions{}.total;
    Client client(options);
    const auto cut = client.stream(question(), {.deadline = 150ms}).finish();
    ASSERT_THAT(cut, FailsWith(ErrorCode::deadline_exceeded));
    ASSERT_NE(cut.error().partial, nullptr);
    EXPECT_THAT(cut.error().partial->text(), StartsWith("[us-west]"));
}

TEST_F(TwoRegions, AStreamLeavesItsConnectionToTheNextCall) {
    Client client(options);
    ASSERT_THAT(client.stream(question()).finish(), IsOk());
    ASSERT_THAT(client.stream(question()).finish(), IsOk());
    ASSERT_THAT(client.chat(question()), IsOk());
    EXPECT_EQ(gateway.connections("us-west"), 1u);
    EXPECT_EQ(gateway.seen("us-west").back().number_on_connection, 3);
}

TEST_F(TwoRegions, AThousandStreamsRunAtOnce) {
    constexpr int kStreams = 1000;
    if (!allow_sockets(2 * kStreams + 100))
        GTEST_SKIP() << "too few file descriptors are allowed: ulimit -n 10000 would enable it";
    gateway.set_stream("us-west", 20, 20ms);
    Client client(options);
    Counter done;
    std::vector<std::string> texts(kStreams);
    std::vector<int> ends(kStreams, 0);
    int failed = 0;  // all callbacks run on one thread
    for (int i = 0; i < kStreams; ++i) {
        const auto index = static_cast<std::size_t>(i);
        client.stream_async(
            question("sheep " + std::to_string(i)), {},
            [&texts, index](const ChatChunk& chunk) {
                if (chunk.event == ChunkEvent::content) texts[index] += chunk.text;
            },
            [&, index](const Result<ChatCompletion>& answer) {
                ++ends[index];
                failed += answer && answer->text() == texts[index] ? 0 : 1;
                done.add();
            });
    }
    ASSERT_TRUE(done.wait_for(kStreams, 120s)) << "only " << done.value() << " streams have ended";
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(ends, std::vector<int>(kStreams, 1));
    EXPECT_THAT(texts[999], StartsWith("[us-west] sheep 999"));
    EXPECT_EQ(gateway.requests("us-west"), static_cast<std::uint64_t>(kStreams));
}

TEST_F(TwoRegions, EveryShortAsynchronousStreamGetsItsCallback) {
    gateway.set_stream("us-west", 1, 0ms);
    Client client(options);
    constexpr int kStreams = 2000;
    Counter done;
    std::atomic<int> good{0};
    for (int i = 0; i < kStreams; ++i) {
        client.stream_async(
            question(), {}, [](const ChatChunk&) {},
            [&](const Result<ChatCompletion>& answer) {
                good += answer ? 1 : 0;
                done.add();
            });
        if (i % 50 == 49) {
            ASSERT_TRUE(done.wait_for(i + 1)) << done.value() << " of " << i + 1;
        }
    }
    EXPECT_EQ(good, kStreams);
}

TEST_F(TwoRegions, DestroyingTheClientEndsEveryStreamWithCancelled) {
    gateway.set_stream("us-west", 2'000, 5ms);
    Counter chunks, done;
    int cancelled = 0;
    {
        Client client(options);
        for (int i = 0; i < 50; ++i) {
            client.stream_async(
                question(), {}, [&](const ChatChunk&) { chunks.add(); },
                [&](const Result<ChatCompletion>& answer) {
                    cancelled += !answer && answer.error().code == ErrorCode::cancelled ? 1 : 0;
                    done.add();
                });
        }
        ASSERT_TRUE(chunks.wait_for(100));
    }
    EXPECT_EQ(done.value(), 50);
    EXPECT_EQ(cancelled, 50);
    EXPECT_TRUE(gateway.wait_until_closed("us-west", kTestTimeout));
}

}  // namespace
