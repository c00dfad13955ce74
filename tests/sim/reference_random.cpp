// Reference policies that measure nothing: a random region, uniformly or by fixed weights.
#include "reference_client.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

namespace {

class FixedShares final : public RegionPicker {
  public:
    FixedShares(const Process& process, std::vector<double> shares)
        : random_(process.seed, Purpose::policy), shares_(std::move(shares)) {
        for (const double share : shares_) sum_ += share;
    }

    void pick(CallNumber, std::function<void(std::size_t)> on_picked) override {
        double left = random_.uniform(0, sum_);
        std::size_t region = 0;
        while (region + 1 < shares_.size() && left >= shares_[region]) left -= shares_[region++];
        on_picked(region);
    }

  private:
    RandomStream random_;
    std::vector<double> shares_;
    double sum_ = 0;
};

}  // namespace

std::unique_ptr<Caller> make_random(const Process& process) {
    std::vector<double> shares(process.env.plan.regions.size(), 1);
    return make_reference(process, std::make_unique<FixedShares>(process, std::move(shares)));
}

std::unique_ptr<Caller> make_static_weights(const Process& process) {
    std::vector<double> shares;
    for (const auto& region : process.env.plan.regions) shares.push_back(region.weight);
    return make_reference(process, std::make_unique<FixedShares>(process, std::move(shares)));
}

}  // namespace holysheep::sim
