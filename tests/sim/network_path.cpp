// Computes the arrival of a packet at once, since all faults are known in advance.
#include "network_path.hpp"

#include <algorithm>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr double kLoss = 0.001;
constexpr double kJitter = 0.03;
// One round trip in two hundred takes twice as long: one of its two directions takes three times as long.
constexpr double kSpikes = 0.0025, kSpikeFactor = 3;
constexpr int kRetransmissions = 8;
constexpr Time kSynRto = 1s;
constexpr int kSynRetransmissions = 5;

}  // namespace

Time NetworkPath::one_way(std::size_t region, RandomStream& random) const {
    const double spike = random.chance(kSpikes) ? kSpikeFactor : 1;
    const double factor = std::max(0.5, 1 + kJitter * random.normal()) * spike;
    return from_seconds(seconds(rtt(region)) / 2 * factor);
}

bool NetworkPath::lost(std::size_t region, Direction direction, Time when, RandomStream& random) const {
    double loss = kLoss;
    if (direction == Direction::to_client) {
        if (faults_.active(FaultKind::black_hole, region, when)) return true;
        if (const auto* fault = faults_.find(FaultKind::loss, region, when)) loss += fault->value;
    }
    return random.chance(loss);
}

Time NetworkPath::arrival(std::size_t region, Direction direction, Time when, RandomStream& random) const {
    Time rto = rtt(region) + kMinimalRto;
    for (int sent = 0; sent <= kRetransmissions; ++sent, when += rto, rto *= 2) {
        if (!lost(region, direction, when, random)) return when + one_way(region, random);
    }
    return kNever;
}

NetworkPath::Handshake NetworkPath::connect(std::size_t region, Time when, RandomStream& random) const {
    Time rto = kSynRto;
    for (int sent = 0; sent <= kSynRetransmissions; ++sent, when += rto, rto *= 2) {
        const auto there = when + one_way(region, random);
        const auto back = there + one_way(region, random);
        if (faults_.active(FaultKind::black_hole, region, there)) continue;
        if (faults_.refuses(region, there)) return {Handshake::Result::refused, back};
        if (lost(region, Direction::to_region, when, random) || lost(region, Direction::to_client, there, random))
            continue;
        return {Handshake::Result::established, back};
    }
    return {};
}

}  // namespace holysheep::sim
