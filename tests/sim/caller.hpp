// One client process under one policy: the production client, or one of the reference clients that it is compared with.
// Simulation → [Caller] → SimTransport
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "environment.hpp"
#include "sim_transport.hpp"

namespace holysheep::sim {

class Caller {
  public:
    virtual ~Caller();
    /// Makes the call and records in the ledger when its first content came and how it ended.
    virtual void start_call(CallNumber call) = 0;
    /// Moves the process's own clock forward.
    virtual void jump(Time by) = 0;
};

/// The inputs of a new process. The transport outlives the process.
struct Process {
    Environment env;
    std::shared_ptr<SimTransport> transport;
    int client = 0;
    std::uint64_t seed = 0;  ///< seeds the policy's own random numbers
};

struct Policy {
    std::string_view name;
    std::string_view what;
    std::unique_ptr<Caller> (*make)(const Process& process);
};
const std::vector<Policy>& all_policies();

}  // namespace holysheep::sim
