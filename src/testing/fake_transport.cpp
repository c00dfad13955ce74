// Plays scripted exchanges on a clock and records requests.
// client → [FakeTransport] → actions → TransferEvents
#include <holysheep/testing/fake_transport.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "testing/transfer_script.hpp"

namespace holysheep {
inline namespace v0 {
namespace testing {
namespace {

std::string region_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    std::string_view host = url.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#:"));
    constexpr std::string_view suffix = ".test";
    if (!host.ends_with(suffix)) return {};
    return std::string(host.substr(0, host.size() - suffix.size()));
}

bool is_probe(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

/// Holds scripts, transfers and records. Scheduled functions reference it weakly, so a clock may outlive the transport.
class FakeTransport::Impl : public std::enable_shared_from_this<FakeTransport::Impl> {
  public:
    explicit Impl(Clock& clock) : clock_(clock) {}

    void append(std::string_view region, Step step) {
        std::lock_guard lock(mutex_);
        scripts_[std::string(region)].steps.push_back(std::move(step));
    }

    void clear(std::string_view region) {
        std::lock_guard lock(mutex_);
        scripts_.erase(std::string(region));
        frozen_.erase(std::string(region));
    }

    void hang_probes(std::string_view region) {
        std::lock_guard lock(mutex_);
        scripts_[std::string(region)].hangs_probes = true;
    }

    void freeze(std::string_view region) {
        std::lock_guard lock(mutex_);
        frozen_.insert(std::string(region));
    }

    TransferId start(HttpRequest request, TransferEvents& events) {
        TransferId id = 0;
        {
            std::lock_guard lock(mutex_);
            id = ++last_id_;
            Transfer transfer;
            transfer.events = &events;
            transfer.started = clock_.now();
            transfer.record = seen_.size();
            const std::string region = region_of(request.url);
            transfer.region = region;
            transfer.actions = actions_for(next_step(region, is_probe(request)), request, region, id);
            seen_.push_back({.id = id, .region = region, .request = std::move(request), .started = transfer.started});
            transfers_.emplace(id, std::move(transfer));
        }
        schedule(id);
        return id;
    }

    void cancel(TransferId id) {
        Clock::TimerId timer = 0;
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end()) return;
            timer = found->second.timer;
            if (auto* record = record_of(found->second, id)) record->cancelled = true;
            transfers_.erase(found);
        }
        if (timer != 0) clock_.cancel(timer);
    }

    void pause(TransferId id) {
        std::lock_guard lock(mutex_);
        if (const auto found = transfers_.find(id); found != transfers_.end()) found->second.paused = true;
    }

    void resume(TransferId id) {
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end() || !found->second.paused) return;
            found->second.paused = false;
            if (!std::exchange(found->second.deferred, false)) return;
        }
        clock_.post([weak = weak_from_this(), id] {
            if (const auto self = weak.lock()) self->play(id);
        });
    }

    std::vector<SeenTransfer> requests() const {
        std::lock_guard lock(mutex_);
        return seen_;
    }
    void clear_requests() {
        std::lock_guard lock(mutex_);
        seen_.clear();
    }
    std::size_t open_transfers() const {
        std::lock_guard lock(mutex_);
        return transfers_.size();
    }
    std::optional<PathEvidence> evidence() const {
        std::lock_guard lock(mutex_);
        return evidence_;
    }
    void set_evidence(std::optional<PathEvidence> evidence) {
        std::lock_guard lock(mutex_);
        evidence_ = evidence;
    }

  private:
    struct Script {
        std::vector<Step> steps{};
        std::size_t next_call = 0, next_probe = 0;
        bool hangs_probes = false;
    };
    struct Transfer {
        TransferEvents* events = nullptr;
        std::string region{};
        std::vector<Action> actions{};
        std::size_t next = 0;
        Clock::time_point started{};
        Clock::TimerId timer = 0;
        std::size_t record = 0;
        bool paused = false;
        bool deferred = false;  // a step was due while paused
        AttemptTimings timings{};
    };

    Step next_step(const std::string& region, bool probe) {
        const auto found = scripts_.find(region);
        const bool no_steps = found == scripts_.end() || (found->second.steps.empty() && !found->second.hangs_probes);
        if (no_steps) {
            FailStep step;
            step.detail = "FakeTransport has no script for this region";
            return step;
        }
        Script& script = found->second;
        if (probe && script.hangs_probes) return HangStep{};
        std::size_t& cursor = probe ? script.next_probe : script.next_call;
        const std::size_t step = std::min(cursor, script.steps.size() - 1);
        ++cursor;
        return script.steps[step];
    }

    // Records may have been cleared since the transfer began.
    SeenTransfer* record_of(const Transfer& transfer, TransferId id) {
        return transfer.record < seen_.size() && seen_[transfer.record].id == id ? &seen_[transfer.record] : nullptr;
    }

    /// Schedules the next action, if there is one.
    void schedule(TransferId id) {
        std::chrono::nanoseconds after{0};
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end() || found->second.next >= found->second.actions.size()) return;
            after = found->second.actions[found->second.next].after;
        }
        auto play_next = [weak = weak_from_this(), id] {
            if (const auto self = weak.lock()) self->play(id);
        };
        if (after <= std::chrono::nanoseconds(0)) {
            clock_.post(std::move(play_next));
            return;
        }
        const Clock::TimerId timer = clock_.call_at(clock_.now() + after, std::move(play_next));
        std::lock_guard lock(mutex_);
        if (const auto found = transfers_.find(id); found != transfers_.end()) found->second.timer = timer;
    }

    void play(TransferId id) {
        Action action;
        TransferEvents* events = nullptr;
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end()) return;
            Transfer& transfer = found->second;
            transfer.timer = 0;
            if (transfer.paused && transfer.actions[transfer.next].kind != Action::Kind::connect) {
                transfer.deferred = true;
                return;
            }
            // The kernel of a frozen region still accepts connections.
            if (transfer.actions[transfer.next].kind != Action::Kind::connect && frozen_.contains(transfer.region))
                return;
            action = std::move(transfer.actions[transfer.next++]);
            if (action.kind == Action::Kind::freeze) frozen_.insert(transfer.region);
            events = transfer.events;
            record_time(transfer, action);
        }
        switch (action.kind) {
            case Action::Kind::connect: connected(id, *events); break;
            case Action::Kind::head:
                events->on_head(id, std::move(action.head));
                schedule(id);
                break;
            case Action::Kind::body:
                events->on_body(id, action.bytes);
                schedule(id);
                break;
            case Action::Kind::end: end(id, *events, std::move(action.end)); break;
            case Action::Kind::freeze: break;
        }
    }

    void record_time(Transfer& transfer, const Action& action) const {
        const nanoseconds elapsed = clock_.now() - transfer.started;
        switch (action.kind) {
            case Action::Kind::connect: transfer.timings.connect = elapsed; break;
            case Action::Kind::head: transfer.timings.first_byte = elapsed; break;
            case Action::Kind::body:
            case Action::Kind::freeze: break;
            case Action::Kind::end: transfer.timings.total = elapsed; break;
        }
    }

    void connected(TransferId id, TransferEvents& events) {
        if (!events.may_send(id)) {
            TransferEnd rejected;
            rejected.error = ErrorCode::cancelled;
            rejected.detail = "turned away before anything was sent";
            rejected.certainly_not_delivered = true;
            end(id, events, std::move(rejected));
            return;
        }
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end()) return;  // cancelled by the receiver
            found->second.timings.sent = found->second.timings.connect;
            if (auto* record = record_of(found->second, id)) record->sent = true;
        }
        schedule(id);
    }

    void end(TransferId id, TransferEvents& events, TransferEnd how) {
        {
            std::lock_guard lock(mutex_);
            const auto found = transfers_.find(id);
            if (found == transfers_.end()) return;
            how.timings = found->second.timings;
            how.timings.total = clock_.now() - found->second.started;
            if (how.connection_reused) how.timings.connect.reset();
            if (auto* record = record_of(found->second, id)) record->ended = true;
            transfers_.erase(found);
        }
        events.on_end(id, std::move(how));
    }

    Clock& clock_;
    mutable std::mutex mutex_;  // guards everything below; never held while events are delivered
    std::map<std::string, Script> scripts_;
    std::set<std::string> frozen_;
    std::map<TransferId, Transfer> transfers_;
    std::vector<SeenTransfer> seen_;
    std::optional<PathEvidence> evidence_;
    TransferId last_id_ = 0;
};

FakeTransport::FakeTransport(Clock& clock) : impl_(std::make_shared<Impl>(clock)) {}
FakeTransport::~FakeTransport() = default;

std::vector<Region> FakeTransport::regions(std::initializer_list<std::string_view> ids) {
    return regions(std::vector<std::string>(ids.begin(), ids.end()));
}

std::vector<Region> FakeTransport::regions(const std::vector<std::string>& ids) {
    std::vector<Region> regions;
    for (const auto& id : ids) {
        Region region;
        region.id = id;
        region.base_url = "https://" + id + ".test/v1";
        regions.push_back(std::move(region));
    }
    return regions;
}

FakeTransport& FakeTransport::reply(std::string_view region, std::string_view text, Timing timing) {
    impl_->append(region, ChatStep{.pieces = {std::string(text)}, .options = {.timing = timing}});
    return *this;
}

FakeTransport& FakeTransport::reply_raw(std::string_view region, int status, Headers headers, std::string body,
                                        Timing timing) {
    RawStep step{.status = status, .headers = std::move(headers), .timing = timing};
    if (!body.empty()) step.portions.push_back(std::move(body));
    impl_->append(region, std::move(step));
    return *this;
}

FakeTransport& FakeTransport::fail(std::string_view region, ErrorCode code, bool certainly_not_delivered,
                                   Timing timing) {
    impl_->append(region, FailStep{.code = code,
                                   .certainly_not_delivered = certainly_not_delivered,
                                   .detail = "failed (scripted)",
                                   .timing = timing});
    return *this;
}

FakeTransport& FakeTransport::hang(std::string_view region, Timing timing) {
    impl_->append(region, HangStep{timing});
    return *this;
}

FakeTransport& FakeTransport::never_connects(std::string_view region) {
    impl_->append(region, NeverConnectStep{});
    return *this;
}

FakeTransport& FakeTransport::lose_reused_connection(std::string_view region, Timing timing) {
    impl_->append(region, FailStep{.certainly_not_delivered = false,
                                   .connection_reused = true,
                                   .detail = "a reused connection was dead (scripted)",
                                   .timing = timing});
    return *this;
}

FakeTransport& FakeTransport::stream(std::string_view region, std::vector<std::string> pieces, StreamOptions options) {
    impl_->append(region, ChatStep{.pieces = std::move(pieces), .options = std::move(options)});
    return *this;
}

FakeTransport& FakeTransport::stream_cut(std::string_view region, std::vector<std::string> pieces, Timing timing) {
    return stream(region, std::move(pieces), {.timing = timing, .end = StreamEnd::cut});
}

FakeTransport& FakeTransport::stream_stall(std::string_view region, std::vector<std::string> pieces, Timing timing) {
    return stream(region, std::move(pieces), {.timing = timing, .end = StreamEnd::silent});
}

FakeTransport& FakeTransport::stream_bytes(std::string_view region, std::vector<std::string> portions, StreamEnd end,
                                           Timing timing) {
    impl_->append(region, RawStep{.headers = {{"content-type", "text/event-stream"}},
                                  .portions = std::move(portions),
                                  .end = end,
                                  .timing = timing});
    return *this;
}

FakeTransport& FakeTransport::freeze(std::string_view region, FreezeAt at, std::vector<std::string> pieces,
                                     Timing timing) {
    impl_->append(region, FreezeStep{.at = at, .pieces = std::move(pieces), .timing = timing});
    return *this;
}

FakeTransport& FakeTransport::freeze_now(std::string_view region) {
    impl_->freeze(region);
    return *this;
}

FakeTransport& FakeTransport::hang_probes(std::string_view region) {
    impl_->hang_probes(region);
    return *this;
}

FakeTransport& FakeTransport::clear(std::string_view region) {
    impl_->clear(region);
    return *this;
}

std::vector<SeenTransfer> FakeTransport::requests() const { return impl_->requests(); }

std::vector<std::string> FakeTransport::attempts(std::string_view method) const {
    std::vector<std::string> regions;
    for (auto& seen : impl_->requests())
        if (method.empty() || seen.request.method == method) regions.push_back(std::move(seen.region));
    return regions;
}

std::size_t FakeTransport::open_transfers() const { return impl_->open_transfers(); }
void FakeTransport::clear_requests() { impl_->clear_requests(); }
TransferId FakeTransport::start(HttpRequest request, TransferEvents& events) {
    return impl_->start(std::move(request), events);
}
void FakeTransport::cancel(TransferId id) { impl_->cancel(id); }
void FakeTransport::pause(TransferId id) { impl_->pause(id); }
void FakeTransport::resume(TransferId id) { impl_->resume(id); }
std::optional<PathEvidence> FakeTransport::evidence(TransferId) const { return impl_->evidence(); }
void FakeTransport::set_evidence(std::optional<PathEvidence> evidence) { impl_->set_evidence(evidence); }

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
