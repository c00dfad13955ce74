// A call can be stopped in each of its phases, and a client can be destroyed at any time. Late connections are raced.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"
#include "hanging_resolver.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::ElementsAre;
using ::testing::SizeIs;

/// Listens but never accepts, with a full queue: a connection attempt gets no answer, as from a host that drops
/// packets.
class SilentPort {
  public:
    SilentPort() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
        ::listen(listener_, 0);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        for (int& filler : fillers_) {
            filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            ::connect(filler, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        }
    }
    ~SilentPort() {
        for (const int filler : fillers_) ::close(filler);
        ::close(listener_);
    }
    SilentPort(const SilentPort&) = delete;
    SilentPort& operator=(const SilentPort&) = delete;

    Region region(std::string id) const {
        return {.id = std::move(id), .base_url = "http://127.0.0.1:" + std::to_string(port_) + "/v1"};
    }

  private:
    int listener_ = -1;
    int fillers_[4] = {-1, -1, -1, -1};
    std::uint16_t port_ = 0;
};

/// A region that is asked first and whose name never resolves.
Region hanging_region(std::string id) { return {.id = id, .base_url = "http://" + id + ".hang.test/v1", .tier = -1}; }

/// Counts failed attempts, before the decision about the next one.
class FailureCounter final : public RetryPolicy {
  public:
    RetryVerdict decide(const RetryContext& context) const override {
        failures.add();
        return {context.would_retry, context.delay};
    }
    mutable Counter failures;
};

class Cancel : public TwoRegions {
  protected:
    Cancel() {
        options.tls.allow_plaintext = true;
        options.proxy.from_environment = false;
        options.timeouts.connect = 0ms;
    }
    /// Starts a call on another thread; `stop` ends it.
    std::future<Result<ChatCompletion>> begin(Client& client, bool stream = false) {
        return std::async(std::launch::async, [&client, stream, token = source.get_token()] {
            if (stream) return client.stream(question(), {.stop = token}).finish();
            return client.chat(question(), {.stop = token});
        });
    }
    void stop_and_expect_cancelled(std::future<Result<ChatCompletion>>& call) {
        source.request_stop();
        ASSERT_EQ(call.wait_for(kTestTimeout), std::future_status::ready) << "the call did not end";
        EXPECT_THAT(call.get(), FailsWith(ErrorCode::cancelled));
    }

    HangingResolver resolver;
    std::stop_source source;
};

TEST_F(Cancel, BeforeTheStartSendsNothing) {
    Client client(options);
    source.request_stop();
    EXPECT_THAT(client.chat(question(), {.stop = source.get_token()}), FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(client.stream(question(), {.stop = source.get_token()}).finish(), FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(Cancel, DuringNameLookupDoesNotBlockOtherCalls) {
    auto regions = gateway.regions();
    regions[0] = hanging_region("lost");
    auto with_lost_region = options;
    with_lost_region.regions = regions;
    Client client(with_lost_region);
    for (const bool stream : {false, true}) {
        source = {};
        auto call = std::async(std::launch::async, [&, token = source.get_token()] {
            const CallOptions in_region{.stop = token, .regions = {"lost"}};
            if (stream) return client.stream(question(), in_region).finish();
            return client.chat(question(), in_region);
        });
        ASSERT_TRUE(resolver.wait_for_lookups(stream ? 2 : 1));
        stop_and_expect_cancelled(call);
        // The look-up still hangs, but the I/O thread must not.
        EXPECT_THAT(client.chat(question(), {.regions = {"eu-central"}}), IsOk());
    }
}

TEST_F(Cancel, DuringConnect) {
    const SilentPort silent;
    options.regions = {silent.region("silent")};
    Client client(options);
    auto call = begin(client);
    while (client.stats().attempts == 0) std::this_thread::yield();
    stop_and_expect_cancelled(call);
}

TEST_F(Cancel, WhileAwaitingTheAnswerClosesTheConnection) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    Client client(options);
    for (const bool stream : {false, true}) {
        source = {};
        auto call = begin(client, stream);
        ASSERT_TRUE(gateway.wait_for_requests("us-west", stream ? 2 : 1, kTestTimeout));
        stop_and_expect_cancelled(call);
        EXPECT_TRUE(gateway.wait_for_early_closes("us-west", stream ? 2 : 1, kTestTimeout));
    }
    EXPECT_EQ(gateway.requests("eu-central"), 0u) << "a cancelled call was sent to another region";
}

TEST_F(Cancel, BetweenHeadersAndBodyClosesTheConnection) {
    gateway.set_fault("us-west", {.kind = Kind::hang_after_headers});
    Client client(options);
    auto call = begin(client);
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 1, kTestTimeout));
    stop_and_expect_cancelled(call);
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kTestTimeout));
}

TEST_F(Cancel, DuringTheBackOffBetweenAttempts) {
    const auto counter = std::make_shared<FailureCounter>();
    options.retry_policy = counter;
    options.regions.resize(1);
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    Client client(options);
    auto call = begin(client);
    ASSERT_TRUE(counter->failures.wait_for(1));
    stop_and_expect_cancelled(call);
    EXPECT_EQ(gateway.requests("us-west"), 1u);
}

TEST_F(Cancel, AfterTheEndIsHarmless) {
    Client client(options);
    for (int i = 0; i < 200; ++i) {
        std::stop_source stop;
        auto call = client.chat_async(question(), {.stop = stop.get_token()});
        if (i % 2 == 0) call.wait();
        stop.request_stop();
        const auto answer = call.get();
        if (i % 2 == 0) {
            EXPECT_THAT(answer, IsOk());
        }
    }
    EXPECT_EQ(client.stats().in_flight, 0);
}

using LateConnection = Cancel;

TEST_F(LateConnection, OfAHostThatDropsPacketsIsRaced) {
    const SilentPort silent;
    options.regions = {silent.region("silent"), gateway.regions()[1]};
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(outcomes(answer), ElementsAre("silent cancelled", "eu-central ok"));
    EXPECT_EQ(answer->attempts[1].kind, AttemptKind::race);
    EXPECT_GE(answer->attempts[1].started, 250ms);
    EXPECT_EQ(gateway.requests("eu-central"), 1u);
}

TEST_F(LateConnection, OfANameThatIsNotResolvedIsRaced) {
    options.regions = {hanging_region("lost"), gateway.regions()[1]};
    Client client(options);
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.stream(question()).finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(outcomes(answer), ElementsAre("lost cancelled", "eu-central ok"));
    }
    EXPECT_THAT(outcomes(client.stream(question()).finish()), ElementsAre("eu-central ok"))
        << "after it has lost three races, the region is not tried";
}

TEST_F(LateConnection, InEveryRegionEndsAtTheConnectTimeout) {
    options.regions = {hanging_region("lost"), hanging_region("gone")};
    options.timeouts.connect = 400ms;
    options.retry.initial_backoff = 1ms;
    Client client(options);
    const auto answer = client.chat(question());
    EXPECT_THAT(answer, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_EQ(answer.error().cause, ErrorCode::timed_out);
}

TEST_F(Cancel, DestroyingTheClientEndsEveryCallWithCancelled) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    gateway.set_fault("eu-central", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    const SilentPort silent;
    options.regions.push_back(hanging_region("lost"));
    options.regions.push_back(silent.region("silent"));
    auto client = std::make_unique<Client>(options);
    constexpr int kCallsEach = 5;
    std::vector<std::future<Result<ChatCompletion>>> futures;
    Counter callbacks;
    std::atomic<int> cancelled{0};
    std::vector<std::jthread> readers;
    std::vector<std::unique_ptr<ChatStream>> streams;
    for (const auto* region : {"us-west", "eu-central", "lost", "silent"}) {
        for (int i = 0; i < kCallsEach; ++i) {
            const CallOptions in_region{.regions = {region}};
            futures.push_back(client->chat_async(question(), in_region));
            client->chat_async(question(), in_region, [&](const Result<ChatCompletion>& answer) {
                cancelled += !answer && answer.error().code == ErrorCode::cancelled ? 1 : 0;
                callbacks.add();
            });
            streams.push_back(std::make_unique<ChatStream>(client->stream(question(), in_region)));
        }
    }
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 3 * kCallsEach, kTestTimeout));
    ASSERT_TRUE(resolver.wait_for_lookups(1));
    std::promise<void> destroyed;
    auto destruction = destroyed.get_future();
    std::jthread destroyer([&] {
        client.reset();
        destroyed.set_value();
    });
    ASSERT_EQ(destruction.wait_for(kTestTimeout), std::future_status::ready) << "the destructor hangs";
    for (auto& future : futures) {
        ASSERT_EQ(future.wait_for(0s), std::future_status::ready);
        EXPECT_THAT(future.get(), FailsWith(ErrorCode::cancelled));
    }
    EXPECT_EQ(callbacks.value(), 4 * kCallsEach);
    EXPECT_EQ(cancelled, 4 * kCallsEach);
    for (auto& stream : streams) EXPECT_THAT(stream->finish(), FailsWith(ErrorCode::cancelled));
    EXPECT_TRUE(gateway.wait_until_closed("us-west", kTestTimeout));
}

TEST_F(Cancel, DestroyingTheClientWakesThreadsThatWaitInACall) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    auto client = std::make_unique<Client>(options);
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(begin(*client, i % 2 == 0));
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 8, kTestTimeout));
    client.reset();
    for (auto& call : calls) {
        ASSERT_EQ(call.wait_for(kTestTimeout), std::future_status::ready);
        EXPECT_THAT(call.get(), FailsWith(ErrorCode::cancelled));
    }
}

TEST_F(Cancel, DestroyingTheClientWaitsForThreadsInsideIt) {
    for (const auto& region : options.regions) gateway.set_fault(region.id, {.kind = Kind::hang});
    for (int round = 1; round <= 20; ++round) {
        const auto client = std::make_shared<std::optional<Client>>(std::in_place, options);
        auto& used = **client;
        std::vector<std::future<void>> threads;
        const auto start_thread = [&](auto function) {
            threads.push_back(std::async(std::launch::async, std::move(function)));
        };
        start_thread([&] { EXPECT_FALSE(used.warm_up({.deadline = kTestTimeout})); });
        start_thread([&] { EXPECT_THAT(used.models({.regions = {"eu-central"}}), FailsWith(ErrorCode::cancelled)); });
        start_thread([&] { EXPECT_THAT(used.verify_key({.regions = {"us-west"}}), FailsWith(ErrorCode::cancelled)); });
        start_thread(
            [&] { EXPECT_THAT(used.chat(question(), {.regions = {"us-west"}}), FailsWith(ErrorCode::cancelled)); });
        start_thread([&] { EXPECT_THAT(used.probe({.deadline = kTestTimeout}), SizeIs(2)); });
        ASSERT_TRUE(gateway.wait_for_requests("us-west", static_cast<std::uint64_t>(4 * round), kTestTimeout));
        ASSERT_TRUE(gateway.wait_for_requests("eu-central", static_cast<std::uint64_t>(3 * round), kTestTimeout));
        client->reset();
        for (auto& thread : threads) ASSERT_EQ(thread.wait_for(kTestTimeout), std::future_status::ready);
    }
}

TEST_F(Cancel, CallsStartedByCallbacksDuringDestructionGetTheirCallbacks) {
    for (int round = 0; round < 300; ++round) {
        auto client = std::make_unique<Client>(options);
        std::atomic<int> begun{0}, ended{0};
        std::function<void()> ask = [&, owner = client.get()] {
            ++begun;
            owner->chat_async(question(), {}, [&](const Result<ChatCompletion>& answer) {
                if (answer) ask();
                ++ended;
            });
        };
        for (int i = 0; i < 4; ++i) ask();
        ASSERT_TRUE(gateway.wait_for_requests("us-west", static_cast<std::uint64_t>(5 * (round + 1)), kTestTimeout));
        client.reset();
        ASSERT_EQ(begun, ended) << "in round " << round;
    }
}

TEST_F(Cancel, AClientMayBeDestroyedInsideItsOwnCallback) {
    auto client = std::make_unique<Client>(options);
    Counter callbacks;
    client->chat_async(question(), {}, [&](const Result<ChatCompletion>& answer) {
        EXPECT_THAT(answer, IsOk());
        client.reset();
        callbacks.add();
    });
    EXPECT_TRUE(callbacks.wait_for(1));
    EXPECT_TRUE(gateway.wait_until_closed("us-west", kTestTimeout));
}

TEST_F(Cancel, ABlockingCallFromACallbackIsRefusedInsteadOfDeadlocking) {
    Client client(options);
    Counter callbacks;
    client.chat_async(question(), {}, [&](const Result<ChatCompletion>&) {
        EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(client.stream(question()).finish(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(client.models(), FailsWith(ErrorCode::invalid_request));
        callbacks.add();
    });
    EXPECT_TRUE(callbacks.wait_for(1));
}

}  // namespace
