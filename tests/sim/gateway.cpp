// Serves requests first come, first served. A region that was frozen does all delayed work the moment the freeze ends.
#include "gateway.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace holysheep::sim {

namespace {

constexpr Time kSlowDownStep = std::chrono::seconds(3);
// A client that waits a minute between pieces gives up, so long answers are sent in several pieces.
constexpr Time kMaxSilence = std::chrono::seconds(4);

}  // namespace

bool TokenBucket::take(double per_second, Time now) {
    if (!filled) tokens = per_second;
    tokens = std::min(tokens + per_second * seconds(now - filled.value_or(now)), per_second);
    filled = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
}

Gateway::Gateway(EventQueue& queue, const SimulationPlan& plan, const FaultSchedule& faults, std::size_t region,
                 std::uint64_t seed)
    : queue_(queue),
      faults_(faults),
      region_(region),
      slots_(plan.regions[region].slots),
      slow_down_random_(seed, Purpose::slow_down, {region}),
      recent_latency_(seconds(plan.prefill_median)) {}

int Gateway::slots_now() const {
    const auto* overload = faults_.find(FaultKind::overload, region_, queue_.now());
    return overload == nullptr ? slots_ : static_cast<int>(slots_ * overload->value);
}

Time Gateway::freeze_end() const {
    return faults_.freeze_end(region_, queue_.now(), FaultSchedule::Component::workers);
}

double Gateway::slow_down(Time when) {
    const auto step = static_cast<std::size_t>(when / kSlowDownStep);
    while (slow_down_steps_.size() <= step) {
        const double before = slow_down_steps_.empty() ? 0 : slow_down_steps_.back();
        slow_down_steps_.push_back(0.8 * before + 0.06 * slow_down_random_.normal());
    }
    const auto* slow = faults_.find(FaultKind::slow, region_, when);
    return std::exp(slow_down_steps_[step]) * (slow == nullptr ? 1 : slow->value);
}

bool Gateway::admits(Time now) {
    const auto* quota = faults_.find(FaultKind::quota, region_, now);
    if (quota == nullptr) return true;
    return quota_.take(quota->value, now);
}

Gateway::JobId Gateway::submit(Work work, Listener listener) {
    const JobId id = ++last_;
    auto& job = jobs_[id];
    job.work = work;
    job.listener = std::move(listener);
    job.arrived = queue_.now();
    pending_.push_back(id);
    ++waiting_;
    refill();
    return id;
}

void Gateway::refill() {
    if (const auto frozen_until = freeze_end(); frozen_until != queue_.now()) {
        queue_.at(frozen_until, [this] { refill(); });
        return;
    }
    while (!pending_.empty() && busy_ < slots_now()) {
        const auto id = pending_.front();
        pending_.pop_front();
        if (const auto job = jobs_.find(id); job != jobs_.end()) start(id, job->second);
    }
}

void Gateway::start(JobId id, Job& job) {
    --waiting_;
    ++busy_;
    job.started = queue_.now();
    const double factor = slow_down(queue_.now());
    job.work.prefill = from_seconds(seconds(job.work.prefill) * factor);
    job.work.hold = from_seconds(seconds(job.work.hold) * factor);
    if (job.work.turn_only) {
        schedule_step(id, Time{0}, Step::ready);
        return;
    }
    job.pieces_left = static_cast<int>(job.work.hold / kMaxSilence);
    job.between = job.work.hold / (job.pieces_left + 1);
    schedule_step(id, job.work.prefill, Step::first_content);
}

void Gateway::schedule_step(JobId id, Time after, Step step) {
    jobs_[id].next = queue_.at(queue_.now() + after, [this, id, step] { run_step(id, step); });
}

void Gateway::run_step(JobId id, Step step) {
    auto& job = jobs_.at(id);
    if (const auto frozen_until = freeze_end(); frozen_until != queue_.now()) {
        schedule_step(id, frozen_until - queue_.now(), step);
        return;
    }
    if (step == Step::first_content) {
        recent_latency_ += 0.05 * (seconds(queue_.now() - job.arrived) - recent_latency_);
    }
    const bool over = step != Step::first_content && step != Step::piece;
    if (!over) {
        if (job.work.cut) {
            schedule_step(id, job.work.hold / 2, Step::cut);
        } else {
            schedule_step(id, job.between, job.pieces_left-- > 0 ? Step::piece : Step::finished);
        }
        job.listener(step);
        return;
    }
    const auto listener = std::move(job.listener);
    release(id);
    listener(step);
}

void Gateway::release(JobId id) {
    jobs_.erase(id);
    --busy_;
    refill();
}

std::optional<double> Gateway::abandon(JobId id) {
    const auto job = jobs_.find(id);
    if (job == jobs_.end()) return std::nullopt;
    queue_.cancel(job->second.next);
    if (!job->second.started) {
        --waiting_;
        jobs_.erase(job);
        return std::nullopt;
    }
    const double served = seconds(queue_.now() - *job->second.started);
    release(id);
    return served;
}

void Gateway::die() {
    for (const auto& [id, job] : jobs_) queue_.cancel(job.next);
    jobs_.clear();
    pending_.clear();
    busy_ = 0;
    waiting_ = 0;
}

}  // namespace holysheep::sim
