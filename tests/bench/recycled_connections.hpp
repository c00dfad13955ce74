// Checks whether requests are lost, or sent more often than the records show, while the server keeps closing its
// connections.
#pragma once

#include <cstdint>
#include <string>

#include "fixed_server.hpp"
#include "raw_client.hpp"

namespace holysheep::bench {

struct RecycledCount {
    std::uint64_t calls = 0, lost = 0, hidden_resends = 0, attempts = 0;
    std::string first_failure{};
};

/// Makes 5,000 calls, numbered from `first_call` so that several runs on the same server can be distinguished.
RecycledCount count_recycled(const RawTarget& target, bool http2, const Sightings& sightings, std::size_t first_call);

}  // namespace holysheep::bench
