// Runs the production client in a simulated process.
// Simulation → [production caller] → holysheep::Client → SimTransport
#pragma once

#include <memory>

#include "caller.hpp"

namespace holysheep::sim {

std::unique_ptr<Caller> make_adaptive(const Process& process);
std::unique_ptr<Caller> make_adaptive_hedged(const Process& process);
/// The same, but the client limits its own rate to the gateway's window (FaultKind::window).
std::unique_ptr<Caller> make_adaptive_limited(const Process& process);
std::unique_ptr<Caller> make_weighted(const Process& process);
std::unique_ptr<Caller> make_round_robin(const Process& process);

}  // namespace holysheep::sim
