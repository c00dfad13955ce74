// Whether a request is lost, or sent once more than anybody is told, while the server ends its connections all the
// time.
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

/// 5,000 calls; `first_call` numbers them apart from those of another run on the same server.
RecycledCount count_recycled(const RawTarget& target, bool http2, const Sightings& sightings, std::size_t first_call);

}  // namespace holysheep::bench
