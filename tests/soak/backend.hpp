// The process behind a proxy: a simulated gateway on two ports. It injects no faults; signals to the process do.
// nginx, haproxy → [backend] → answers
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace holysheep::soak {

/// The delay between head and first piece on the second port, as with reasoning models.
inline constexpr std::chrono::milliseconds kThinking{1'000};

/// Serves until SIGTERM. Arguments: region, quick port, thinking port. Returns the exit code.
int run_backend(const std::vector<std::string>& arguments);

}  // namespace holysheep::soak
