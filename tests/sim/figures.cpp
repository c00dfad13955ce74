// Computes the figures. Only calls that began within the measured window count.
#include "figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "recovery.hpp"

namespace holysheep::sim {

namespace {

double quantile_of(std::vector<double> values, double quantile) {
    if (values.empty()) return std::nan("");
    const auto rank = static_cast<std::ptrdiff_t>(std::ceil(quantile * static_cast<double>(values.size()))) - 1;
    const auto at = std::clamp<std::ptrdiff_t>(rank, 0, static_cast<std::ptrdiff_t>(values.size()) - 1);
    std::ranges::nth_element(values, values.begin() + at);
    return values[static_cast<std::size_t>(at)];
}

/// R. Jain, D. Chiu, W. Hawe: "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984.
double jain(const std::vector<double>& shares) {
    double sum = 0;
    double squares = 0;
    for (const double share : shares) {
        sum += share;
        squares += share * share;
    }
    return squares <= 0 ? 1 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

bool kills(FaultKind kind) {
    constexpr std::array kinds{FaultKind::refuse,
                               FaultKind::black_hole,
                               FaultKind::frozen,
                               FaultKind::frozen_after_head,
                               FaultKind::completions_frozen,
                               FaultKind::comments_forever,
                               FaultKind::flap};
    return std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

Figures::Figures(const Simulation& simulation) : clients_(static_cast<std::uint64_t>(simulation.plan().clients)) {
    const auto& ledger = simulation.ledger();
    const auto window = simulation.plan().measured();
    const auto counts = [&](const CallEntry& call) {
        return !call.lost && call.began >= window.from && call.began < window.to &&
               (!window.client || call.client == *window.client);
    };
    for (const auto& call : ledger.calls()) {
        if (!counts(call)) continue;
        ++calls_;
        attempts_ += static_cast<std::uint64_t>(call.attempts);
        hedges_ += static_cast<std::uint64_t>(call.hedges);
        if (!call.over || !call.succeeded) continue;
        ++succeeded_;
        if (call.first_content) latencies_.push_back(in_ms(*call.first_content - call.began));
    }
    std::vector<double> of_clients(static_cast<std::size_t>(simulation.plan().clients));
    for (const auto& call : ledger.calls()) {
        if (call.lost || !call.over || !call.succeeded || !call.first_content) continue;
        if (*call.first_content < window.from || *call.first_content >= window.to) continue;
        answered_ += 1;
        of_clients[static_cast<std::size_t>(call.client)] += 1;
    }
    possible_ = simulation.plan().arrivals_per_second() / simulation.plan().load * seconds(window.to - window.from);
    fairness_ = jain(of_clients);
    simulations_ = 1;
    for (const auto& overhead : ledger.overheads()) {
        if (counts(ledger.calls()[overhead.call])) overheads_.push_back(in_ms(overhead.late_by));
    }
    for (const auto& [call, tokens] : ledger.wasted()) {
        if (counts(ledger.calls()[call])) wasted_tokens_ += tokens;
    }
    dead_attempts_ = ledger.dead_attempts();
    region_was_dead_ = std::ranges::any_of(simulation.plan().faults, kills, &Fault::kind);
    if (const auto recovery = recovery_seconds(simulation.plan(), ledger)) recoveries_.push_back(*recovery);
}

void Figures::add(const Figures& other) {
    calls_ += other.calls_;
    succeeded_ += other.succeeded_;
    attempts_ += other.attempts_;
    hedges_ += other.hedges_;
    dead_attempts_ += other.dead_attempts_;
    clients_ += other.clients_;
    wasted_tokens_ += other.wasted_tokens_;
    answered_ += other.answered_;
    possible_ += other.possible_;
    fairness_ += other.fairness_;
    simulations_ += other.simulations_;
    region_was_dead_ = region_was_dead_ || other.region_was_dead_;
    latencies_.insert(latencies_.end(), other.latencies_.begin(), other.latencies_.end());
    overheads_.insert(overheads_.end(), other.overheads_.begin(), other.overheads_.end());
    recoveries_.insert(recoveries_.end(), other.recoveries_.begin(), other.recoveries_.end());
}

double Figures::ratio(std::uint64_t part) const {
    return calls_ == 0 ? 0 : static_cast<double>(part) / static_cast<double>(calls_);
}

double Figures::latency_ms(double quantile) const { return quantile_of(latencies_, quantile); }

std::optional<double> Figures::overhead_ms(double quantile) const {
    if (overheads_.empty()) return std::nullopt;
    return quantile_of(overheads_, quantile);
}

std::optional<double> Figures::dead_attempts_per_client() const {
    if (!region_was_dead_) return std::nullopt;
    return static_cast<double>(dead_attempts_) / static_cast<double>(clients_);
}

std::optional<double> Figures::recover_seconds() const {
    if (recoveries_.empty()) return std::nullopt;
    return std::accumulate(recoveries_.begin(), recoveries_.end(), 0.0) / static_cast<double>(recoveries_.size());
}

}  // namespace holysheep::sim
