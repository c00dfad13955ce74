// Reference policy: the better of two random regions by latency times load. A latency peak counts at once and decays
// slowly (Finagle's "peak EWMA"). Failures count with the time they took, as in Finagle.
#include <cmath>

#include "reference_client.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

namespace {

constexpr double kDecay = 10;  // seconds

class PeakEwma final : public RegionPicker {
  public:
    explicit PeakEwma(const Process& process)
        : queue_(process.env.queue),
          random_(process.seed, Purpose::policy),
          regions_(process.env.plan.regions.size()) {}

    void pick(CallNumber, std::function<void(std::size_t)> on_picked) override {
        const auto a = random_.index(regions_.size());
        if (regions_.size() == 1) return on_picked(a);
        auto b = random_.index(regions_.size() - 1);
        if (b >= a) ++b;
        on_picked(cost(a) <= cost(b) ? a : b);
    }
    void dispatched(std::size_t region) override { ++regions_[region].in_flight; }

    void on_outcome(const AttemptOutcome& outcome) override {
        auto& region = regions_[outcome.region];
        --region.in_flight;  // the in-flight count and the latency measurement both end at the first content
        const double sample = seconds(outcome.latency);
        const double kept = std::exp(-seconds(queue_.now() - region.when) / kDecay);
        region.latency = sample > region.latency ? sample : kept * region.latency + (1 - kept) * sample;
        region.when = queue_.now();
    }

  private:
    struct Region {
        double latency = 0;
        Time when{};
        int in_flight = 0;
    };

    double cost(std::size_t i) const { return regions_[i].latency * (regions_[i].in_flight + 1); }

    EventQueue& queue_;
    RandomStream random_;
    std::vector<Region> regions_;
};

}  // namespace

std::unique_ptr<Caller> make_p2c(const Process& process) {
    return make_reference(process, std::make_unique<PeakEwma>(process));
}

}  // namespace holysheep::sim
