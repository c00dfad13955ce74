// A process at its descriptor limit: a call that needs a new socket reports this, and other calls continue.
#include "gateway_under_test.hpp"
#include "no_more_descriptors.hpp"

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DescriptorLimit : public ::testing::Test {
  protected:
    void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        // Without a free descriptor the sanitizer reports valid memory as invalid.
        GTEST_SKIP() << "the sanitizer inspects memory through a pipe";
#endif
    }
};

ChatRequest a_question() { return {.model = "gpt-4.1", .messages = {user("Which sheep gives the finest wool?")}}; }

TEST_F(DescriptorLimit, ACallWithoutASocketReportsItAndOthersContinue) {
    GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central"}});
    gateway.set_stream("us-west", 8, 20ms);
    auto options = options_for(gateway);
    options.breaker.transport_failures = 1;
    Client client(options);
    auto stream = client.stream(a_question());
    ASSERT_NE(stream.begin(), stream.end());
    {
        const NoMoreDescriptors none;
        for (int call = 0; call < 3; ++call) {
            const auto refused = client.chat(a_question());
            ASSERT_THAT(refused, FailsWith(ErrorCode::descriptors_exhausted));
            EXPECT_THAT(refused.error().message, AllOf(HasSubstr("RLIMIT_NOFILE"), HasSubstr("ulimit -n")));
            EXPECT_THAT(refused.error().attempts, ::testing::SizeIs(1)) << "no region could be reached";
            EXPECT_TRUE(refused.error().is_retryable());
        }
        EXPECT_THAT(stream.finish(), IsOk());
    }
    for (const auto& region : client.stats().regions) EXPECT_EQ(region.health.breaker, BreakerState::closed);
    EXPECT_THAT(client.chat(a_question()), IsOk());
}

TEST_F(DescriptorLimit, AProbeWithoutASocketMarksNoRegionDown) {
    GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central"}});
    auto options = options_for(gateway);
    options.health.enabled = true;
    options.health.interval = 1h;
    Client client(options);
    ASSERT_THAT(client.warm_up({.deadline = 10s}), IsOk());
    gateway.reset_connections("us-west");
    {
        const NoMoreDescriptors none;
        for (const auto& region : client.probe()) EXPECT_NE(region.liveness, Liveness::down);
        for (const auto& region : client.probe()) EXPECT_NE(region.liveness, Liveness::down);
    }
    EXPECT_THAT(client.chat(a_question()), IsOk());
}

}  // namespace
}  // namespace holysheep::loopback
