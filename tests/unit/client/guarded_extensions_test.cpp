// What replaces a user's function that throws: the built-in rule, or a regular error.
#include "client/guarded_extensions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "log_lines.hpp"

namespace holysheep::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Throws as often as configured, then works; the test runs posted functions and timers.
class FaultyClock final : public Clock {
  public:
    int faults = 0;
    bool keeps_before_it_throws = false;
    time_point at{1h};
    std::deque<std::function<void()>> kept;
    std::vector<TimerId> cancelled;

    time_point now() const override {
        if (faults > 0) throw std::runtime_error("no time");
        return at;
    }
    TimerId call_at(time_point, std::function<void()> function) override {
        fault();
        kept.push_back(std::move(function));
        return kept.size();
    }
    void cancel(TimerId timer) override {
        fault();
        cancelled.push_back(timer);
    }
    void post(std::function<void()> function) override {
        if (keeps_before_it_throws && faults > 0) kept.push_back(function);
        fault();
        kept.push_back(std::move(function));
    }
    void run_kept() {
        for (auto functions = std::exchange(kept, {}); const auto& function : functions) function();
    }

  private:
    void fault() {
        if (faults <= 0) return;
        --faults;
        throw std::runtime_error("no thread");
    }
};

class FaultyTransport final : public Transport {
  public:
    bool faulty = true;
    std::vector<std::string> calls;
    TransferId start(HttpRequest request, TransferEvents&) override {
        note("start " + request.url);
        return 7;
    }
    void cancel(TransferId id) override { note("cancel " + std::to_string(id)); }
    void pause(TransferId id) override { note("pause " + std::to_string(id)); }
    void resume(TransferId id) override { note("resume " + std::to_string(id)); }
    std::optional<PathEvidence> evidence(TransferId) const override {
        if (faulty) throw std::runtime_error("no socket");
        return PathEvidence{.srtt = 5ms};
    }

  private:
    void note(std::string call) {
        if (faulty) throw std::runtime_error("no socket");
        calls.push_back(std::move(call));
    }
};

struct Ends final : TransferEvents {
    std::vector<std::pair<TransferId, TransferEnd>> seen;
    bool may_send(TransferId) override { return true; }
    void on_head(TransferId, HttpHead) override {}
    void on_body(TransferId, std::string_view) override {}
    void on_end(TransferId id, TransferEnd end) override { seen.emplace_back(id, std::move(end)); }
};

struct Guarded {
    LogLines lines;
    std::shared_ptr<FaultyClock> faulty_clock = std::make_shared<FaultyClock>();
    std::shared_ptr<FaultyTransport> faulty_transport = std::make_shared<FaultyTransport>();
    std::shared_ptr<GuardedClock> clock = std::make_shared<GuardedClock>(faulty_clock, lines.log());
    GuardedTransport transport{faulty_transport, clock, lines.log()};
    Ends ends;
};

struct PolicyOf final : RetryPolicy {
    explicit PolicyOf(std::function<RetryVerdict()> function) : verdict(std::move(function)) {}
    RetryVerdict decide(const RetryContext&) const override { return verdict(); }
    std::function<RetryVerdict()> verdict;
};

RetryVerdict decide_by(LogLines& lines, std::function<RetryVerdict()> function, bool would_retry, milliseconds delay) {
    const GuardedRetryPolicy guarded(std::make_shared<PolicyOf>(std::move(function)), lines.log());
    const AttemptRecord attempt;
    return guarded.decide({.attempt = attempt, .would_retry = would_retry, .delay = delay, .content_delivered = false});
}

TEST(GuardedRetryPolicy, ForwardsTheUsersDecision) {
    LogLines lines;
    const auto verdict = decide_by(
        lines, [] { return RetryVerdict{.retry = true, .delay = 3ms}; }, false, 9ms);
    EXPECT_TRUE(verdict.retry);
    EXPECT_EQ(verdict.delay, 3ms);
    EXPECT_THAT(lines.all(), IsEmpty());
}

TEST(GuardedRetryPolicy, FollowsTheBuiltInRuleIfTheUsersPolicyThrows) {
    for (const bool would_retry : {true, false}) {
        LogLines lines;
        const auto verdict = decide_by(
            lines, []() -> RetryVerdict { throw std::runtime_error("no table"); }, would_retry, 9ms);
        EXPECT_EQ(verdict.retry, would_retry);
        EXPECT_EQ(verdict.delay, 9ms);
        EXPECT_THAT(lines.all(), ElementsAre("an exception left retry_policy; the built-in rule is used: no table"));
    }
}

TEST(GuardedClock, KeepsTheLastKnownTimeIfNowThrows) {
    Guarded guarded;
    guarded.faulty_clock->at = Clock::time_point(2h);
    EXPECT_EQ(guarded.clock->now(), Clock::time_point(2h));
    guarded.faulty_clock->at = Clock::time_point(3h);
    guarded.faulty_clock->faults = 1;
    EXPECT_EQ(guarded.clock->now(), Clock::time_point(2h));
    EXPECT_THAT(guarded.lines.all(), ElementsAre("an exception left the clock's now: no time"));
}

TEST(GuardedClock, AdvancesWithItsTimersIfNowAlwaysThrows) {
    Guarded guarded;
    guarded.clock->now();
    guarded.clock->call_at(Clock::time_point(5h), [] {});
    guarded.clock->call_at(Clock::time_point(4h), [] {});
    guarded.faulty_clock->run_kept();
    guarded.faulty_clock->faults = 1;
    EXPECT_EQ(guarded.clock->now(), Clock::time_point(5h)) << "the latest timer that has run, in whatever order";
}

TEST(GuardedClock, TriesPostAndTimersTwiceAndRunsThemOnce) {
    for (const bool kept_anyway : {false, true}) {
        Guarded guarded;
        int runs = 0;
        guarded.faulty_clock->keeps_before_it_throws = kept_anyway;
        guarded.faulty_clock->faults = 1;
        guarded.clock->post([&] { ++runs; });
        guarded.faulty_clock->run_kept();
        EXPECT_EQ(runs, 1) << "even if the clock threw after storing the function";
        guarded.faulty_clock->faults = 1;
        EXPECT_NE(guarded.clock->call_at(Clock::time_point(2h), [&] { ++runs; }), 0U);
        guarded.faulty_clock->run_kept();
        EXPECT_EQ(runs, 2);
    }
}

TEST(GuardedClock, RethrowsTheSecondException) {
    Guarded guarded;
    guarded.faulty_clock->faults = 2;
    EXPECT_THROW(guarded.clock->post([] {}), std::runtime_error);
    guarded.faulty_clock->faults = 2;
    EXPECT_THROW(guarded.clock->call_at(Clock::time_point(2h), [] {}), std::runtime_error);
    EXPECT_THAT(guarded.lines.all(), ElementsAre("an exception left the clock's post: no thread",
                                                 "an exception left the clock's call_at: no thread"));
}

TEST(GuardedClock, KeepsExceptionsOfFunctionsFromTheUsersClock) {
    Guarded guarded;
    guarded.clock->post([] { throw std::runtime_error("a defect"); });
    guarded.clock->call_at(Clock::time_point(2h), [] { throw 1; });
    EXPECT_NO_THROW(guarded.faulty_clock->run_kept());
    EXPECT_THAT(guarded.lines.all(), ElementsAre("an exception left the client's own functions: a defect",
                                                 "an exception left the client's own functions"));
}

TEST(GuardedClock, IgnoresAThrowingCancel) {
    Guarded guarded;
    guarded.faulty_clock->faults = 1;
    EXPECT_NO_THROW(guarded.clock->cancel(3));
    guarded.clock->cancel(4);
    EXPECT_THAT(guarded.faulty_clock->cancelled, ElementsAre(4U));
}

TEST(GuardedTransport, ForwardsWorkingFunctions) {
    Guarded guarded;
    guarded.faulty_transport->faulty = false;
    const auto id = guarded.transport.start({.url = "https://a.test"}, guarded.ends);
    guarded.transport.pause(id);
    guarded.transport.resume(id);
    guarded.transport.cancel(id);
    EXPECT_EQ(guarded.transport.evidence(id)->srtt, 5ms);
    EXPECT_THAT(guarded.faulty_transport->calls,
                ElementsAre("start https://a.test", "pause 7", "resume 7", "cancel 7"));
}

TEST(GuardedTransport, ReportsAFailedStartAsynchronously) {
    Guarded guarded;
    const auto first = guarded.transport.start({}, guarded.ends);
    const auto second = guarded.transport.start({}, guarded.ends);
    EXPECT_NE(first, second);
    EXPECT_THAT(guarded.ends.seen, IsEmpty()) << "not within start, whose caller does not know the id yet";
    guarded.faulty_clock->run_kept();
    ASSERT_THAT(guarded.ends.seen, SizeIs(2));
    EXPECT_EQ(guarded.ends.seen[0].first, first);
    EXPECT_EQ(guarded.ends.seen[0].second.error, ErrorCode::transport_failed);
    EXPECT_EQ(guarded.ends.seen[0].second.detail, "the transport threw: no socket");
    EXPECT_FALSE(guarded.ends.seen[0].second.certainly_not_delivered) << "it may have sent before it threw";
    EXPECT_EQ(guarded.ends.seen[1].first, second);
}

TEST(GuardedTransport, ReportsNothingForACancelledFailedTransfer) {
    Guarded guarded;
    const auto id = guarded.transport.start({}, guarded.ends);
    guarded.faulty_transport->faulty = false;
    guarded.transport.cancel(id);
    guarded.faulty_clock->run_kept();
    EXPECT_THAT(guarded.ends.seen, IsEmpty());
    EXPECT_THAT(guarded.faulty_transport->calls, IsEmpty()) << "the transport does not know that id";
}

TEST(GuardedTransport, SurvivesAllOtherThrowingFunctions) {
    Guarded guarded;
    EXPECT_NO_THROW(guarded.transport.cancel(7));
    EXPECT_NO_THROW(guarded.transport.pause(7));
    EXPECT_NO_THROW(guarded.transport.resume(7));
    EXPECT_EQ(guarded.transport.evidence(7), std::nullopt);
    EXPECT_THAT(guarded.lines.all(), SizeIs(4));
    EXPECT_THAT(guarded.lines.all(), ::testing::Each(HasSubstr("an exception left the transport: no socket")));
}

}  // namespace
}  // namespace holysheep::client
