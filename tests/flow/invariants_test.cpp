// Rules that hold whatever the regions do, checked on the whole client under random faults, options, cancels and
// deadlines. A run depends only on its seed, so a failure can be repeated by its number.
// seed → Run (regions' scripts, options, calls) → records, requests → rules
#include <cstdint>
#include <set>
#include <sstream>

#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

/// SplitMix64: the same numbers on every platform.
class RandomSource {
  public:
    explicit RandomSource(std::uint64_t seed) : state_(seed * 0x9E37'79B9'7F4A'7C15U + 1) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15U);
        z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return z ^ (z >> 31U);
    }
    /// A number in [`from`, `to`], both included.
    int between(int from, int to) {
        return from + static_cast<int>(next() % static_cast<std::uint64_t>(to - from + 1));
    }
    bool chance(int percent) { return between(1, 100) <= percent; }
    milliseconds span(int from, int to) { return milliseconds{between(from, to)}; }

  private:
    std::uint64_t state_;
};

struct Call {
    CallOptions options{};
    std::stop_source stop{};
    Clock::time_point started{};
    int times_done = 0;
    std::optional<ErrorCode> error{};
    std::vector<AttemptRecord> attempts{};
};

class Run final : public EventListener {
  public:
    explicit Run(std::uint64_t seed) : seed_(seed), random_(seed) {}

    void execute(bool all_down = false) {
        all_down_ = all_down;
        make_client();
        for (const auto& id : ids_) script(id);
        const int calls = random_.between(8, all_down ? 100 : 24);
        calls_.resize(static_cast<std::size_t>(calls));
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            start(i);
            cancel_or_drain(i);
            for (int steps = random_.between(0, 4); steps > 0; --steps) {
                flow_->clock.advance(random_.span(0, random_.chance(10) ? 4'000 : 300));
                check_breakers();
            }
        }
        for (int i = 0; i < 140 && flow_->client.stats().in_flight > 0; ++i) {
            flow_->clock.advance(5s);
            check_breakers();
        }
        expect_idle();
        expect_rules_of_calls();
        expect_rules_of_requests();
        if (all_down) expect_bounded_attempts();
        expect_recovery();
    }

    std::vector<std::string> log() const { return log_; }

  private:
    // ---- regions and options ----

    void make_client() {
        const int regions = random_.between(all_down_ ? 2 : 1, 5);
        for (int i = 0; i < regions; ++i) ids_.push_back("r" + std::to_string(i));
        ClientOptions options{.regions = equal_regions(ids_), .seed = random_.next() | 1U};
        for (auto& region : options.regions) {
            region.tier = random_.chance(30) ? random_.between(0, 2) : 0;
            region.weight = random_.between(1, 4);
        }
        options.selector.strategy = static_cast<Strategy>(random_.between(0, 3));
        options.health = {.unhealthy_interval = random_.span(200, 2'000), .sign_of_life = random_.span(0, 2) * 500};
        options.breaker = {.enabled = all_down_ || random_.chance(85),
                           .transport_failures = random_.between(2, 5),
                           .gateway_failures = random_.between(2, 5),
                           .failures = random_.between(3, 8),
                           .failure_rate = random_.between(3, 10) / 10.0,
                           .min_calls = random_.between(3, 12),
                           .window = random_.span(1, 20) * 1'000,
                           .open_for = random_.span(500, 5'000),
                           .max_open_for = random_.span(5'000, 30'000),
                           .half_open_successes = random_.between(1, 3)};
        options.hedging = {.enabled = random_.chance(50), .ratio = random_.between(0, 10) / 10.0};
        options.retry = {.budget_capacity = all_down_ ? 20 : random_.between(0, 20)};
        options.timeouts = {.connect = 3s, .first_byte = 4s, .first_content = 4s, .stall = 3s};
        options.listeners = {std::shared_ptr<EventListener>(std::shared_ptr<void>(), this)};  // without ownership
        options.callback_executor = run_inline;
        probing_ = random_.chance(60);
        flow_.emplace(std::vector<std::string>{}, std::move(options), CallFlow::kManual, probing_);
    }

    Timing timing() {
        return {.connect = random_.span(0, 60), .first_byte = random_.span(1, 300), .between = random_.span(0, 50)};
    }

    void script(const std::string& id) {
        // Some regions never fail: every call that may use one must succeed.
        const bool good = !all_down_ && random_.chance(30);
        for (int steps = good ? 1 : random_.between(1, 12); steps > 0; --steps) {
            if (good || (!all_down_ && random_.chance(40))) {
                flow_->transport.reply(id, "hello", timing());
            } else {
                fault(id);
            }
        }
    }

    void fault(const std::string& id) {
        auto& transport = flow_->transport;
        const auto status = [&](int code, FakeTransport::Headers headers = {}) {
            transport.reply_raw(id, code, std::move(headers), error_body("x"), timing());
        };
        switch (random_.between(0, all_down_ ? 7 : 18)) {
            case 0: transport.fail(id, ErrorCode::transport_failed, true, timing()); break;
            case 1: transport.fail(id, ErrorCode::tls_failed, true, timing()); break;
            case 2: transport.fail(id, ErrorCode::transport_failed, false, timing()); break;
            case 3: transport.hang(id, timing()); break;
            case 4: transport.never_connects(id); break;
            case 5: status(500); break;
            case 6: status(503); break;
            case 7: status(random_.chance(50) ? 502 : 504); break;
            case 8: status(503, {{"retry-after", std::to_string(random_.between(0, 20))}}); break;
            case 9: status(429); break;
            case 10: status(429, {{"retry-after", std::to_string(random_.between(0, 60))}}); break;
            case 11: status(random_.chance(50) ? 400 : 409); break;
            case 12: status(random_.chance(50) ? 408 : 425); break;
            case 13: transport.lose_reused_connection(id, timing()); break;
            case 14: transport.stream_cut(id, {"Hel"}, timing()); break;
            case 15: transport.stream_stall(id, {"Hel"}, timing()); break;
            case 16: transport.stream_cut(id, {}, timing()); break;
            case 17: transport.reply_raw(id, 200, {{"content-type", "text/html"}}, "<html>", timing()); break;
            default: transport.reply(id, "slow", {.first_byte = random_.span(1'000, 6'000)}); break;
        }
    }

    // ---- the calls ----

    void start(std::size_t number) {
        auto& call = calls_[number];
        auto& options = call.options;
        options.label = std::to_string(number);
        options.headers = {{"X-Call", options.label}};
        options.stop = call.stop.get_token();
        if (random_.chance(30)) options.deadline = random_.span(0, 5'000);
        if (random_.chance(20)) options.session = "s" + std::to_string(random_.between(0, 3));
        if (random_.chance(30)) options.hedge = random_.chance(50);
        if (random_.chance(10)) options.cost_safe = true;
        if (random_.chance(15)) options.retry = RetryOptions{.max_attempts = random_.between(1, 4)};
        if (random_.chance(25)) {
            for (const auto& id : ids_) {
                if (random_.chance(50)) options.regions.push_back(id);
            }
        }
        call.started = flow_->clock.now();
        const auto on_done = [this, number](const Result<ChatCompletion>& result) {
            auto& done = calls_[number];
            ++done.times_done;
            if (!result) done.error = result.error().code;
        };
        if (random_.chance(40)) {
            flow_->client.stream_async(
                a_question(), options, [](const ChatChunk&) {}, on_done);
        } else {
            flow_->client.chat_async(a_question(), options, on_done);
        }
        most_in_flight_ = std::max(most_in_flight_, flow_->client.stats().in_flight);
    }

    void cancel_or_drain(std::size_t number) {
        if (random_.chance(10)) {
            calls_[static_cast<std::size_t>(random_.between(0, static_cast<int>(number)))].stop.request_stop();
        }
        if (all_down_ || !random_.chance(5)) return;
        const auto& id = ids_[static_cast<std::size_t>(random_.between(0, static_cast<int>(ids_.size()) - 1))];
        if (random_.chance(50)) {
            flow_->client.drain(id);
        } else {
            flow_->client.resume(id);
        }
    }

    bool allowed(const Call& call, const std::string& region) const {
        return call.options.regions.empty() || std::ranges::count(call.options.regions, region) > 0;
    }

    // ---- observations during the run ----

    void on_attempt(const AttemptRecord& attempt) override {
        if (attempt.error) failed_once_.insert(attempt.region);
    }

    void on_call(const CallRecord& record) override {
        if (record.label.empty()) return;
        auto& call = calls_[static_cast<std::size_t>(std::stoi(record.label))];
        call.attempts = record.attempts;
        std::ostringstream line;
        line << record.label << ' ' << (record.error ? to_string(*record.error) : "ok") << ' ' << record.total.count()
             << ' ' << describe(record.attempts);
        log_.push_back(line.str());
        if (record.error) expect_no_usable_region_was_unused(call, *record.error);
    }

    void on_region(const RegionHealth& region) override {
        log_.push_back(region.id + ' ' + std::string(to_string(region.liveness)) + ' ' +
                       std::string(to_string(region.breaker)));
        if (region.breaker == BreakerState::closed) open_until_.erase(region.id);
    }

    void check_breakers() {
        const auto now = flow_->clock.now();
        for (const auto& region : flow_->client.stats().regions) {
            if (region.health.breaker != BreakerState::open || !region.health.open_for) continue;
            const auto until = now + *region.health.open_for;
            auto& known = open_until_[region.id];
            EXPECT_GE(until + 2ms, known) << where() << region.id << ": its open time was cut short";
            known = std::max(known, until);
        }
    }

    // ---- rules ----

    /// A call must not fail while a region that never failed could have been asked.
    void expect_no_usable_region_was_unused(const Call& call, ErrorCode error) {
        switch (error) {
            case ErrorCode::all_regions_unavailable:
            case ErrorCode::transport_failed:
            case ErrorCode::tls_failed:
            case ErrorCode::server_failed:
            case ErrorCode::timed_out:
            case ErrorCode::rate_limited: break;
            default: return;
        }
        if (call.options.cost_safe || call.options.retry) return;
        // After a conflict only the same region is asked again.
        if (std::ranges::count(call.attempts, ErrorCode::conflict, &AttemptRecord::error) > 0) return;
        for (const auto& region : flow_->client.stats().regions) {
            const auto& health = region.health;
            const bool tried =
                std::ranges::any_of(call.attempts, [&](const auto& attempt) { return attempt.region == region.id; });
            if (tried || !allowed(call, region.id) || failed_once_.contains(region.id)) continue;
            const bool free = (health.liveness == Liveness::healthy || health.liveness == Liveness::unknown) &&
                              health.breaker == BreakerState::closed && health.error_rate == 0 && !health.limited_for;
            EXPECT_FALSE(free) << where() << "call " << call.options.label << " failed (" << error << ", "
                               << describe(call.attempts) << ") but " << region.id << " was free";
        }
    }

    void expect_rules_of_calls() {
        for (const auto& call : calls_) {
            EXPECT_EQ(call.times_done, 1) << where() << call.options.label;
            const auto usable = std::ranges::count_if(ids_, [&](const auto& id) { return allowed(call, id); });
            auto bound = static_cast<std::size_t>(usable) + 2;
            if (call.options.retry) bound = static_cast<std::size_t>(call.options.retry->max_attempts);
            // Regions that refuse for load allow up to three more attempts.
            const auto refused = std::ranges::count_if(call.attempts, [](const AttemptRecord& attempt) {
                return attempt.http_status == 429 || attempt.http_status == 503 || attempt.http_status == 529;
            });
            if (!call.options.retry) bound += static_cast<std::size_t>(std::min<std::ptrdiff_t>(refused, 3));
            // While no region was usable, canaries came on top. So did one return to a region that was back, or two if
            // the first had to wait for room.
            const auto canaries = static_cast<std::size_t>(std::ranges::count_if(call.attempts, &AttemptRecord::panic));
            if (!call.options.retry) bound += canaries + 2;
            EXPECT_LE(call.attempts.size(), bound) << where() << call.options.label << ": " << describe(call.attempts);
            for (const auto& attempt : call.attempts) {
                EXPECT_TRUE(allowed(call, attempt.region)) << where() << call.options.label << ": " << attempt.region;
                if (!call.options.deadline) continue;
                const auto sent = attempt.started + attempt.timings.sent.value_or(0ns);
                EXPECT_LT(sent, std::max<nanoseconds>(1ns, *call.options.deadline)) << where() << call.options.label;
            }
            EXPECT_LE(canaries, ids_.size() * 6) << where() << "two a second and region, for two seconds";
        }
    }

    /// The same rules, checked on the requests that the network saw.
    void expect_rules_of_requests() {
        for (const auto& seen : flow_->transport.requests()) {
            const auto label = header(seen.request, "X-Call");
            if (label.empty()) continue;
            const auto& call = calls_[static_cast<std::size_t>(std::stoi(label))];
            EXPECT_TRUE(allowed(call, seen.region)) << where() << "call " << label << " went to " << seen.region;
            if (call.options.deadline) {
                EXPECT_LT(seen.started, call.started + *call.options.deadline) << where() << "call " << label;
            }
        }
    }

    void expect_bounded_attempts() {
        const auto stats = flow_->client.stats();
        // A fault is unknown until a region has failed: calls in flight by then may move once per region.
        const auto before_first_failure = ids_.size() * static_cast<std::size_t>(most_in_flight_);
        EXPECT_LE(static_cast<double>(stats.attempts),
                  1.25 * static_cast<double>(calls_.size()) + 25 + static_cast<double>(before_first_failure))
            << where();
    }

    void expect_idle() {
        flow_->clock.advance(2s);  // lets the client finish reading bodies of attempts that it has abandoned
        if (!probing_) {
            EXPECT_EQ(flow_->clock.pending_timers(), 0U) << where();
            EXPECT_EQ(flow_->transport.open_transfers(), 0U) << where();
        }
        const auto stats = flow_->client.stats();
        EXPECT_EQ(stats.in_flight, 0) << where();
        for (const auto& region : stats.regions) EXPECT_EQ(region.health.in_flight, 0) << where() << region.id;
        const auto seen = flow_->transport.requests();
        for (const auto& transfer : seen) {
            if (transfer.request.method != "POST") continue;
            EXPECT_TRUE(transfer.ended || transfer.cancelled) << where() << "a transfer is still open";
        }
    }

    /// No permit, pause or failure is leaked: once all regions have recovered, each of them answers.
    void expect_recovery() {
        for (const auto& id : ids_) {
            flow_->transport.clear(id).reply(id, "back");
            flow_->client.resume(id);
        }
        flow_->clock.advance(90s);  // the longest pause and the longest open time
        for (int round = 0; round < 3; ++round) {
            for (const auto& id : ids_) {
                auto answer = flow_->client.chat_async(a_question(), {.regions = {id}});
                flow_->clock.advance(100ms);
                ASSERT_TRUE(is_ready(answer)) << where() << id;
                const auto reply = answer.get();
                ASSERT_TRUE(reply) << where() << id << ": " << reply.error();
                EXPECT_EQ(reply->attempts.size(), 1U) << where() << id << ": " << describe(reply->attempts);
                EXPECT_FALSE(reply->attempts[0].panic) << where() << id << ": " << health_of(*flow_, id).reason;
            }
        }
        for (const auto& id : ids_) EXPECT_EQ(breaker_of(*flow_, id), BreakerState::closed) << where() << id;
    }

    std::string where() const { return "seed " + std::to_string(seed_) + ": "; }

    const std::uint64_t seed_;
    RandomSource random_;
    bool all_down_ = false, probing_ = false;
    std::vector<std::string> ids_;
    std::vector<Call> calls_;
    std::set<std::string> failed_once_;
    std::map<std::string, Clock::time_point> open_until_;
    std::vector<std::string> log_;
    int most_in_flight_ = 0;
    std::optional<CallFlow> flow_;  // declared last, so that it is destroyed first
};

std::vector<std::string> run(std::uint64_t seed, bool all_down = false) {
    Run run(seed);
    run.execute(all_down);
    return run.log();
}

// Sanitizers slow the code down many times, so run fewer seeds.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeedDivisor = 5;
#else
constexpr std::uint64_t kSeedDivisor = 1;
#endif

void run_all(std::uint64_t first, std::uint64_t runs) {
    for (auto seed = first; seed < first + runs / kSeedDivisor && !::testing::Test::HasFailure(); ++seed) run(seed);
}

TEST(Invariants, HoldUnderRandomFaultsOne) { run_all(1, 300); }
TEST(Invariants, HoldUnderRandomFaultsTwo) { run_all(10'001, 300); }
TEST(Invariants, HoldUnderRandomFaultsThree) { run_all(20'001, 300); }
TEST(Invariants, HoldUnderRandomFaultsFour) { run_all(30'001, 300); }

TEST(Invariants, ExtraAttemptsStayBoundedWhenAllRegionsAreDown) {
    for (std::uint64_t seed = 1; seed <= 100 / kSeedDivisor && !HasFailure(); ++seed) run(seed, true);
}

TEST(Invariants, TheSameSeedMakesTheSameDecisions) {
    for (std::uint64_t seed = 1; seed <= 50 / kSeedDivisor; ++seed) {
        const auto log = run(seed);
        EXPECT_EQ(log, run(seed)) << seed;
        EXPECT_GE(log.size(), 10U);
    }
}

}  // namespace
}  // namespace holysheep::flow
