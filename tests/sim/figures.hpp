// Summarizes the ledgers of one scenario and policy into figures.
// Ledger → [Figures] → a line of output
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulation.hpp"

namespace holysheep::sim {

/// Sums over simulations; the getters divide them at the end.
class Figures {
  public:
    Figures() = default;
    explicit Figures(const Simulation& simulation);
    void add(const Figures& other);

    std::uint64_t calls() const { return calls_; }
    double success() const { return ratio(succeeded_); }
    /// Time to the first content of successful calls, at this quantile, in ms.
    double latency_ms(double quantile) const;
    double attempts_per_call() const { return ratio(attempts_); }
    double hedge_share() const { return ratio(hedges_); }
    /// Time from the instant at which a problem could be known to the dispatch of the next attempt, in ms.
    std::optional<double> overhead_ms(double quantile) const;
    /// Set only if a region was dead.
    std::optional<double> dead_attempts_per_client() const;
    /// Mean over the simulations; one that never recovered counts with the time to its end.
    std::optional<double> recover_seconds() const;
    /// Calls answered within the measured time, as a share of what all slots could have served in it.
    double goodput() const { return possible_ <= 0 ? 0 : answered_ / possible_; }
    /// Jain's index over the clients' answered calls: 1 if all got the same number, 1/n if one got everything.
    double fairness() const { return simulations_ == 0 ? 1 : fairness_ / simulations_; }
    double wasted_tokens() const { return wasted_tokens_; }

  private:
    double ratio(std::uint64_t part) const;

    std::uint64_t calls_ = 0, succeeded_ = 0, attempts_ = 0, hedges_ = 0, dead_attempts_ = 0, clients_ = 0;
    double wasted_tokens_ = 0, answered_ = 0, possible_ = 0, fairness_ = 0;
    int simulations_ = 0;
    bool region_was_dead_ = false;
    std::vector<double> latencies_, overheads_, recoveries_;
};

}  // namespace holysheep::sim
