// One pass assigns a rank and a key to every candidate, the strategy or the session moves one to the front, then they
// are sorted. Allocates nothing once the scratch memory has grown to the number of regions.
#include "routing/selector.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

namespace holysheep::routing {

namespace {
constexpr std::size_t kExact = 32;  // positions of a plan that are sorted exactly
// A session keeps its region up to this factor of the lowest cost, plus this slack for regions that answer in
// milliseconds.
constexpr double kSessionTolerance = 2;
constexpr Latency kSessionSlack{50};
constexpr double kMinShare = 0.01;  // of the largest share, with latency_exponent
constexpr double kNoise = 0.05;

constexpr double exponential(double x) {
    double sum = 1;
    double term = 1;
    for (int n = 1; n < 40; ++n) sum += term *= x / n;
    return sum;
}

// exp(0.05 · z) for 256 evenly spread quantiles z of the normal distribution: one random byte selects the noise,
// without a logarithm per candidate. Computed by Newton's method on Φ(z) = ½ + φ(z) · (z + z³/3 + z⁵/(3·5) + …), from
// the middle outwards.
constexpr std::array<float, 256> kNoiseFactors = [] {
    std::array<float, 256> factors{};
    double z = 0;
    for (std::size_t i = 128; i < 256; ++i) {
        const double above_half = (static_cast<double>(i) + 0.5) / 256 - 0.5;
        for (int step = 0; step < 6; ++step) {
            const double density = exponential(-z * z / 2) / 2.506'628'274'631'000'5;
            double sum = z;
            double term = z;
            for (int n = 3; n < 80; n += 2) sum += term *= z * z / n;
            z += above_half / density - sum;
        }
        factors[i] = static_cast<float>(exponential(kNoise * z));
        factors[255 - i] = static_cast<float>(exponential(-kNoise * z));
    }
    return factors;
}();

std::uint64_t mix(std::uint64_t x) {  // the finalizer of SplitMix64
    x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return x ^ (x >> 31U);
}

/// Uses the eight bytes of each random number.
class NoiseFactors {
  public:
    explicit NoiseFactors(resilience::Random& random) : random_(random) {}
    double next() {
        if (left_ == 0) {
            bytes_ = random_.next();
            left_ = 8;
        }
        --left_;
        const auto byte = static_cast<std::uint8_t>(bytes_);
        bytes_ >>= 8U;
        return kNoiseFactors[byte];
    }

  private:
    resilience::Random& random_;
    std::uint64_t bytes_ = 0;
    int left_ = 0;
};

double power(double base, double exponent) {
    if (exponent > 64 || exponent != static_cast<unsigned>(exponent)) return std::pow(base, exponent);
    double result = 1;
    for (auto n = static_cast<unsigned>(exponent); n != 0; n >>= 1U, base *= base) {
        if ((n & 1U) != 0) result *= base;
    }
    return result;
}

/// Calls the function with the index of each usable candidate of the tier.
template <typename Function>
void for_each_eligible(std::span<const Candidate> candidates, int tier, Function function) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].usable && candidates[i].tier == tier) function(i);
    }
}

std::optional<int> lowest_usable_tier(std::span<const Candidate> candidates) {
    std::optional<int> tier;
    for (const Candidate& candidate : candidates) {
        if (candidate.usable && (!tier || candidate.tier < *tier)) tier = candidate.tier;
    }
    return tier;
}

Latency lowest_cost(std::span<const Candidate> candidates, int tier) {
    Latency lowest{std::numeric_limits<double>::infinity()};
    for_each_eligible(candidates, tier, [&](std::size_t i) { lowest = std::min(lowest, candidates[i].cost); });
    return lowest;
}

std::size_t fastest(std::span<const Candidate> candidates, int tier) {
    std::size_t best = candidates.size();
    const auto key = [&](std::size_t i) { return std::tuple(!candidates[i].overdue, candidates[i].latency); };
    for_each_eligible(candidates, tier, [&](std::size_t i) {
        if (best == candidates.size() || key(i) < key(best)) best = i;
    });
    return best;
}

/// Weighted rendezvous hashing (Schindelhauer, Schomaker: "Weighted Distributed Hash Tables", SPAA 2005): each region
/// computes −weight / ln(u) from its own and the session's hash; the largest owns the session. When a region is lost,
/// only its sessions move.
std::size_t session_owner(std::span<const Candidate> candidates, int tier, std::string_view session) {
    const std::uint64_t hash = hash_id(session);
    std::size_t owner = candidates.size();
    double best = -1;
    for_each_eligible(candidates, tier, [&](std::size_t i) {
        const double weight = candidates[i].weight;
        const double u = (static_cast<double>(mix(candidates[i].id_hash ^ hash) >> 12U) + 0.5) * 0x1.0p-52;
        if (weight <= best * (1 - u)) return;  // −ln(u) ≥ 1 − u: avoids most logarithms
        const double score = weight / -std::log(u);
        if (score > best) {
            best = score;
            owner = i;
        }
    });
    return owner;
}
}  // namespace

Latency cost(Latency latency, Latency mean_wait, double error_rate, int waiting, double weight, double ramp) {
    static const auto kCrowding = [] {
        std::array<double, 64> factors{};
        for (std::size_t i = 0; i < factors.size(); ++i)
            factors[i] = std::pow(1.0 + static_cast<double>(i), kLoadExponent);
        return factors;
    }();
    const auto others = static_cast<std::size_t>(std::max(waiting, 0));
    const double crowding =
        others < kCrowding.size() ? kCrowding[others] : std::pow(1.0 + static_cast<double>(others), kLoadExponent);
    const double share = std::max(weight * ramp, 1e-9);  // not 0, because costs must be comparable
    return (expected(latency, mean_wait) + kErrorCost * error_rate) * crowding / share;
}

Latency expected(Latency latency, Latency mean_wait) { return mean_wait > 1.25 * latency ? mean_wait : latency; }

std::uint64_t hash_id(std::string_view id) {
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;  // FNV-1a; `mix` spreads the last bytes to the upper bits
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3U;
    return mix(hash);
}

Selector::Selector(const SelectorOptions& options, std::size_t regions) : options_(options), credits_(regions) {
    entries_.reserve(regions);
    shares_.reserve(regions);
}

void Selector::rank(std::span<const Candidate> candidates, std::string_view session, resilience::Random& random,
                    std::vector<std::size_t>& plan) {
    const std::optional<int> tier = lowest_usable_tier(candidates);
    enter(candidates, tier, random);
    if (tier) {
        const std::size_t first = choose(candidates, *tier, session);
        if (first < candidates.size()) entries_[first].rank = kFront;
    }
    const auto exact_end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(entries_.size(), kExact));
    const auto before = [](const Entry& a, const Entry& b) {
        if (a.rank != b.rank) return a.rank < b.rank;
        return a.key != b.key ? a.key < b.key : a.candidate < b.candidate;
    };
    if (exact_end != entries_.end()) std::nth_element(entries_.begin(), exact_end, entries_.end(), before);
    std::sort(entries_.begin(), exact_end, before);
    plan.resize(entries_.size());
    std::ranges::transform(entries_, plan.begin(),
                           [&](const Entry& entry) { return candidates[entry.candidate].region; });
}

void Selector::enter(std::span<const Candidate> candidates, std::optional<int> tier, resilience::Random& random) {
    const bool noisy = options_.strategy == Strategy::adaptive;
    const bool explores = noisy || options_.strategy == Strategy::lowest_latency;
    NoiseFactors noise(random);
    entries_.resize(candidates.size());
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Candidate& candidate = candidates[i];
        std::int64_t rank = candidate.tier + (candidate.usable ? 0 : kUnusable);
        if (explores && candidate.overdue && candidate.usable && candidate.tier == tier) rank = kOverdue;
        entries_[i] = {rank, noisy ? candidate.cost * noise.next() : candidate.cost, static_cast<std::uint32_t>(i)};
    }
}

std::size_t Selector::choose(std::span<const Candidate> candidates, int tier, std::string_view session) {
    if (!session.empty()) {
        const std::size_t owner = session_owner(candidates, tier, session);
        if (candidates[owner].cost <= kSessionTolerance * lowest_cost(candidates, tier) + kSessionSlack) return owner;
    }
    switch (options_.strategy) {
        case Strategy::adaptive: break;  // the order of costs decides
        case Strategy::weighted: share_by_weight(candidates, tier); return next_by_share(candidates, tier);
        case Strategy::round_robin: shares_.assign(candidates.size(), 1); return next_by_share(candidates, tier);
        case Strategy::lowest_latency: return fastest(candidates, tier);
    }
    return candidates.size();
}

void Selector::share_by_weight(std::span<const Candidate> candidates, int tier) {
    const double exponent = options_.latency_exponent;
    const Latency lowest = exponent > 0 ? lowest_cost(candidates, tier) : Latency{};
    double largest = 0;
    shares_.resize(candidates.size());
    for_each_eligible(candidates, tier, [&](std::size_t i) {
        const Candidate& candidate = candidates[i];
        shares_[i] = candidate.weight * candidate.ramp;
        if (exponent > 0 && candidate.cost > lowest) shares_[i] *= power(lowest / candidate.cost, exponent);
        largest = std::max(largest, shares_[i]);
    });
    if (!(exponent > 0)) return;
    for (double& share : shares_) share = std::max(share, kMinShare * largest);
}

// Smooth weighted round robin, as in nginx: each candidate gains its share, the one with the most credit is chosen and
// pays the total. A region that is not usable keeps its credit.
std::size_t Selector::next_by_share(std::span<const Candidate> candidates, int tier) {
    double total = 0;
    std::size_t best = candidates.size();
    for_each_eligible(candidates, tier, [&](std::size_t i) {
        double& credit = credits_[candidates[i].region];
        credit += shares_[i];
        total += shares_[i];
        if (best == candidates.size() || credit > credits_[candidates[best].region]) best = i;
    });
    credits_[candidates[best].region] -= total;
    return best;
}

}  // namespace holysheep::routing
