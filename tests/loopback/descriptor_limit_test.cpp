// A process that may open no more sockets: the call that needs one says so, the others go on.
#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>

#include "gateway_under_test.hpp"

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// While it lives, no descriptor can be opened; what is open stays so.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        int highest = 0;
        auto* const folder = ::opendir("/proc/self/fd");
        while (const auto* entry = ::readdir(folder)) highest = std::max(highest, std::atoi(entry->d_name));
        ::closedir(folder);
        // Gaps below the highest are filled: the limit counts numbers, not open files.
        auto tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(highest) + 1;
        ::setrlimit(RLIMIT_NOFILE, &tight);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) fillers_.push_back(fd);
    }
    ~NoMoreDescriptors() {
        for (const int fd : fillers_) ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

  private:
    rlimit before_{};
    std::vector<int> fillers_;
};

class DescriptorLimit : public ::testing::Test {
  protected:
    void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        // Without a descriptor it takes good memory for bad.
        GTEST_SKIP() << "a sanitizer looks at memory through a pipe";
#endif
    }
};

ChatRequest a_question() { return {.model = "gpt-4.1", .messages = {user("Which sheep gives the finest wool?")}}; }

TEST_F(DescriptorLimit, ACallWithoutASocketSaysSoAndOthersGoOn) {
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

TEST_F(DescriptorLimit, AProbeWithoutASocketBlamesNoRegion) {
    GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central"}});
    auto options = options_for(gateway);
    options.health.enabled = true;
    options.health.interval = 1h;
    Client client(options);
    ASSERT_THAT(client.warm_up(10s), IsOk());
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
