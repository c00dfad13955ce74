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

Time NetworkPath::one_way(std::size_t region, RandomStream& draws) const {
    const double spike = draws.chance(kSpikes) ? kSpikeFactor : 1;
    const double factor = std::max(0.5, 1 + kJitter * draws.normal()) * spike;
    return from_seconds(seconds(rtt(region)) / 2 * factor);
}

bool NetworkPath::lost(std::size_t region, Way way, Time when, RandomStream& draws) const {
    double loss = kLoss;
    if (way == Way::to_client) {
        if (faults_.holds(FaultKind::black_hole, region, when)) return true;
        if (const auto* fault = faults_.find(FaultKind::loss, region, when)) loss += fault->value;
    }
    return draws.chance(loss);
}

Time NetworkPath::arrival(std::size_t region, Way way, Time when, RandomStream& draws) const {
    Time rto = rtt(region) + kMinimalRto;
    for (int sent = 0; sent <= kRetransmissions; ++sent, when += rto, rto *= 2) {
        if (!lost(region, way, when, draws)) return when + one_way(region, draws);
    }
    return kNever;
}

NetworkPath::Handshake NetworkPath::connect(std::size_t region, Time when, RandomStream& draws) const {
    Time rto = kSynRto;
    for (int sent = 0; sent <= kSynRetransmissions; ++sent, when += rto, rto *= 2) {
        const auto there = when + one_way(region, draws);
        const auto back = there + one_way(region, draws);
        if (faults_.holds(FaultKind::black_hole, region, there)) continue;
        if (faults_.refuses(region, there)) return {Handshake::Result::refused, back};
        if (lost(region, Way::to_region, when, draws) || lost(region, Way::to_client, there, draws)) continue;
        return {Handshake::Result::established, back};
    }
    return {};
}

}  // namespace holysheep::sim
