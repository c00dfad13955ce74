// Ranks the regions that one call may use. Reads what it is given, remembers only whose turn it is.
// Candidate per region → [Selector] → the call's plan: region numbers, best first
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <holysheep/options.hpp>

#include "resilience/random.hpp"

namespace holysheep::routing {

/// What a failure weighs, as time: a region that always fails counts as 600 ms slower.
inline constexpr double kErrorCost = 600;

/// What one more waiting attempt weighs: between 0 (least latency, which overruns the fastest region) and 1 (least
/// work, which ignores distance).
inline constexpr double kLoadExponent = 0.4;

/// Attempts that wait far longer than usual tell of a region that has just slowed down, before any answer could:
/// `latency`, or the mean wait so far where that is longer by a quarter.
double expected(double latency, double mean_wait);

/// (expected(latency, mean_wait) + 600 ms · error_rate) · (1 + waiting)^0.4 / (weight · ramp), in milliseconds.
/// `waiting` counts attempts without content: one that streams its answer takes nobody's turn at the front.
double cost(double latency, double mean_wait, double error_rate, int waiting, double weight, double ramp);

/// One region as the selector sees it.
struct Candidate {
    std::size_t region = 0;     ///< below the number that the selector was made for
    std::uint64_t id_hash = 0;  ///< of the region's id: the same in every process
    int tier = 0;
    double weight = 1, ramp = 1;
    double latency = 0;    ///< ms, with the error term: what `lowest_latency` compares
    double cost = 0;       ///< ms, see cost()
    bool usable = true;    ///< an attempt could go there now
    bool overdue = false;  ///< not tried for so long that it gets the next call (adaptive and lowest_latency)
};

/// A stable hash of a region's id, for sessions.
std::uint64_t hash_id(std::string_view id);

class Selector {
  public:
    Selector(const SelectorOptions& options, std::size_t regions);

    /// Writes the plan: all candidates' regions, of which the first is the one to ask. Usable ones come before the
    /// others; among either, tiers in ascending order; within a tier ascending cost. The strategy puts its choice
    /// from the lowest tier that has a usable region in front of all. For a `session` that is its owner by rendezvous
    /// hashing among those, unless it costs more than twice the cheapest of them and 50 ms; then the strategy chooses.
    /// Of more than 32 regions only the first 32 are in exact order, so that the effort grows linearly.
    void rank(std::span<const Candidate> candidates, std::string_view session, resilience::Random& random,
              std::vector<std::size_t>& plan);

  private:
    struct Entry {
        std::int64_t place;  // a tier, or one of those below
        double key;
        std::uint32_t candidate;
    };
    static constexpr std::int64_t kFront = -(std::int64_t{1} << 40), kOverdue = kFront + 1;
    static constexpr std::int64_t kUnusable = std::int64_t{1} << 40;  // added to the tier

    void enter(std::span<const Candidate> candidates, std::optional<int> tier, resilience::Random& random);
    /// Who comes first, or the number of candidates to leave that to the order of costs.
    std::size_t choose(std::span<const Candidate> candidates, int tier, std::string_view session);
    void share_by_weight(std::span<const Candidate> candidates, int tier);
    std::size_t take_turn(std::span<const Candidate> candidates, int tier);

    const SelectorOptions options_;
    std::vector<double> turns_;   // smooth weighted round robin, by region
    std::vector<Entry> entries_;  // scratch, kept for its memory
    std::vector<double> shares_;  // scratch, by candidate
};

}  // namespace holysheep::routing
