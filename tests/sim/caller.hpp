// One client process under one policy: the production client, or one of the reference clients it is measured against.
// World → [Caller] → SimTransport
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim_transport.hpp"
#include "surroundings.hpp"

namespace holysheep::sim {

class Caller {
  public:
    virtual ~Caller();
    /// Makes the call and tells the ledger when its first content came and how it ended.
    virtual void ask(CallNumber call) = 0;
    /// The process's own time jumps ahead.
    virtual void jump(Time by) = 0;
};

/// What a new process is given. The transport outlives it.
struct Process {
    Surroundings around;
    std::shared_ptr<SimTransport> transport;
    int client = 0;
    std::uint64_t seed = 0;  ///< of the policy's own randomness
};

struct Policy {
    std::string_view name;
    std::string_view what;
    std::unique_ptr<Caller> (*make)(const Process& process);
};
const std::vector<Policy>& all_policies();

}  // namespace holysheep::sim
