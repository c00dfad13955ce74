// Measures ten thousand slow streams on one client: their CPU time while they flow, and their memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "stream_server.hpp"

namespace holysheep::bench {

struct ManyStreams {
    std::size_t streams = 0;
    std::uint64_t chunks = 0;   ///< received chunks of all streams
    double cpu_per_chunk = 0;   ///< µs, while all streams flow
    double kib_per_stream = 0;  ///< resident memory
};

/// Opens as many streams as the limit on descriptors allows, at most `wanted`. Each measurement runs in a separate
/// process, so that memory left by another does not count. Call this before the first thread starts. Throws if a stream
/// was incomplete.
ManyStreams measure_raw(const StreamServer& server, std::size_t wanted, int seconds);
ManyStreams measure_ours(const StreamServer& server, std::size_t wanted, int seconds);

}  // namespace holysheep::bench
