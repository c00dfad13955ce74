// Manages the transfers and timers of probes. The tracker decides when to probe and what the result means.
#include "health/prober.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "wire/probe_answer.hpp"

namespace holysheep::health {

namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenDeepProbes = 60s;
// Tokens of the prompt and the answer of a completion probe.
constexpr std::int64_t kTokensOfDeepProbe = 16;

}  // namespace

/// One probe. Its timeout follows the usual duration of probes in its region, counted from when its request is sent; a
/// new connection has a timeout of its own.
class Prober::Probe final : public TransferEvents {
  public:
    /// `deep`: a completion, which may take the whole timeout.
    Probe(Prober& prober, std::size_t region, bool deep)
        : prober_(prober),
          region_(region),
          deep_(deep),
          connect_only_(prober.regions_.probe_only_connects(region, prober.clock_.now())) {}
    ~Probe() override {
        if (timer_ != 0) prober_.clock_.cancel(timer_);
        if (open_) prober_.transport_.cancel(transfer_);
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    void start(HttpRequest request) {
        started_ = prober_.clock_.now();
        request.fresh_connection = connect_only_;
        request.connection_attempt_delay = prober_.regions_.connection_attempt_delay(region_);
        transfer_ = prober_.transport_.start(std::move(request), *this);
        open_ = true;
        const nanoseconds all = prober_.options_.timeout;
        give_up_at(started_ + (deep_ ? all : prober_.regions_.probe_connect_timeout(region_)));
    }

    bool may_send(TransferId) override {
        if (connect_only_) {  // a bare probe ends when it is connected
            path_ = prober_.transport_.evidence(transfer_);
            return false;
        }
        sent_ = prober_.clock_.now();
        if (!deep_) {
            give_up_at(std::min(sent_ + prober_.regions_.probe_timeout(region_), started_ + prober_.options_.timeout));
        }
        return true;
    }
    void on_head(TransferId, HttpHead head) override {
        status_ = head.status;
        took_ = prober_.clock_.now() - sent_;
        if (head.connection_reused) return;
        path_ = prober_.transport_.evidence(transfer_);
        record_connection(head.timings);
    }
    void on_body(TransferId, std::string_view bytes) override {
        const std::size_t room = wire::kProbeBodyBytes - body_.size();
        cut_ = cut_ || bytes.size() > room;
        body_ += bytes.substr(0, room);
    }
    void on_end(TransferId, TransferEnd end) override {
        open_ = false;
        cut_ = cut_ || end.error;
        if (late_) {
            prober_.late_ended(*this);  // it destroys this
            return;
        }
        auto result = answer();
        result.refused = status_ == 0 && end.error;
        if (connect_only_) {
            result.answered = result.good = end.error == ErrorCode::cancelled;
            record_connection(end.timings);
        }
        // A pooled connection that was closed meanwhile is no evidence; the next probe opens a new one.
        const bool stale = status_ == 0 && end.connection_reused && end.error == ErrorCode::transport_failed;
        result.unsent = end.error == ErrorCode::descriptors_exhausted || end.error == ErrorCode::proxy_failed || stale;
        prober_.ended(region_, result);  // it destroys this
    }

    Clock::time_point due() const { return due_; }
    /// Its time is over. It continues as a late probe, to measure how long probes take now, or is destroyed.
    void expire() {
        const auto last = started_ + prober_.options_.timeout;
        if (late_) {
            prober_.late_ended(*this);
        } else if (status_ == 0 && sent_ != Clock::time_point{} && prober_.clock_.now() < last) {
            late_ = true;
            give_up_at(last);
            prober_.missed(region_);
        } else {
            prober_.ended(region_, answer());  // a head has arrived, so the rest will, too
        }
    }
    std::size_t region() const { return region_; }
    RegionHealthTracker::ProbeResult answer() const {
        return {
            .answered = status_ != 0,
            .good = status_ != 0 && status_ < 500 && (status_ != 200 || wire::is_probe_answer(body_, !cut_ && !open_)),
            .throttled = status_ == 429,
            .bare = connect_only_,
            .took = took_};
    }

  private:
    void record_connection(const AttemptTimings& timings) {
        if (!timings.connect) return;
        prober_.regions_.on_connection(region_, &timings, path_, prober_.clock_.now());
    }
    void give_up_at(Clock::time_point when) {
        if (timer_ != 0) prober_.clock_.cancel(timer_);
        due_ = when;
        timer_ = prober_.clock_.call_at(when, [this] {
            timer_ = 0;
            expire();
        });
    }

    Prober& prober_;
    const std::size_t region_;
    const bool deep_;
    const bool connect_only_;
    TransferId transfer_ = 0;
    Clock::TimerId timer_ = 0;
    Clock::time_point started_{}, sent_{}, due_{};
    nanoseconds took_{-1};
    std::optional<PathEvidence> path_{};
    int status_ = 0;
    std::string body_{};  ///< the beginning of the body: a 200 may be an HTML page or an error
    bool open_ = false, late_ = false, cut_ = false;
};

Prober::Prober(RegionHealthTracker& regions, Clock& clock, Transport& transport, const HealthOptions& options,
               ProberHooks hooks)
    : regions_(regions),
      clock_(clock),
      transport_(transport),
      options_(options),
      hooks_(std::move(hooks)),
      probes_(regions.size()),
      deep_at_(regions.size()) {}

Prober::~Prober() { shut_down(); }

void Prober::start() {
    if (closed_) return;
    started_ = true;
    regions_.start_probes(clock_.now());
    rearm();
}

void Prober::rearm() {
    if (closed_ || !started_) return;
    const auto next = regions_.next_probe_at();
    if (!next || (timer_ != 0 && timer_at_ <= *next)) return;
    if (timer_ != 0) clock_.cancel(timer_);
    timer_at_ = *next;
    timer_ = clock_.call_at(*next, [this] { on_timer(); });
}

void Prober::on_timer() {
    timer_ = 0;
    const auto now = clock_.now();
    for (std::size_t region = 0; region < regions_.size(); ++region) {
        if (regions_.take_due_probe(region, now)) send(region);
    }
    rearm();
}

void Prober::on_watch(std::size_t region) {
    if (closed_) return;
    if (regions_.take_due_probe(region, clock_.now())) send(region);
    rearm();
}

void Prober::probe_all(std::span<const std::size_t> regions, milliseconds timeout, std::function<void()> done) {
    if (closed_ || regions.empty()) {
        done();
        return;
    }
    Round round{.number = ++last_round_,
                .waits_for = std::vector<bool>(regions_.size(), false),
                .left = regions.size(),
                .done = std::move(done)};
    for (const auto region : regions) round.waits_for[region] = true;
    rounds_.push_back(std::move(round));
    for (const auto region : regions) {
        if (regions_.take_probe(region, clock_.now())) send(region);
    }
    rounds_.back().timer = clock_.call_at(clock_.now() + timeout, [this, number = last_round_] { end_round(number); });
}

void Prober::end_round(std::uint64_t number) {
    // A probe that times out at this very moment still counts.
    for (const auto& probe : probes_) {
        if (probe && probe->due() <= clock_.now()) probe->expire();
    }
    const auto late = std::ranges::find(rounds_, number, &Round::number);
    if (late == rounds_.end()) return;
    late->timer = 0;
    late->left = 0;
    finish_rounds();
}

bool Prober::may_go_deep(std::size_t region) {
    if (options_.probe != HealthOptions::Probe::completion) return false;
    const auto now = clock_.now();
    if (now - hour_began_ >= 1h) {
        hour_began_ = now;
        tokens_this_hour_ = 0;
    }
    if (now - deep_at_[region] < kBetweenDeepProbes) return false;
    if (tokens_this_hour_ + kTokensOfDeepProbe > options_.completion_tokens_per_hour) return false;
    tokens_this_hour_ += kTokensOfDeepProbe;
    deep_at_[region] = now;
    return true;
}

void Prober::send(std::size_t region) {
    const bool deep = may_go_deep(region);
    hooks_.on_work(1);
    probes_[region] = std::make_unique<Probe>(*this, region, deep);
    probes_[region]->start(hooks_.request(region, deep));
}

void Prober::ended(std::size_t region, const RegionHealthTracker::ProbeResult& result) {
    const auto probe = std::move(probes_[region]);
    hooks_.on_work(-1);
    report(region, result);
}

void Prober::missed(std::size_t region) {
    late_.push_back(std::move(probes_[region]));
    report(region, {});
}

void Prober::late_ended(const Probe& probe) {
    const auto found = std::ranges::find(late_, &probe, &std::unique_ptr<Probe>::get);
    const auto kept = std::move(*found);
    late_.erase(found);
    hooks_.on_work(-1);
    if (!kept->answer().good) return;
    regions_.on_late_probe(kept->region(), kept->answer().took, clock_.now());
    hooks_.on_end(kept->region(), nullptr);
}

void Prober::report(std::size_t region, const RegionHealthTracker::ProbeResult& result) {
    regions_.on_probe_end(region, result, clock_.now());
    hooks_.on_end(region, &result);
    rearm();
    for (auto& round : rounds_) {
        if (!round.waits_for[region]) continue;
        round.waits_for[region] = false;
        --round.left;
    }
    finish_rounds();
}

void Prober::finish_rounds() {
    // `done` may start another round.
    for (auto finished = std::ranges::find(rounds_, 0U, &Round::left); finished != rounds_.end();
         finished = std::ranges::find(rounds_, 0U, &Round::left)) {
        const auto round = std::move(*finished);
        rounds_.erase(finished);
        if (round.timer != 0) clock_.cancel(round.timer);
        round.done();
    }
}

void Prober::shut_down() {
    if (std::exchange(closed_, true)) return;
    if (timer_ != 0) clock_.cancel(std::exchange(timer_, 0));
    for (auto& probe : probes_) {
        if (!probe) continue;
        probe.reset();
        hooks_.on_work(-1);
    }
    for (auto& probe : late_) {
        probe.reset();
        hooks_.on_work(-1);
    }
    late_.clear();
    for (auto& round : rounds_) round.left = 0;
    finish_rounds();
}

}  // namespace holysheep::health
