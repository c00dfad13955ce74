// Ten thousand slow streams on one client: what they cost in CPU while they flow, and in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "stream_server.hpp"

namespace holysheep::bench {

struct ManyStreams {
    std::size_t streams = 0;
    std::uint64_t chunks = 0;   ///< that arrived, of all streams
    double cpu_per_chunk = 0;   ///< µs, while all streams flow
    double kib_per_stream = 0;  ///< resident memory
};

/// As many as the limit on descriptors allows, at most `wanted`. Each measurement runs in a process of its own, so that
/// none finds memory that another has left. To be called before the first thread. Throws where a stream was not whole.
ManyStreams measure_raw(const StreamServer& server, std::size_t wanted, int seconds);
ManyStreams measure_ours(const StreamServer& server, std::size_t wanted, int seconds);

}  // namespace holysheep::bench
