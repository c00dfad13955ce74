// Describes a simulation and its faults as plain values.
// scenario or file → [SimulationPlan] → World
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event_queue.hpp"

namespace holysheep::sim {

enum class FaultKind {
    refuse,              ///< RST to every SYN; established connections die
    black_hole,          ///< answers, ACKs and SYNs are lost
    frozen,              ///< the process is stopped; the kernel still accepts and ACKs
    frozen_after_head,   ///< answers stop after the head, and probes get no answer
    completions_frozen,  ///< answers stop after the head, while probes are answered
    comments_forever,    ///< the same, but with a keep-alive comment every 200 ms
    brown_out,           ///< `value` of the requests get 503 at once
    slow,                ///< service takes `value` times as long
    quota,               ///< `value` requests a second; beyond that 429 with Retry-After: 5
    window,              ///< `value` requests of each client in any 10 s, in all such regions together; beyond that 429
    flap,                ///< out of service for `value` seconds, back for as long, and so on; calls in progress go on
    dns,                 ///< the name does not resolve; established connections go on
    tls_stall,           ///< new TLS handshakes hang
    loss,                ///< `value` of the packets towards the client are lost
    cut,                 ///< `value` of the streams are cut half-way
    overload,            ///< only `value` of the slots work
    shed,                ///< no queue: 503 while all slots are taken, with `value` as Retry-After unless it is 0
    refusals,            ///< `value` of the requests get 503 with Retry-After: 1, whatever the load
    key_quota,  ///< one quota for the shared key in all regions: `value` of the demand; beyond it 429 without a hint
    poison,     ///< `value` of the calls get 500, in every region that holds this fault
    restart,    ///< all client processes restart at `from`
    clock_jump  ///< the clock of the first client process jumps `value` seconds ahead at `from`
};

std::string_view to_string(FaultKind kind);
std::optional<FaultKind> fault_kind(std::string_view name);
/// The default of `Fault::value` for this kind.
double default_value(FaultKind kind);

struct Fault {
    std::optional<std::size_t> region{};  ///< unset: all regions
    FaultKind kind = FaultKind::refuse;
    Time from{}, to{};
    double value = 0;
};

struct RegionPlan {
    std::string id{};
    Time rtt{};
    int slots = 110;
    double weight = 1;  ///< for the policies that are given weights
};

struct SimulationPlan {
    std::string scenario{};
    std::vector<RegionPlan> regions{};
    std::vector<Fault> faults{};
    int clients = 10;
    double load = 0.4;                 ///< arrivals as a share of the capacity
    std::optional<double> capacity{};  ///< calls a second; unset: what all slots serve on average
    Time duration{std::chrono::seconds(170)};
    Time warm_up{std::chrono::seconds(20)};

    Time prefill_median{std::chrono::milliseconds(220)};
    double prefill_sigma = 0.35;
    Time hold_median{std::chrono::milliseconds(1'200)};  ///< how long a slot is held after the first content
    double hold_sigma = 0.6;

    bool late_head = false;  ///< answer heads come with the first content; otherwise as soon as a request is accepted
    std::optional<Time> deadline{};  ///< from the start of each call to its last byte
    bool restart_streams = false;    ///< the production client restarts a broken stream in another region

    /// Calls that begin within [from, to) are measured; only those of one client if the fault affects only that client.
    struct Window {
        Time from{}, to{};
        std::optional<int> client{};
    };
    Window measured() const;
    double arrivals_per_second() const;
};

/// Returns a plan with three regions and no faults.
SimulationPlan default_plan();

}  // namespace holysheep::sim
