// Sets up a client on a FakeClock and a FakeTransport in one line; its destructor checks that nothing was left behind.
// test → [CallFlow] → Client on fakes
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <holysheep/holysheep.hpp>
#include <holysheep/testing/fake_clock.hpp>
#include <holysheep/testing/fake_transport.hpp>
#include <holysheep/testing/matchers.hpp>

namespace holysheep::flow {

using namespace std::chrono_literals;
using holysheep::testing::FailsWith;
using holysheep::testing::FakeClock;
using holysheep::testing::FakeTransport;
using holysheep::testing::IsOk;
using holysheep::testing::StreamEnd;
using holysheep::testing::Timing;

inline ChatRequest a_question() {
    return {.model = "gpt-4.1", .messages = {user("Which sheep gives the finest wool?")}};
}

/// Runs callbacks directly: in these tests, on the thread that moves the clock.
inline void run_inline(const std::function<void()>& function) { function(); }

/// On an automatic clock a blocking call returns at once, however long it takes in virtual time. On a manual one
/// (`kManual`) the test uses the asynchronous forms and moves time itself.
class CallFlow {
  public:
    static constexpr auto kManual = FakeClock::Mode::manual;
    static constexpr bool kProbing = true;

    /// `regions` are those of the fake network; if empty, `options` brings its own.
    explicit CallFlow(const std::vector<std::string>& regions, ClientOptions options = {},
                      FakeClock::Mode mode = FakeClock::Mode::automatic, bool probing = false)
        : automatic_(mode == FakeClock::Mode::automatic),
          probing_(probing),
          clock_(std::make_shared<FakeClock>(mode)),
          transport_(std::make_shared<FakeTransport>(*clock_)),
          clock(*clock_),
          transport(*transport_),
          client(complete(std::move(options), regions)) {}
    CallFlow(const CallFlow&) = delete;
    CallFlow& operator=(const CallFlow&) = delete;
    ~CallFlow() {
        if (automatic_ && client.stats().in_flight == 0) expect_nothing_left("once it is idle");
        { const Client last = std::move(client); }
        expect_nothing_left("after the client's end");
    }

  private:
    // Declared first, so that they outlive the client.
    const bool automatic_, probing_;
    std::shared_ptr<FakeClock> clock_;
    std::shared_ptr<FakeTransport> transport_;
    std::mutex mutex_;  // guards log_
    std::vector<std::string> log_;

  public:
    FakeClock& clock;
    FakeTransport& transport;
    Client client;

    /// The regions that were asked, in order.
    std::vector<std::string> attempts() const { return transport.attempts(); }
    /// The requests that were sent, in order.
    std::vector<HttpRequest> requests() const {
        std::vector<HttpRequest> requests;
        for (auto& seen : transport.requests()) requests.push_back(std::move(seen.request));
        return requests;
    }
    std::chrono::nanoseconds elapsed() const { return clock.now() - FakeClock().now(); }
    std::vector<std::string> log() {
        std::lock_guard lock(mutex_);
        return log_;
    }

  private:
    ClientOptions complete(ClientOptions options, const std::vector<std::string>& regions) {
        if (options.regions.empty()) {
            options.regions = FakeTransport::regions(regions);
            // Tiers make calls go to the first region in the list; tests of region choice bring their own regions.
            for (int tier = 0; auto& region : options.regions) region.tier = tier++;
        }
        if (options.api_key.empty()) options.api_key = "sk-test-key";
        if (options.seed == 0) options.seed = 7;
        // Periodic probes would keep an automatic clock running; tests of probes pass `kProbing`.
        options.health.enabled = probing_;
        options.transport = transport_;
        options.clock = clock_;
        if (!options.log.sink) {
            options.log.sink = [this](LogLevel, std::string_view line) {
                std::lock_guard lock(mutex_);
                log_.emplace_back(line);
            };
        }
        return options;
    }

    void expect_nothing_left(const char* when) const {
        EXPECT_EQ(clock.pending_timers(), 0U) << when;
        EXPECT_EQ(transport.open_transfers(), 0U) << when;
    }
};

inline std::string header(const HttpRequest& request, std::string_view name) {
    const auto found =
        std::ranges::find(request.headers, name, [](const auto& h) { return std::string_view(h.first); });
    return found == request.headers.end() ? "" : found->second;
}

template <class T>
bool is_ready(const std::future<T>& future) {
    return future.wait_for(0s) == std::future_status::ready;
}

/// Waits for a result from another thread; throws after 20 s, so that a missing result fails the test instead of
/// blocking it.
template <class T>
T wait_for_result(std::promise<T>& promise) {
    auto future = promise.get_future();
    if (future.wait_for(20s) != std::future_status::ready) throw std::runtime_error("no callback within 20 s");
    return future.get();
}

/// Describes an event, for example "content:Hel", "finish:stop" or "usage".
inline std::string describe(const ChatChunk& chunk) {
    std::string text(to_string(chunk.event));
    if (!chunk.text.empty()) text += ":" + std::string(chunk.text);
    if (chunk.event == ChunkEvent::finish) text += ":" + std::string(to_string(chunk.finish_reason));
    return text;
}

inline std::vector<std::string> read_all(ChatStream& stream) {
    std::vector<std::string> events;
    for (const auto& chunk : stream) events.push_back(describe(chunk));
    return events;
}

/// One event of a stream with this text.
inline std::string content_event(std::string_view text) {
    return R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":")" +
           std::string(text) + R"("},"finish_reason":null}]})" + "\n\n";
}
inline const std::string kRoleEvent =
    R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
    "\n\n";
inline const std::string kFinishEvent =
    R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n";
inline const std::string kDone = "data: [DONE]\n\n";
inline const std::string kKeepAlive = ": still here\n\n";

inline std::string error_body(std::string_view code, std::string_view type = "error", std::string_view message = "no") {
    return R"({"error":{"message":")" + std::string(message) + R"(","type":")" + std::string(type) +
           R"(","param":null,"code":")" + std::string(code) + R"("}})";
}

}  // namespace holysheep::flow
