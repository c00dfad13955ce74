// Reference policy: regions whose number of requests in flight lies above a quantile are hot. The fastest cold region
// is taken, or the one with the fewest requests in flight if all are hot (Wydrowski et al.: "Load is not what you
// should balance: Introducing Prequal", NSDI 2024).
#include <algorithm>
#include <charconv>
#include <deque>

#include "reference_client.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr double kHotQuantile = 0.84;
constexpr std::size_t kPoolSize = 16;
constexpr std::size_t kHistorySize = 64;
constexpr int kProbesPerCall = 3;
constexpr Time kLoadProbeTimeout = 1s, kMaxAge = 2s;
constexpr int kMaxUses = 4;

std::int64_t number(const HttpHead& head, std::string_view name) {
    std::int64_t value = 0;
    for (const auto& [key, text] : head.headers) {
        if (key == name) std::from_chars(text.data(), text.data() + text.size(), value);
    }
    return value;
}

class HotCold final : public RegionPicker {
  public:
    explicit HotCold(const Process& process)
        : queue_(process.env.queue),
          random_(process.seed, Purpose::policy),
          prober_(process),
          count_(process.env.plan.regions.size()) {}

    void pick(CallNumber, std::function<void(std::size_t)> on_picked) override {
        for (int i = 0; i < kProbesPerCall; ++i) probe(random_.index(count_));
        std::erase_if(
            pool_, [this](const Sample& sample) { return queue_.now() - sample.when > kMaxAge || sample.uses <= 0; });
        if (pool_.empty()) return on_picked(random_.index(count_));
        const auto limit = hot_limit();
        auto& best = *std::ranges::min_element(pool_, [limit](const Sample& a, const Sample& b) {
            const bool hot_a = a.in_flight > limit, hot_b = b.in_flight > limit;
            if (hot_a != hot_b) return hot_b;
            return hot_a ? a.in_flight < b.in_flight : a.latency < b.latency;
        });
        --best.uses;
        ++best.in_flight;  // the probe did not count the request that is sent now
        on_picked(best.region);
    }

  private:
    struct Sample {
        std::size_t region = 0;
        std::int64_t in_flight = 0;
        Time latency{}, when{};
        int uses = kMaxUses;
    };

    void probe(std::size_t region) {
        prober_.send(region, "/load", kLoadProbeTimeout, [this, region](const std::optional<ProbeAnswer>& answer) {
            if (!answer) return;
            Sample sample{.region = region, .in_flight = number(answer->head, "x-in-flight"), .when = queue_.now()};
            sample.latency = answer->took + std::chrono::microseconds(number(answer->head, "x-latency-us"));
            if (pool_.size() == kPoolSize) pool_.pop_front();
            pool_.push_back(sample);
            if (in_flight_history_.size() == kHistorySize) in_flight_history_.pop_front();
            in_flight_history_.push_back(sample.in_flight);
        });
    }

    std::int64_t hot_limit() const {
        std::vector<std::int64_t> sorted(in_flight_history_.begin(), in_flight_history_.end());
        const auto at = static_cast<std::ptrdiff_t>(kHotQuantile * static_cast<double>(sorted.size() - 1));
        std::ranges::nth_element(sorted, sorted.begin() + at);
        return sorted[static_cast<std::size_t>(at)];
    }

    EventQueue& queue_;
    RandomStream random_;
    Prober prober_;
    std::size_t count_;
    std::deque<Sample> pool_;
    std::deque<std::int64_t> in_flight_history_;
};

}  // namespace

std::unique_ptr<Caller> make_prequal(const Process& process) {
    return make_reference(process, std::make_unique<HotCold>(process));
}

}  // namespace holysheep::sim
