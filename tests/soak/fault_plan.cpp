// One pass through time: at each step a region is drawn, and struck if the rules allow it. The numbers are drawn by
// hand, because the distributions of the standard library differ between its vendors.
#include "fault_plan.hpp"

#include <algorithm>
#include <random>

namespace holysheep::soak {

namespace {

// Between the begin of one fault and the begin of the next.
constexpr milliseconds kShortestStep{150}, kLongestStep{1'800};
// The shorter ones are over before the last probe was missed; the longer ones see breakers open several times.
constexpr milliseconds kShortestFault{300}, kLongestFault{9'000};
// A region is left alone for so long before it is struck again.
constexpr milliseconds kShortestRest{400};

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    milliseconds between(milliseconds low, milliseconds high) {
        return low + milliseconds(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()))));
    }

  private:
    std::mt19937_64 engine_;
};

/// Kill and freeze come equally often; a restart is the rarer and milder case.
Blow draw_blow(Dice& dice) {
    const auto drawn = dice.below(5);
    if (drawn == 0) return Blow::restart;
    return drawn < 3 ? Blow::kill : Blow::freeze;
}

Part draw_part(Dice& dice, int backends) {
    const auto drawn = dice.below(backends > 1 ? 3 : 2);
    return drawn == 0 ? Part::proxy : drawn == 1 ? Part::backends : Part::one_backend;
}

}  // namespace

std::vector<PlannedFault> make_plan(std::uint64_t seed, milliseconds length, const std::vector<int>& backends) {
    Dice dice(seed);
    std::vector<PlannedFault> plan;
    std::vector<milliseconds> whole_since(backends.size(), -kRefuge);
    const auto last_end = length - kCalm;
    for (auto now = kCalm;; now += dice.between(kShortestStep, kLongestStep)) {
        PlannedFault fault{.at = now, .region = dice.below(backends.size())};
        fault.part = draw_part(dice, backends[fault.region]);
        fault.blow = draw_blow(dice);
        // Short faults and long ones are equally worth a look.
        fault.lasts = dice.below(2) == 0 ? dice.between(kShortestFault, kLongestFault / 4)
                                         : dice.between(kLongestFault / 4, kLongestFault);
        if (fault.blow == Blow::restart) fault.lasts = kRestartTakes;
        if (now + kShortestFault >= last_end) return plan;
        fault.lasts = std::min(fault.lasts, last_end - now);
        if (now < whole_since[fault.region] + kShortestRest) continue;
        bool refuge = false;
        for (std::size_t other = 0; other < backends.size(); ++other) {
            refuge = refuge || (other != fault.region && whole_since[other] + kRefuge <= now);
        }
        if (!refuge) continue;
        whole_since[fault.region] = now + fault.lasts;
        plan.push_back(fault);
    }
}

std::string to_text(const PlannedFault& fault, const std::vector<std::string>& ids) {
    std::string text = ids.at(fault.region);
    switch (fault.part) {
        case Part::proxy: text += " proxy"; break;
        case Part::backends: text += " backend"; break;
        case Part::one_backend: text += " one backend"; break;
    }
    switch (fault.blow) {
        case Blow::kill: text += " killed"; break;
        case Blow::freeze: text += " frozen"; break;
        case Blow::restart: return text + " restarted";
    }
    return text + " for " + std::to_string(fault.lasts.count()) + " ms";
}

}  // namespace holysheep::soak
