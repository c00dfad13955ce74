// The streams that the gateway sends in these benchmarks, and the check that all pieces arrived once and in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holysheep::bench {

/// How one stream is sent; encoded in the path of the URL.
struct StreamScript {
    std::size_t chunks = 0;           ///< pieces of content, besides the first and last events
    std::uint64_t period_us = 0;      ///< time between two pieces; 0: everything in one burst
    bool waits_for_gate = false;      ///< paced streams: begin when the gate opens
    bool one_frame_per_event = true;  ///< of the chunked coding, as gateways do; otherwise one for all
};

/// "http://127.0.0.1:<port>/2000/0/0/1/v1"
std::string base_url_of(const StreamScript& script, int port);
StreamScript script_from(std::string_view request_line);

/// One event each: "data: …" and the blank line.
const std::string& first_event();
std::string content_event(std::size_t number);
const std::string& last_events();

/// Tracks which piece comes next, to detect repeated, missing or reordered ones.
class ChunkCount {
  public:
    /// Throws if this is not the expected piece.
    void add(std::string_view text);
    std::size_t seen() const { return seen_; }
    /// Throws unless exactly `expected` pieces came; then starts again.
    void end(std::size_t expected);

  private:
    std::size_t seen_ = 0;
};

}  // namespace holysheep::bench
