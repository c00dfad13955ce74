// The process behind a proxy: the simulated gateway on two ports, without any fault of its own. Signals are its faults.
// nginx, haproxy → [backend] → answers
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace holysheep::soak {

/// Behind the second port this passes between the head and the first piece, as it does with models that reason.
inline constexpr std::chrono::milliseconds kThinking{1'000};

/// Serves until SIGTERM. Arguments: region, quick port, thinking port. Returns the exit code.
int run_backend(const std::vector<std::string>& arguments);

}  // namespace holysheep::soak
