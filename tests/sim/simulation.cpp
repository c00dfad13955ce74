// Connects the components. Processes start and end only between events, because a client's destructor blocks.
#include "simulation.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kMaxOvertime = 120s;
constexpr int kNoClient = -1;

}  // namespace

Simulation::Simulation(const SimulationPlan& plan, const Policy& policy, std::uint64_t seed, Trace trace)
    : plan_(plan),
      policy_(policy),
      seed_(seed),
      trace_(trace),
      faults_(plan.faults),
      path_(plan_, faults_),
      env_{queue_, plan_, faults_, path_, gateways_, ledger_, trace_, key_quota_, seed} {
    for (std::size_t region = 0; region < plan_.regions.size(); ++region) {
        gateways_.push_back(std::make_unique<Gateway>(queue_, plan_, faults_, region, seed));
    }
    const auto clients = static_cast<std::size_t>(plan_.clients);
    callers_.resize(clients);
    for (std::size_t client = 0; client < clients; ++client) {
        arrivals_.emplace_back(seed, Purpose::arrival, std::initializer_list<std::uint64_t>{client});
        start_process(client);
    }
}

Simulation::~Simulation() = default;

void Simulation::start_process(std::size_t client) {
    const int number = static_cast<int>(client);
    transports_.push_back(std::make_shared<SimTransport>(env_, number, incarnation_));
    RandomStream seeds(seed_, Purpose::client, {client, static_cast<std::uint64_t>(incarnation_)});
    callers_[client] =
        policy_.make({.env = env_, .transport = transports_.back(), .client = number, .seed = seeds.next() | 1U});
}

void Simulation::schedule_arrival(std::size_t client) {
    const double mean = plan_.clients / plan_.arrivals_per_second();
    const auto when = queue_.now() + from_seconds(arrivals_[client].exponential(mean));
    if (when >= plan_.duration) return;
    queue_.at(when, [this, client] {
        const auto call = ledger_.begin(static_cast<int>(client), queue_.now());
        schedule_arrival(client);
        callers_[client]->start_call(call);
    });
}

void Simulation::schedule_faults() {
    for (const auto& fault : faults_.all()) {
        const auto where = fault.region ? plan_.regions[*fault.region].id : std::string("all regions");
        const auto what = std::string(to_string(fault.kind)) + " in " + where;
        queue_.at(fault.from, [this, what] { trace_.line(queue_.now(), kNoClient, what + " begins"); });
        queue_.at(fault.to, [this, what, kind = fault.kind] {
            if (kind == FaultKind::overload) std::ranges::for_each(gateways_, [](auto& gateway) { gateway->refill(); });
            trace_.line(queue_.now(), kNoClient, what + " ends");
        });
    }
    for (const auto& loss : faults_.losses(plan_.regions.size())) {
        queue_.at(loss.when, [this, loss] {
            if (loss.kills) gateways_[loss.region]->die();
            for (const auto& transport : transports_) transport->lose_region(loss.region, loss.kills);
        });
    }
}

void Simulation::restart_all() {
    ledger_.lose_open_calls();
    ++incarnation_;
    for (std::size_t client = 0; client < callers_.size(); ++client) {
        callers_[client].reset();
        start_process(client);
    }
}

void Simulation::run() {
    schedule_faults();
    for (std::size_t client = 0; client < callers_.size(); ++client) schedule_arrival(client);
    auto faults = plan_.faults;
    std::ranges::stable_sort(faults, {}, &Fault::from);
    for (const auto& fault : faults) {
        if (fault.kind != FaultKind::restart && fault.kind != FaultKind::clock_jump) continue;
        queue_.run_until(fault.from);
        if (fault.kind == FaultKind::restart) restart_all();
        if (fault.kind == FaultKind::clock_jump) callers_.front()->jump(from_seconds(fault.value));
    }
    queue_.run_until(plan_.duration);
    while (ledger_.open() > 0 && queue_.now() < plan_.duration + kMaxOvertime) queue_.run_until(queue_.now() + 1s);
    callers_.clear();
}

}  // namespace holysheep::sim
