// Declares the reference policies: minimal versions of well-known ways to choose a region.
// ReferenceClient → [pickers] → a region
#pragma once

#include <memory>

#include "caller.hpp"

namespace holysheep::sim {

std::unique_ptr<Caller> make_random(const Process& process);
std::unique_ptr<Caller> make_static_weights(const Process& process);
std::unique_ptr<Caller> make_lowest_ping(const Process& process);
std::unique_ptr<Caller> make_naive(const Process& process);
std::unique_ptr<Caller> make_aimd(const Process& process);
std::unique_ptr<Caller> make_p2c(const Process& process);
std::unique_ptr<Caller> make_prequal(const Process& process);

}  // namespace holysheep::sim
