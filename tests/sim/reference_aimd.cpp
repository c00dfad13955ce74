// Reference policy: any region that has room under its concurrency limit. Answers raise the limit by one a round,
// failures halve it (AIMD, as in TCP's congestion avoidance: RFC 5681). When all regions are full, calls wait in order.
#include <algorithm>
#include <deque>

#include "reference_client.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

namespace {

class Aimd final : public RegionPicker {
  public:
    explicit Aimd(const Process& process)
        : random_(process.seed, Purpose::policy), regions_(process.env.plan.regions.size()) {}

    void pick(CallNumber call, std::function<void(std::size_t)> on_picked) override {
        waiting_.push_back({call, std::move(on_picked)});
        serve();
    }
    void dispatched(std::size_t region) override { ++regions_[region].in_flight; }
    void on_outcome(const AttemptOutcome& outcome) override {
        auto& limit = regions_[outcome.region].limit;
        limit = outcome.succeeded ? std::min(limit + 1 / limit, 1'000.0) : std::max(limit / 2, 1.0);
    }
    void ended(std::size_t region) override {
        --regions_[region].in_flight;
        serve();
    }
    void call_over(CallNumber call) override {
        std::erase_if(waiting_, [call](const auto& waiter) { return waiter.first == call; });
    }

  private:
    struct Region {
        double limit = 20;
        int in_flight = 0;
    };

    void serve() {
        while (!waiting_.empty()) {
            std::vector<std::size_t> free;
            for (std::size_t i = 0; i < regions_.size(); ++i) {
                if (regions_[i].in_flight < static_cast<int>(regions_[i].limit)) free.push_back(i);
            }
            if (free.empty()) return;
            const auto on_picked = std::move(waiting_.front().second);
            waiting_.pop_front();
            on_picked(free[random_.index(free.size())]);
        }
    }

    RandomStream random_;
    std::vector<Region> regions_;
    std::deque<std::pair<CallNumber, std::function<void(std::size_t)>>> waiting_;
};

}  // namespace

std::unique_ptr<Caller> make_aimd(const Process& process) {
    return make_reference(process, std::make_unique<Aimd>(process));
}

}  // namespace holysheep::sim
