// Handles regions apart from calls: probes, draining, and notification of changes.
// Client, Prober, RegionHealthTracker → [Client::Impl] → ListenerQueue, CallRegistry, Recorder
#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "client/client_impl.hpp"
#include "execution/request_builder.hpp"
#include "routing/region_filter.hpp"
#include "wire/chat_encoder.hpp"

namespace holysheep {
inline namespace v0 {

using namespace std::chrono_literals;

template <class Function>
void Client::Impl::at_region(std::string_view region, Function function) {
    if (orphaned()) return;
    for (std::size_t i = 0; i < options_.regions.size(); ++i) {
        if (options_.regions[i].id != region) continue;
        post_quietly([this, i, function] {
            function(i);
            refresh_facts(i);
            if (regions_.has_notices()) schedule_notify();
        });
    }
}

void Client::Impl::set_draining(std::string_view region, bool draining) {
    at_region(region, [this, draining](std::size_t i) { regions_.set_draining(i, draining, clock_->now()); });
}

void Client::Impl::force_breaker(std::string_view region, std::optional<BreakerState> state) {
    at_region(region, [this, state](std::size_t i) { regions_.force_breaker(i, state, clock_->now()); });
}

/// State of threads that wait for probes; shared, because a late probe may end after its thread has continued.
struct Client::Impl::ProbeRound {
    std::vector<RegionHealth> healths;
    runtime::Completion done;
    std::atomic_flag finished = ATOMIC_FLAG_INIT;
};

std::vector<RegionHealth> Client::Impl::probe(const CallOptions& options) {
    const auto regions = routing::allowed_regions(options_.regions, {options.regions, options.exclude_regions});
    auto known = recorder_.healths(clock_->now());
    if (!orphaned() && !refuse_to_block()) {
        const auto timeout = std::clamp(options.deadline.value_or(options_.health.timeout), 0ms, call::kLongest);
        const auto round = std::make_shared<ProbeRound>();
        const auto finish = [this, round] {
            if (round->finished.test_and_set()) return;
            round->healths = recorder_.healths(clock_->now());
            signal_soon(round->done);
        };
        try {
            clock_->post([this, regions, timeout, finish] {
                try {
                    prober_.probe_all(regions, timeout, finish);
                } catch (...) {
                    telemetry::log_exception(*log_, "a probe");
                    finish();
                }
            });
        } catch (...) {
            telemetry::log_exception(*log_, "the clock's post");
            finish();
        }
        round->done.wait();
        known = std::move(round->healths);
    }
    std::vector<RegionHealth> healths;
    for (const auto region : regions) healths.push_back(std::move(known[region]));
    return healths;
}

health::ProberHooks Client::Impl::prober_hooks() {
    return {.request = [this](std::size_t region, bool deep) { return probe_request(region, deep); },
            .on_end =
                [this](std::size_t region, const health::RegionHealthTracker::ProbeResult* result) {
                    if (result != nullptr && !result->unsent) {
                        recorder_.on_probe(region, result->good,
                                           result->took.count() < 0 ? std::nullopt : std::optional(result->took));
                    }
                    refresh_facts(region);
                    if (regions_.has_notices()) schedule_notify();
                },
            .on_work =
                [this](int change) {
                    if (loop_) loop_->add_work(change);
                }};
}

HttpRequest Client::Impl::probe_request(std::size_t region, bool deep) const {
    const auto& target = targets_[region];
    execution::Exchange exchange{.kind = execution::ExchangeKind::raw,
                                 .raw = std::make_unique<RawRequest>(RawRequest{.method = "GET", .path = "/models"})};
    if (deep) {
        const auto mapped = target.region.model_map.find(options_.health.model);
        const auto& model = mapped == target.region.model_map.end() ? options_.health.model : mapped->second;
        ChatRequest request{.model = model, .messages = {user("ping")}, .max_tokens = 1};
        exchange.kind = execution::ExchangeKind::chat;
        exchange.chat = wire::encode_chat(request, false, {}).value();
        return execution::build_request(exchange, target, {.sent = model, .usual = model},
                                        keys_.usual(region, clock_->now()), 1);
    }
    switch (options_.health.probe) {
        case HealthOptions::Probe::head: exchange.raw->method = "HEAD"; [[fallthrough]];
        case HealthOptions::Probe::path: exchange.raw->path = options_.health.path; break;
        case HealthOptions::Probe::models:
        case HealthOptions::Probe::completion: break;
    }
    const std::string none;
    return execution::build_request(exchange, target, {.sent = none, .usual = none}, keys_.usual(region, clock_->now()),
                                    1);
}

void Client::Impl::refresh_facts(std::size_t region) {
    recorder_.on_region(region, router_.facts(region, clock_->now()));
}

void Client::Impl::schedule_notify() {
    if (shut_ || std::exchange(notifying_, true)) return;
    try {
        clock_->post([this] { tell(); });
    } catch (...) {
        notifying_ = false;  // the next event tries again
    }
}

void Client::Impl::tell() {
    notifying_ = false;
    if (shut_) return;
    const auto notices = regions_.take_notices();
    const auto now = clock_->now();
    for (const auto region : notices.changed) {
        refresh_facts(region);
        const auto health = values::to_health(options_.regions[region].id, router_.facts(region, now), now);
        const bool lost = health.liveness == Liveness::down || health.breaker == BreakerState::open;
        const auto level = lost ? LogLevel::warning : LogLevel::info;
        if (log_->enabled(level)) {
            log_->write(level, "region " + health.id + " is " + std::string(to_string(health.liveness)) + ", breaker " +
                                   std::string(to_string(health.breaker)) + ": " + health.reason);
        }
        announce([health](EventListener& listener) { listener.on_region(health); });
    }
    for (const auto region : notices.dead) registry_.on_region_down(region);
    for (const auto region : notices.back) registry_.on_region_back(region);
    prober_.rearm();
}

}  // namespace v0
}  // namespace holysheep
