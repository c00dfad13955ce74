// Steps through time, draws a fault at each step, and keeps it if the rules allow it. Uses the raw engine because the
// distributions of standard libraries differ.
#include "fault_plan.hpp"

#include <algorithm>
#include <random>

namespace holysheep::soak {

namespace {

// Between the starts of consecutive faults.
constexpr milliseconds kMinStep{150}, kMaxStep{1'800};
// Short faults end before enough probes are missed; during long ones breakers open several times.
constexpr milliseconds kMinFault{300}, kMaxFault{9'000};
// Between the end of a fault and the next fault in the same region.
constexpr milliseconds kMinPause{400};

class RandomSource {
  public:
    explicit RandomSource(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    milliseconds between(milliseconds low, milliseconds high) {
        return low + milliseconds(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()))));
    }

  private:
    std::mt19937_64 engine_;
};

/// Kills and freezes are equally frequent; restarts are rarer because they are milder.
FaultKind draw_kind(RandomSource& random) {
    const auto drawn = random.below(5);
    if (drawn == 0) return FaultKind::restart;
    return drawn < 3 ? FaultKind::kill : FaultKind::freeze;
}

Target draw_target(RandomSource& random, int backends) {
    const auto drawn = random.below(backends > 1 ? 3 : 2);
    return drawn == 0 ? Target::proxy : drawn == 1 ? Target::backends : Target::one_backend;
}

}  // namespace

std::vector<PlannedFault> make_plan(std::uint64_t seed, milliseconds length, const std::vector<int>& backends) {
    RandomSource random(seed);
    std::vector<PlannedFault> plan;
    std::vector<milliseconds> healthy_since(backends.size(), -kMinHealthyTime);
    const auto last_end = length - kQuietMargin;
    for (auto now = kQuietMargin;; now += random.between(kMinStep, kMaxStep)) {
        PlannedFault fault{.at = now, .region = random.below(backends.size())};
        fault.target = draw_target(random, backends[fault.region]);
        fault.kind = draw_kind(random);
        // Half of the faults are short.
        fault.duration =
            random.below(2) == 0 ? random.between(kMinFault, kMaxFault / 4) : random.between(kMaxFault / 4, kMaxFault);
        if (fault.kind == FaultKind::restart) fault.duration = kRestartTime;
        if (now + kMinFault >= last_end) return plan;
        fault.duration = std::min(fault.duration, last_end - now);
        if (now < healthy_since[fault.region] + kMinPause) continue;
        bool other_healthy = false;
        for (std::size_t other = 0; other < backends.size(); ++other) {
            other_healthy = other_healthy || (other != fault.region && healthy_since[other] + kMinHealthyTime <= now);
        }
        if (!other_healthy) continue;
        healthy_since[fault.region] = now + fault.duration;
        plan.push_back(fault);
    }
}

std::string to_text(const PlannedFault& fault, const std::vector<std::string>& ids) {
    std::string text = ids.at(fault.region);
    switch (fault.target) {
        case Target::proxy: text += " proxy"; break;
        case Target::backends: text += " backend"; break;
        case Target::one_backend: text += " one backend"; break;
    }
    switch (fault.kind) {
        case FaultKind::kill: text += " killed"; break;
        case FaultKind::freeze: text += " frozen"; break;
        case FaultKind::restart: return text + " restarted";
    }
    return text + " for " + std::to_string(fault.duration.count()) + " ms";
}

}  // namespace holysheep::soak
