// A rate limit measured at the gateway: a burst from 64 threads, two clients, failures in between; the gateway counts
// the requests in its own windows.
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"

namespace holysheep::loopback {
namespace {

constexpr std::size_t kCalls = 20;
constexpr auto kPer = 1'000ms;

TEST(RateLimit, HoldsInEveryWindowAtTheGateway) {
    GatewaySimulator gateway({{.id = "us-west", .latency = 5ms}, {.id = "eu-central", .latency = 40ms}});
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 503, .share = 0.1});
    const auto limiter =
        std::make_shared<RateLimiter>(RateLimitOptions{.requests = static_cast<std::int64_t>(kCalls), .per = kPer});
    auto options = options_for(gateway);
    options.limiter = limiter;
    Client one(options), other(options);
    std::atomic<int> answered{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 64; ++i) {
            threads.emplace_back([&, i] {
                auto& client = i % 2 == 0 ? one : other;
                if (client.chat("gpt-4.1", "hello?")) ++answered;
            });
        }
    }
    EXPECT_EQ(answered, 64);
    std::vector<std::chrono::steady_clock::time_point> arrivals;
    for (const auto& request : gateway.seen()) arrivals.push_back(request.when);
    std::ranges::sort(arrivals);
    ASSERT_GE(arrivals.size(), 64U);
    for (std::size_t i = kCalls; i < arrivals.size(); ++i) {
        EXPECT_GE(arrivals[i] - arrivals[i - kCalls], kPer) << i << " of " << arrivals.size();
    }
    for (const auto& level : limiter->levels(std::chrono::steady_clock::now())) EXPECT_EQ(level.waiting, 0U);
}

}  // namespace
}  // namespace holysheep::loopback
