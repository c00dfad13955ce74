// Searches the list of faults for each question; the list is short.
#include "fault_schedule.hpp"

#include <algorithm>
#include <array>

namespace holysheep::sim {

namespace {

bool covers(const Fault& fault, std::size_t region, Time when) {
    return (!fault.region || *fault.region == region) && when >= fault.from && when < fault.to;
}

bool is_frozen_by(FaultKind kind, FaultSchedule::Component part) {
    using Component = FaultSchedule::Component;
    switch (kind) {
        case FaultKind::frozen: return true;
        case FaultKind::frozen_after_head: return part != Component::process;
        case FaultKind::completions_frozen:
        case FaultKind::comments_forever: return part == Component::workers;
        default: return false;
    }
}

bool refusing_half(const Fault& flap, Time when) {
    const auto half = from_seconds(flap.value);
    return ((when - flap.from) / half) % 2 == 0;
}

}  // namespace

const Fault* FaultSchedule::find(FaultKind kind, std::size_t region, Time when) const {
    for (const auto& fault : faults_) {
        if (fault.kind == kind && covers(fault, region, when)) return &fault;
    }
    return nullptr;
}

bool FaultSchedule::refuses(std::size_t region, Time when) const {
    if (faults_.empty()) return false;
    if (active(FaultKind::refuse, region, when)) return true;
    const auto* flap = find(FaultKind::flap, region, when);
    return flap != nullptr && refusing_half(*flap, when);
}

Time FaultSchedule::freeze_end(std::size_t region, Time when, Component part) const {
    for (const auto& fault : faults_) {
        if (covers(fault, region, when) && is_frozen_by(fault.kind, part)) return fault.to;
    }
    return when;
}

bool FaultSchedule::dead(std::size_t region, Time when) const {
    return refuses(region, when) || active(FaultKind::black_hole, region, when) ||
           freeze_end(region, when, Component::workers) != when;
}

bool FaultSchedule::disturbs(std::size_t region, Time when) const {
    constexpr std::array kinds{FaultKind::brown_out, FaultKind::quota, FaultKind::dns, FaultKind::tls_stall,
                               FaultKind::loss};
    return dead(region, when) || std::ranges::any_of(kinds, [&](auto kind) { return active(kind, region, when); });
}

std::vector<FaultSchedule::Loss> FaultSchedule::losses(std::size_t regions) const {
    std::vector<Loss> losses;
    for (const auto& fault : faults_) {
        for (std::size_t region = 0; region < regions; ++region) {
            if (fault.region && *fault.region != region) continue;
            if (fault.kind == FaultKind::refuse) losses.push_back({fault.from, region, true});
            if (fault.kind != FaultKind::flap) continue;
            for (Time at = fault.from; at < fault.to; at += 2 * from_seconds(fault.value)) {
                losses.push_back({at, region, false});
            }
        }
    }
    return losses;
}

}  // namespace holysheep::sim
