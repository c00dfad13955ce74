// The transport alone, with limits small enough to be reached in a test.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway_under_test.hpp"
#include "plain_server.hpp"
#include "runtime/io_loop.hpp"
#include "scratch_folder.hpp"
#include "transport/curl_transfer.hpp"
#include "transport/curl_transport.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::HasSubstr;

/// One exchange, with the transport alone.
class Receiver final : public TransferEvents {
  public:
    bool may_send(TransferId) override { return true; }
    void on_head(TransferId, HttpHead) override {}
    void on_body(TransferId, std::string_view bytes) override { body += bytes.size(); }
    void on_end(TransferId, TransferEnd transfer_end) override {
        end = std::move(transfer_end);
        done.add();
    }
    std::size_t body = 0;
    TransferEnd end;
    Counter done;
};

const std::string kWhole = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
const std::string kStreamed = R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})";

class TransportLimits : public TwoRegions {
  protected:
    Receiver& fetch(const std::string& body) {
        receivers.push_back(std::make_unique<Receiver>());
        auto& receiver = *receivers.back();
        runtime::IoLoop loop;
        std::optional<transport::CurlTransport> curl;
        curl.emplace(loop,
                     transport::CurlTransportOptions{.limits = {.body = 100'000, .stream = 200'000, .head = 10'000}});
        loop.post([&] {
            loop.set_socket_handler([&](int fd, runtime::Readiness ready) { curl->on_socket(fd, ready); });
            loop.set_round_handler([&] {
                curl->flush();
                return false;
            });
            loop.add_work(1);  // like a call, so that the loop polls the sockets
            HttpRequest request{.url = gateway.base_url("us-west") + "/chat/completions", .body = body};
            if (body == kStreamed) request.headers = {{"Accept", "text/event-stream"}};
            curl->start(std::move(request), receiver);
        });
        EXPECT_TRUE(receiver.done.wait_for(1));
        loop.stop();
        curl.reset();
        return receiver;
    }
    std::vector<std::unique_ptr<Receiver>> receivers;
};

TEST_F(TransportLimits, StopAnEndlessBody) {
    gateway.set_fault("us-west", {.kind = Kind::endless_body});
    for (const auto& [body, limit] : {std::pair{kWhole, 100'000U}, std::pair{kStreamed, 200'000U}}) {
        const auto& receiver = fetch(body);
        EXPECT_EQ(receiver.end.error, ErrorCode::malformed_response);
        EXPECT_THAT(receiver.end.detail, HasSubstr("larger than " + std::to_string(limit) + " bytes"));
        EXPECT_LE(receiver.body, limit);
        EXPECT_TRUE(gateway.wait_until_closed("us-west", kTestTimeout));
    }
}

TEST_F(TransportLimits, StopEndlessHeaders) {
    gateway.set_fault("us-west", {.kind = Kind::endless_headers});
    const auto& receiver = fetch(kWhole);
    EXPECT_EQ(receiver.end.error, ErrorCode::malformed_response);
    EXPECT_THAT(receiver.end.detail, HasSubstr("headers are larger than 10000 bytes"));
    EXPECT_FALSE(receiver.end.certainly_not_delivered);
}

/// Counts the bytes that it gets before other work on the loop has its turn.
class TurnRecorder final : public TransferEvents {
  public:
    bool may_send(TransferId) override { return true; }
    void on_head(TransferId, HttpHead) override {}
    void on_body(TransferId, std::string_view bytes) override { turn += bytes.size(); }
    void on_end(TransferId, TransferEnd transfer_end) override {
        end_turn();
        end = std::move(transfer_end);
        done.add();
    }
    void end_turn() {
        turns += turn > 0 ? 1 : 0;
        body += turn;
        longest_turn = std::max(longest_turn, std::exchange(turn, 0));
    }
    std::size_t turn = 0, longest_turn = 0, body = 0;
    int turns = 0;
    TransferEnd end;
    Counter done;
};

TEST(TransportFairness, ADecompressedAnswerLeavesTimeForOtherWork) {
    HOLYSHEEP_SKIP_WITHOUT("gzip");
    constexpr std::size_t kBody = std::size_t{32} << 20U;
    ScratchFolder folder;
    ASSERT_TRUE(folder.run("head -c " + std::to_string(kBody) + " /dev/zero | gzip -9 -c > body.gz"));
    const PlainServer server(http_answer("200 OK", "Content-Encoding: gzip\r\n", folder.read("body.gz")));

    TurnRecorder receiver;
    runtime::IoLoop loop;
    std::optional<transport::CurlTransport> curl;
    curl.emplace(loop, transport::CurlTransportOptions{.limits = {.body = 2 * kBody, .expansion = 2'000}});
    const std::function<void()> other_work = [&] {
        receiver.end_turn();
        if (receiver.done.value() == 0) loop.post(other_work);
    };
    loop.post([&] {
        loop.set_socket_handler([&](int fd, runtime::Readiness ready) { curl->on_socket(fd, ready); });
        loop.set_round_handler([&] {
            curl->flush();
            return false;
        });
        loop.add_work(1);
        curl->start({.url = server.region("a").base_url + "/chat/completions", .body = kWhole}, receiver);
    });
    loop.post(other_work);
    EXPECT_TRUE(receiver.done.wait_for(1));
    loop.stop();
    curl.reset();

    EXPECT_EQ(receiver.end.error, std::nullopt) << receiver.end.detail;
    EXPECT_EQ(receiver.body, kBody);
    // Two turns of a megabyte in one round, because a timer is due, and the pieces of 16 KiB that end them.
    EXPECT_LE(receiver.longest_turn, (std::size_t{2} << 20U) + (std::size_t{32} << 10U));
    EXPECT_GE(receiver.turns, 15);
}

TEST(CompressionHeader, IsRecognisedInAnyCase) {
    using transport::tells_compression;
    for (const auto* name : {"Content-Encoding", "content-encoding", "Transfer-Encoding", "TRANSFER-ENCODING"}) {
        for (const auto* value : {"gzip", "GZIP", "deflate", "br", "gzip, chunked", "x-gzip,chunked"}) {
            EXPECT_TRUE(tells_compression(name, value)) << name << ": " << value;
        }
        EXPECT_FALSE(tells_compression(name, "Identity")) << name;
    }
    EXPECT_FALSE(tells_compression("Transfer-Encoding", "chunked"));
    EXPECT_FALSE(tells_compression("Transfer-Encoding", "Chunked"));
    EXPECT_FALSE(tells_compression("Accept-Encoding", "gzip"));
    EXPECT_FALSE(tells_compression("Content-Encoding-Hint", "gzip"));
}

}  // namespace
