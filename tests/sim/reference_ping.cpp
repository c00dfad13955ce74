// Reference policies that choose by ping time, measured periodically or anew before each call.
#include <algorithm>

#include "reference_client.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kProbeTimeout = 1s;

std::size_t lowest(const std::vector<Time>& pings) {
    return static_cast<std::size_t>(std::ranges::min_element(pings) - pings.begin());
}

/// Pings every region every ten seconds and sends everything to the one with the lowest ping time.
class LowestPing final : public RegionPicker {
  public:
    explicit LowestPing(const Process& process)
        : queue_(process.env.queue),
          random_(process.seed, Purpose::policy),
          prober_(process),
          pings_(process.env.plan.regions.size(), kProbeTimeout) {
        ping_all();
    }
    ~LowestPing() override { queue_.cancel(timer_); }
    LowestPing(const LowestPing&) = delete;
    LowestPing& operator=(const LowestPing&) = delete;

    void pick(CallNumber, std::function<void(std::size_t)> on_picked) override { on_picked(lowest(pings_)); }

  private:
    void ping_all() {
        for (std::size_t region = 0; region < pings_.size(); ++region) {
            prober_.send(region, "/models", kProbeTimeout, [this, region](const std::optional<ProbeAnswer>& answer) {
                pings_[region] = answer ? answer->took : kNever;
            });
        }
        timer_ = queue_.at(queue_.now() + from_seconds(random_.uniform(8, 12)), [this] { ping_all(); });
    }

    EventQueue& queue_;
    RandomStream random_;
    Prober prober_;
    std::vector<Time> pings_;
    EventQueue::EventId timer_ = 0;
};

/// Before each call, asks every region in turn whether it is ready, and takes the one that answered fastest. After a
/// failure the next best is tried.
class Naive final : public RegionPicker {
  public:
    explicit Naive(const Process& process) : prober_(process), count_(process.env.plan.regions.size()) {}

    void pick(CallNumber call, std::function<void(std::size_t)> on_picked) override {
        if (const auto ranked = ranking_.find(call); ranked != ranking_.end()) {
            auto& left = ranked->second;
            std::rotate(left.begin(), left.begin() + 1, left.end());
            on_picked(left.front());
            return;
        }
        probe(call, {}, std::move(on_picked));
    }

    void call_over(CallNumber call) override { ranking_.erase(call); }

  private:
    void probe(CallNumber call, std::vector<Time> pings, std::function<void(std::size_t)> on_picked) {
        const auto region = pings.size();
        if (region == count_) {
            auto& ranked = ranking_[call];
            for (std::size_t i = 0; i < count_; ++i) ranked.push_back(i);
            std::ranges::stable_sort(ranked, {}, [&pings](std::size_t i) { return pings[i]; });
            on_picked(ranked.front());
            return;
        }
        prober_.send(region, "/ready", kProbeTimeout,
                     [this, call, pings = std::move(pings),
                      on_picked = std::move(on_picked)](const std::optional<ProbeAnswer>& answer) mutable {
                         pings.push_back(answer ? answer->took : kNever);
                         probe(call, std::move(pings), std::move(on_picked));
                     });
    }

    Prober prober_;
    std::size_t count_;
    std::unordered_map<CallNumber, std::vector<std::size_t>> ranking_;
};

}  // namespace

std::unique_ptr<Caller> make_lowest_ping(const Process& process) {
    return make_reference(process, std::make_unique<LowestPing>(process));
}

std::unique_ptr<Caller> make_naive(const Process& process) {
    return make_reference(process, std::make_unique<Naive>(process));
}

}  // namespace holysheep::sim
