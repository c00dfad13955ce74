// When a fallback model is tried: after the attempts of the requested one, and in time.
#include "call/model_fallback.hpp"

#include <gtest/gtest.h>

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using Situation = ModelFallback::Situation;
using OwnAttempt = ModelFallback::OwnAttempt;

constexpr time_point kFirstFailure{1h};

class ModelFallbackTest : public ::testing::Test {
  protected:
    ModelFallbackTest() { policy.fallbacks = {{.name = "second"}, {.name = "third"}}; }
    bool due(const Situation& situation) const { return fallback.due(situation); }

    CallPolicy policy;
    ModelFallback fallback{policy};
};

TEST_F(ModelFallbackTest, TheRequestedModelIsRetriedFirstWithinThePatience) {
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure);
    EXPECT_FALSE(due({.own = OwnAttempt{.when = kFirstFailure + 2s, .returns = true}}));
    EXPECT_TRUE(due({.own = OwnAttempt{.when = kFirstFailure + 2s + 1ms, .returns = true}}))
        << "the wait exceeds the patience";
    EXPECT_TRUE(due({.own = {}})) << "no attempt left";
}

TEST_F(ModelFallbackTest, ThePatienceStartsAtTheFirstFailure) {
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure);
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure + 1500ms);
    EXPECT_FALSE(due({.own = OwnAttempt{.when = kFirstFailure + 1600ms, .returns = true}}));
    EXPECT_TRUE(due({.own = OwnAttempt{.when = kFirstFailure + 2100ms, .returns = true}}));
}

TEST_F(ModelFallbackTest, AnUntriedRegionComesBeforeAnotherModelAtAnyTime) {
    fallback.on_failure(ErrorCode::timed_out, kFirstFailure);
    EXPECT_FALSE(due({.error = ErrorCode::timed_out, .own = OwnAttempt{.when = kFirstFailure + 60s}}));
}

TEST_F(ModelFallbackTest, WithoutPatienceEachRegionIsTriedOnce) {
    policy.retry.fallback_after = 0ms;
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure);
    EXPECT_FALSE(due({.own = OwnAttempt{.when = kFirstFailure}}));
    EXPECT_TRUE(due({.own = OwnAttempt{.when = kFirstFailure + 1ms, .returns = true}}));
}

TEST_F(ModelFallbackTest, ABlockedModelIsNotAwaited) {
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure);
    EXPECT_TRUE(due({.model_blocked = true, .own = OwnAttempt{.when = kFirstFailure + 500ms, .returns = true}}));
}

TEST_F(ModelFallbackTest, AModelSpecificFailureFallsBack) {
    for (const auto error :
         {ErrorCode::model_not_found, ErrorCode::context_length_exceeded, ErrorCode::permission_denied}) {
        EXPECT_TRUE(due({.error = error, .action = Action::stop}));
        EXPECT_FALSE(due({.error = error, .own = OwnAttempt{.when = kFirstFailure}}))
            << "another region may offer the model";
    }
}

TEST_F(ModelFallbackTest, AModelIndependentFailureDoesNotFallBack) {
    for (const auto error : {ErrorCode::transport_failed, ErrorCode::tls_failed, ErrorCode::unauthenticated,
                             ErrorCode::insufficient_quota, ErrorCode::invalid_request}) {
        EXPECT_FALSE(due({.error = error}));
    }
    EXPECT_FALSE(due({.action = Action::stop})) << "x-should-retry: false";
}

TEST_F(ModelFallbackTest, ABrokenStreamContinuesOnceTheRequestedModelHasNoAttemptLeft) {
    fallback.on_failure(ErrorCode::stream_interrupted, kFirstFailure);
    Situation situation{.error = ErrorCode::stream_interrupted, .broken_stream = true};
    situation.own = OwnAttempt{.when = kFirstFailure + 10s, .returns = true};
    EXPECT_FALSE(due(situation)) << "regardless of the length of the stream";
    situation.own.reset();
    EXPECT_TRUE(due(situation));
    situation.error = ErrorCode::transport_failed;
    EXPECT_TRUE(due(situation)) << "the second attempt failed before content";
}

TEST_F(ModelFallbackTest, OnlyAModelThatAcceptsPrefillContinuesAStream) {
    policy.fallbacks[1].prefill = true;
    policy.recovery = StreamRecovery::continue_prefix;
    EXPECT_FALSE(fallback.suits(1, true));
    EXPECT_TRUE(fallback.suits(2, true));
    EXPECT_TRUE(fallback.suits(1, false)) << "before content there is nothing to continue";
    policy.recovery = StreamRecovery::restart;
    EXPECT_TRUE(fallback.suits(1, true));
}

TEST_F(ModelFallbackTest, ATooLongPromptSkipsModelsWithTooSmallWindows) {
    policy.context_window = 8'000;
    policy.fallbacks = {{.name = "equal", .context_window = 8'000},
                        {.name = "unknown"},
                        {.name = "small", .context_window = 4'000},
                        {.name = "large", .context_window = 100'000}};
    for (std::size_t model = 1; model <= 4; ++model) EXPECT_TRUE(fallback.suits(model, false));
    fallback.on_failure(ErrorCode::context_length_exceeded, kFirstFailure);
    EXPECT_FALSE(fallback.suits(1, false));
    EXPECT_TRUE(fallback.suits(2, false));
    fallback.switch_to(2);
    fallback.on_failure(ErrorCode::context_length_exceeded, kFirstFailure);
    EXPECT_FALSE(fallback.suits(3, false)) << "the limit learned from the first model still applies";
    EXPECT_TRUE(fallback.suits(4, false));
}

TEST_F(ModelFallbackTest, EachModelHasItsOwnPatienceAndTheLastHasNoSuccessor) {
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure);
    fallback.switch_to(1);
    fallback.on_failure(ErrorCode::server_failed, kFirstFailure + 5s);
    EXPECT_FALSE(due({.own = OwnAttempt{.when = kFirstFailure + 6s, .returns = true}}));
    fallback.switch_to(2);
    EXPECT_FALSE(due({.own = {}}));
}

}  // namespace
}  // namespace holysheep::call
