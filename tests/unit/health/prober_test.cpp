// The transfers and timers of probes: when they are sent, which ones cost tokens, and what ends a round of them.
#include "health/prober.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Time that passes when the test says so.
class ProbeClock final : public Clock {
  public:
    time_point now() const override { return now_; }
    TimerId call_at(time_point when, std::function<void()> function) override {
        timers_.emplace(++last_, std::pair(when, std::move(function)));
        return last_;
    }
    void cancel(TimerId timer) override { timers_.erase(timer); }
    void post(std::function<void()> function) override { function(); }

    std::size_t timers() const { return timers_.size(); }
    void advance(std::chrono::nanoseconds by) {
        const auto target = now_ + by;
        for (;;) {
            auto next = timers_.end();
            for (auto timer = timers_.begin(); timer != timers_.end(); ++timer) {
                if (next == timers_.end() || timer->second.first < next->second.first) next = timer;
            }
            if (next == timers_.end() || next->second.first > target) break;
            now_ = std::max(now_, next->second.first);
            const auto function = std::move(next->second.second);
            timers_.erase(next);
            function();
        }
        now_ = target;
    }

  private:
    time_point now_{2h};
    TimerId last_ = 0;
    std::map<TimerId, std::pair<time_point, std::function<void()>>> timers_;
};

class ProbeTransport final : public Transport {
  public:
    TransferId start(HttpRequest, TransferEvents& events) override {
        open.emplace(++last, &events);
        return last;
    }
    void cancel(TransferId id) override { open.erase(id); }
    void pause(TransferId) override {}
    void resume(TransferId) override {}
    std::optional<PathEvidence> evidence(TransferId) const override { return std::nullopt; }
    /// Every open transfer gets this answer.
    void answer_all(int status) {
        for (const auto& [id, events] : std::exchange(open, {})) {
            if (!events->may_send(id)) continue;
            events->on_head(id, {.status = status});
            events->on_end(id, {});
        }
    }

    std::map<TransferId, TransferEvents*> open;
    TransferId last = 0;
};

struct ProbedRegions {
    explicit ProbedRegions(std::size_t count, HealthOptions options = {})
        : health(std::move(options)), list(count), tracker(list, health, {}, 7) {}
    Prober& prober() {
        if (!prober_) {
            prober_ = std::make_unique<Prober>(
                tracker, clock, transport, health,
                ProberHooks{.request =
                                [this](std::size_t region, bool deep) {
                                    sent.push_back(region);
                                    deep_ones.push_back(deep);
                                    return HttpRequest{};
                                },
                            .on_end = [this](std::size_t, const RegionHealthTracker::ProbeResult*) { ++ended; },
                            .on_work = [this](int change) { work += change; }});
        }
        return *prober_;
    }
    /// Probes region 0 now and answers it. Returns whether the probe was a completion.
    bool probe_is_deep() {
        prober().probe_all(std::vector<std::size_t>{0}, 1s, [] {});
        transport.answer_all(204);
        return deep_ones.back();
    }

    HealthOptions health;
    std::vector<Region> list;
    ProbeClock clock;
    ProbeTransport transport;
    RegionHealthTracker tracker;
    std::vector<std::size_t> sent;
    std::vector<bool> deep_ones;
    int work = 0, ended = 0;

  private:
    std::unique_ptr<Prober> prober_;
};

HealthOptions completions(std::int64_t tokens_per_hour) {
    return {.probe = HealthOptions::Probe::completion, .model = "m", .completion_tokens_per_hour = tokens_per_hour};
}

TEST(Prober, ProbesEveryRegionWithinTheFirstSecondAndThenBySchedule) {
    ProbedRegions probed(2);
    probed.prober().start();
    EXPECT_THAT(probed.sent, IsEmpty());
    probed.clock.advance(1s);
    EXPECT_THAT(probed.sent, ::testing::UnorderedElementsAre(0U, 1U));
    EXPECT_EQ(probed.work, 2);
    probed.transport.answer_all(204);
    EXPECT_EQ(probed.work, 0);
    EXPECT_EQ(probed.ended, 2);
    probed.clock.advance(7s);
    EXPECT_EQ(probed.sent.size(), 2U) << "a healthy region is probed every 10 s, give or take a fifth";
    probed.clock.advance(5s);
    EXPECT_EQ(probed.sent.size(), 4U);
}

TEST(Prober, DoesNothingBeforeItIsStarted) {
    ProbedRegions probed(1);
    probed.prober().rearm();
    EXPECT_EQ(probed.clock.timers(), 0U);
}

TEST(Prober, ReplacesItsTimerWhenAProbeIsDueEarlier) {
    ProbedRegions probed(1);
    probed.prober().start();
    while (probed.sent.empty()) probed.clock.advance(10ms);
    probed.transport.answer_all(204);
    EXPECT_EQ(probed.clock.timers(), 1U) << "the next probe, in about ten seconds";
    auto token = probed.tracker.on_dispatch(0, probed.tracker.model_id("m"), Awaited::stream, probed.clock.now());
    probed.tracker.on_alive(0, probed.clock.now());
    probed.tracker.watch(token, probed.clock.now());
    probed.prober().on_watch(0);
    EXPECT_EQ(probed.clock.timers(), 1U) << "a sign of life, in a second";
    probed.clock.advance(1s - 1ns);
    EXPECT_EQ(probed.sent.size(), 1U);
    probed.clock.advance(1ns);
    EXPECT_EQ(probed.sent.size(), 2U);
}

TEST(CompletionProbe, IsSentOncePerMinuteAndRegion) {
    ProbedRegions probed(1, completions(1'000));
    EXPECT_TRUE(probed.probe_is_deep());
    probed.clock.advance(59s);
    EXPECT_FALSE(probed.probe_is_deep());
    probed.clock.advance(1s);
    EXPECT_TRUE(probed.probe_is_deep());
}

TEST(CompletionProbe, UsesTheHourlyTokensToTheLastOne) {
    ProbedRegions probed(1, completions(32));  // two probes of 16 tokens
    for (const bool deep : {true, true, false, false}) {
        EXPECT_EQ(probed.probe_is_deep(), deep);
        probed.clock.advance(10min);
    }
    probed.clock.advance(20min - 1s);
    EXPECT_FALSE(probed.probe_is_deep());
    probed.clock.advance(1s);
    EXPECT_TRUE(probed.probe_is_deep()) << "a new hour";
    ProbedRegions too_few(1, completions(31));
    EXPECT_TRUE(too_few.probe_is_deep());
    too_few.clock.advance(2min);
    EXPECT_FALSE(too_few.probe_is_deep());
}

TEST(CompletionProbe, MayTakeTheWholeTimeoutHoweverFastOtherProbesAre) {
    for (const bool deep : {false, true}) {
        ProbedRegions probed(1, deep ? completions(1'000) : HealthOptions{});
        EXPECT_EQ(probed.probe_is_deep(), deep);  // answered at once: other probes may take 50 ms from now on
        probed.clock.advance(2min);
        probed.prober().probe_all(std::vector<std::size_t>{0}, 10s, [] {});
        ASSERT_EQ(probed.transport.open.size(), 1U);
        const auto [id, events] = *probed.transport.open.begin();
        EXPECT_TRUE(events->may_send(id));
        const auto before = probed.ended;
        probed.clock.advance(49ms);
        EXPECT_EQ(probed.ended, before);
        probed.clock.advance(1s);
        EXPECT_EQ(probed.ended > before, !deep) << "counted as missed";
    }
}

TEST(CompletionProbe, IsSentOnlyIfTheOptionsAskForIt) {
    ProbedRegions probed(1);
    EXPECT_FALSE(probed.probe_is_deep());
}

TEST(ProbeRound, EndsWhenTheLastProbeHasEnded) {
    ProbedRegions probed(3);
    int done = 0;
    probed.prober().probe_all(std::vector<std::size_t>{0, 2}, 1s, [&] { ++done; });
    EXPECT_THAT(probed.sent, ElementsAre(0U, 2U));
    EXPECT_EQ(done, 0);
    probed.transport.answer_all(204);
    EXPECT_EQ(done, 1);
    probed.clock.advance(10s);
    EXPECT_EQ(done, 1);
}

TEST(ProbeRound, WaitsForAProbeThatIsAlreadyInFlight) {
    ProbedRegions probed(1);
    int done = 0;
    for (int i = 0; i < 2; ++i) probed.prober().probe_all(std::vector<std::size_t>{0}, 1s, [&] { ++done; });
    EXPECT_EQ(probed.sent.size(), 1U);
    probed.transport.answer_all(204);
    EXPECT_EQ(done, 2);
}

TEST(ProbeRound, EndsAfterItsTimeoutWithoutBlamingTheRegion) {
    ProbedRegions probed(1);
    int done = 0;
    probed.prober().probe_all(std::vector<std::size_t>{0}, 500ms, [&] { ++done; });
    probed.clock.advance(500ms - 1ns);
    EXPECT_EQ(done, 0);
    probed.clock.advance(1ns);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(probed.ended, 0) << "the probe itself may take two seconds";
    EXPECT_EQ(probed.tracker.facts(0, probed.clock.now()).liveness, Liveness::unknown);
}

TEST(ProbeRound, IsDoneAtOnceWithoutRegions) {
    ProbedRegions probed(1);
    int done = 0;
    probed.prober().probe_all({}, 1s, [&] { ++done; });
    EXPECT_EQ(done, 1);
}

TEST(Prober, LeavesNothingBehindWhenItIsShutDown) {
    ProbedRegions probed(2);
    int done = 0;
    probed.prober().start();
    probed.prober().probe_all(std::vector<std::size_t>{0}, 10s, [&] { ++done; });
    probed.prober().shut_down();
    EXPECT_EQ(done, 1) << "a waiting thread must continue";
    EXPECT_EQ(probed.work, 0);
    EXPECT_EQ(probed.clock.timers(), 0U);
    EXPECT_THAT(probed.transport.open, IsEmpty());
    probed.prober().probe_all(std::vector<std::size_t>{0}, 10s, [&] { ++done; });
    EXPECT_EQ(done, 2);
    probed.prober().start();
    probed.prober().on_watch(0);
    EXPECT_EQ(probed.clock.timers(), 0U);
    EXPECT_EQ(probed.sent.size(), 1U);
}

}  // namespace
}  // namespace holysheep::health
