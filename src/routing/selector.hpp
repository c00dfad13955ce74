// Ranks the regions that a call may use. Its only state is the position of the round robin.
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
#include "values/latency.hpp"

namespace holysheep::routing {

using values::Latency;

/// The weight of failures, as a time: a region that always fails counts as 600 ms slower.
inline constexpr Latency kErrorCost{600};

/// The weight of waiting attempts, between 0 (lowest latency, which overloads the fastest region) and 1 (fewest
/// requests, which ignores distance).
inline constexpr double kLoadExponent = 0.4;

/// `latency`, or the mean wait so far if that is longer by a quarter: attempts that wait far longer than usual show
/// that a region has slowed down before any answer does.
Latency expected(Latency latency, Latency mean_wait);

/// (expected(latency, mean_wait) + 600 ms · error_rate) · (1 + waiting)^0.4 / (weight · ramp). `waiting` counts
/// attempts without content: an attempt that streams its answer does not delay others.
Latency cost(Latency latency, Latency mean_wait, double error_rate, int waiting, double weight, double ramp);

/// One region as the selector sees it.
struct Candidate {
    std::size_t region = 0;     ///< below the number that the selector was made for
    std::uint64_t id_hash = 0;  ///< hash of the region's id, the same in every process
    int tier = 0;
    double weight = 1, ramp = 1;
    Latency latency{};     ///< including the error term; compared by `lowest_latency`
    Latency cost{};        ///< see cost()
    bool usable = true;    ///< an attempt may be sent now
    bool overdue = false;  ///< gets the next call, because it had none for long (adaptive and lowest_latency)
};

/// A stable hash of a region's id, for sessions.
std::uint64_t hash_id(std::string_view id);

class Selector {
  public:
    Selector(const SelectorOptions& options, std::size_t regions);

    /// Writes the plan: the regions of all candidates, best first. Usable regions precede the others; both are ordered
    /// by tier, then by cost. The strategy moves its choice from the lowest tier with a usable region to the front. For
    /// a `session`, the choice is its owner by rendezvous hashing, unless the owner costs more than twice the cheapest
    /// plus 50 ms. Only the first 32 regions are sorted exactly, so that the effort grows linearly.
    void rank(std::span<const Candidate> candidates, std::string_view session, resilience::Random& random,
              std::vector<std::size_t>& plan);

  private:
    struct Entry {
        std::int64_t rank;  // a tier, or one of the constants below
        Latency key;
        std::uint32_t candidate;
    };
    static constexpr std::int64_t kFront = -(std::int64_t{1} << 40), kOverdue = kFront + 1;
    static constexpr std::int64_t kUnusable = std::int64_t{1} << 40;  // added to the tier

    void enter(std::span<const Candidate> candidates, std::optional<int> tier, resilience::Random& random);
    /// The candidate for the front, or the number of candidates to keep the order of costs.
    std::size_t choose(std::span<const Candidate> candidates, int tier, std::string_view session);
    void share_by_weight(std::span<const Candidate> candidates, int tier);
    /// One step of the smooth weighted round robin.
    std::size_t next_by_share(std::span<const Candidate> candidates, int tier);

    const SelectorOptions options_;
    std::vector<double> credits_;  // of the smooth weighted round robin, by region
    std::vector<Entry> entries_;   // scratch memory
    std::vector<double> shares_;   // scratch memory, by candidate
};

}  // namespace holysheep::routing
