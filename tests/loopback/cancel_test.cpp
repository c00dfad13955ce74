// A call can be stopped in each of its phases, and a client can be destroyed at any moment. Late connections are raced.
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

/// Counts the moments between a failed attempt and the decision about the next one.
class FailureWatch final : public RetryPolicy {
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
        ASSERT_EQ(call.wait_for(kPatience), std::future_status::ready) << "the call did not notice";
        EXPECT_THAT(call.get(), FailsWith(ErrorCode::cancelled));
    }

    HangingResolver resolver;
    std::stop_source source;
};

TEST_F(Cancel, BeforeItBeganSendsNothing) {
    Client client(options);
    source.request_stop();
    EXPECT_THAT(client.chat(question(), {.stop = source.get_token()}), FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(client.stream(question(), {.stop = source.get_token()}).finish(), FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(gateway.requests("us-west"), 0u);
}

TEST_F(Cancel, WhileTheNameIsLookedUpFreezesNobody) {
    auto regions = gateway.regions();
    regions[0] = hanging_region("lost");
    auto lost_only = options;
    lost_only.regions = regions;
    Client client(lost_only);
    for (const bool stream : {false, true}) {
        source = {};
        auto call = std::async(std::launch::async, [&, token = source.get_token()] {
            const CallOptions there{.stop = token, .regions = {"lost"}};
            if (stream) return client.stream(question(), there).finish();
            return client.chat(question(), there);
        });
        ASSERT_TRUE(resolver.wait_for_lookups(stream ? 2 : 1));
        stop_and_expect_cancelled(call);
        // The look-up still hangs, but the I/O thread must not.
        EXPECT_THAT(client.chat(question(), {.regions = {"eu-central"}}), IsOk());
    }
}

TEST_F(Cancel, WhileTheConnectionIsMade) {
    const SilentPort silent;
    options.regions = {silent.region("silent")};
    Client client(options);
    auto call = begin(client);
    while (client.stats().attempts == 0) std::this_thread::yield();
    stop_and_expect_cancelled(call);
}

TEST_F(Cancel, WhileTheAnswerIsAwaitedClosesTheConnection) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    Client client(options);
    for (const bool stream : {false, true}) {
        source = {};
        auto call = begin(client, stream);
        ASSERT_TRUE(gateway.wait_for_requests("us-west", stream ? 2 : 1, kPatience));
        stop_and_expect_cancelled(call);
        EXPECT_TRUE(gateway.wait_for_early_closes("us-west", stream ? 2 : 1, kPatience));
    }
    EXPECT_EQ(gateway.requests("eu-central"), 0u) << "a cancelled call was sent elsewhere";
}

TEST_F(Cancel, BetweenHeadersAndBodyClosesTheConnection) {
    gateway.set_fault("us-west", {.kind = Kind::hang_after_headers});
    Client client(options);
    auto call = begin(client);
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 1, kPatience));
    stop_and_expect_cancelled(call);
    EXPECT_TRUE(gateway.wait_for_early_closes("us-west", 1, kPatience));
}

TEST_F(Cancel, DuringAPauseBetweenAttempts) {
    const auto watch = std::make_shared<FailureWatch>();
    options.retry_policy = watch;
    options.regions.resize(1);
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    Client client(options);
    auto call = begin(client);
    ASSERT_TRUE(watch->failures.wait_for(1));
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

TEST_F(LateConnection, OfAHostThatDropsPacketsIsPassed) {
    const SilentPort silent;
    options.regions = {silent.region("silent"), gateway.regions()[1]};
    Client client(options);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(story(answer), ElementsAre("silent cancelled", "eu-central ok"));
    EXPECT_EQ(answer->attempts[1].kind, AttemptKind::race);
    EXPECT_GE(answer->attempts[1].started, 250ms);
    EXPECT_EQ(gateway.requests("eu-central"), 1u);
}

TEST_F(LateConnection, OfANameThatIsNotResolvedIsPassed) {
    options.regions = {hanging_region("lost"), gateway.regions()[1]};
    Client client(options);
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.stream(question()).finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_THAT(story(answer), ElementsAre("lost cancelled", "eu-central ok"));
    }
    EXPECT_THAT(story(client.stream(question()).finish()), ElementsAre("eu-central ok"))
        << "having been overtaken three times, it is left alone";
}

TEST_F(LateConnection, EverywhereEndsAtTheConnectTimeout) {
    options.regions = {hanging_region("lost"), hanging_region("gone")};
    options.timeouts.connect = 400ms;
    options.retry.initial_backoff = 1ms;
    Client client(options);
    const auto answer = client.chat(question());
    EXPECT_THAT(answer, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_EQ(answer.error().cause, ErrorCode::timed_out);
}

TEST_F(Cancel, AClientThatGoesAnswersEveryCallWithCancelled) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    gateway.set_fault("eu-central", {.kind = Kind::status, .status = 429, .headers = {{"Retry-After", "25"}}});
    const SilentPort silent;
    options.regions.push_back(hanging_region("lost"));
    options.regions.push_back(silent.region("silent"));
    auto client = std::make_unique<Client>(options);
    constexpr int kCallsEach = 5;
    std::vector<std::future<Result<ChatCompletion>>> futures;
    Counter told;
    std::atomic<int> cancelled{0};
    std::vector<std::jthread> readers;
    std::vector<std::unique_ptr<ChatStream>> streams;
    for (const auto* region : {"us-west", "eu-central", "lost", "silent"}) {
        for (int i = 0; i < kCallsEach; ++i) {
            const CallOptions there{.regions = {region}};
            futures.push_back(client->chat_async(question(), there));
            client->chat_async(question(), there, [&](const Result<ChatCompletion>& answer) {
                cancelled += !answer && answer.error().code == ErrorCode::cancelled ? 1 : 0;
                told.add();
            });
            streams.push_back(std::make_unique<ChatStream>(client->stream(question(), there)));
        }
    }
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 3 * kCallsEach, kPatience));
    ASSERT_TRUE(resolver.wait_for_lookups(1));
    std::promise<void> destroyed;
    auto gone = destroyed.get_future();
    std::jthread destroyer([&] {
        client.reset();
        destroyed.set_value();
    });
    ASSERT_EQ(gone.wait_for(kPatience), std::future_status::ready) << "the destructor hangs";
    for (auto& future : futures) {
        ASSERT_EQ(future.wait_for(0s), std::future_status::ready);
        EXPECT_THAT(future.get(), FailsWith(ErrorCode::cancelled));
    }
    EXPECT_EQ(told.value(), 4 * kCallsEach);
    EXPECT_EQ(cancelled, 4 * kCallsEach);
    for (auto& stream : streams) EXPECT_THAT(stream->finish(), FailsWith(ErrorCode::cancelled));
    EXPECT_TRUE(gateway.wait_until_closed("us-west", kPatience));
}

TEST_F(Cancel, AClientThatGoesWakesThreadsThatWaitInACall) {
    gateway.set_fault("us-west", {.kind = Kind::hang});
    auto client = std::make_unique<Client>(options);
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(begin(*client, i % 2 == 0));
    ASSERT_TRUE(gateway.wait_for_requests("us-west", 8, kPatience));
    client.reset();
    for (auto& call : calls) {
        ASSERT_EQ(call.wait_for(kPatience), std::future_status::ready);
        EXPECT_THAT(call.get(), FailsWith(ErrorCode::cancelled));
    }
}

TEST_F(Cancel, AClientThatGoesWaitsForThreadsThatAreInsideIt) {
    for (const auto& region : options.regions) gateway.set_fault(region.id, {.kind = Kind::hang});
    for (int round = 1; round <= 20; ++round) {
        const auto client = std::make_shared<std::optional<Client>>(std::in_place, options);
        auto& inside = **client;
        std::vector<std::future<void>> uses;
        const auto use = [&](auto function) { uses.push_back(std::async(std::launch::async, std::move(function))); };
        use([&] { EXPECT_FALSE(inside.warm_up({.deadline = kPatience})); });
        use([&] { EXPECT_THAT(inside.models({.regions = {"eu-central"}}), FailsWith(ErrorCode::cancelled)); });
        use([&] { EXPECT_THAT(inside.verify_key({.regions = {"us-west"}}), FailsWith(ErrorCode::cancelled)); });
        use([&] { EXPECT_THAT(inside.chat(question(), {.regions = {"us-west"}}), FailsWith(ErrorCode::cancelled)); });
        use([&] { EXPECT_THAT(inside.probe({.deadline = kPatience}), SizeIs(2)); });
        ASSERT_TRUE(gateway.wait_for_requests("us-west", static_cast<std::uint64_t>(4 * round), kPatience));
        ASSERT_TRUE(gateway.wait_for_requests("eu-central", static_cast<std::uint64_t>(3 * round), kPatience));
        client->reset();
        for (auto& done : uses) ASSERT_EQ(done.wait_for(kPatience), std::future_status::ready);
    }
}

TEST_F(Cancel, CallsMadeByCallbacksWhileTheClientGoesAreToldToo) {
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
        ASSERT_TRUE(gateway.wait_for_requests("us-west", static_cast<std::uint64_t>(5 * (round + 1)), kPatience));
        client.reset();
        ASSERT_EQ(begun, ended) << "in round " << round;
    }
}

TEST_F(Cancel, AClientMayGoFromInsideItsOwnCallback) {
    auto client = std::make_unique<Client>(options);
    Counter told;
    client->chat_async(question(), {}, [&](const Result<ChatCompletion>& answer) {
        EXPECT_THAT(answer, IsOk());
        client.reset();
        told.add();
    });
    EXPECT_TRUE(told.wait_for(1));
    EXPECT_TRUE(gateway.wait_until_closed("us-west", kPatience));
}

TEST_F(Cancel, ABlockingCallFromACallbackIsRefusedNotADeadlock) {
    Client client(options);
    Counter told;
    client.chat_async(question(), {}, [&](const Result<ChatCompletion>&) {
        EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(client.stream(question()).finish(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(client.models(), FailsWith(ErrorCode::invalid_request));
        told.add();
    });
    EXPECT_TRUE(told.wait_for(1));
}

}  // namespace
