// Runs the library on the same streams as the raw client.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <holysheep/holysheep.hpp>

#include "stream_script.hpp"

namespace holysheep::bench {

/// Default options for a client of one region.
ClientOptions stream_options_for(const std::string& base_url, bool inline_callbacks);

/// Reads one stream after the other with `stream_to`.
class OurStreamReader {
  public:
    explicit OurStreamReader(const std::string& base_url) : client_(stream_options_for(base_url, false)) {}
    void read(std::size_t chunks);

  private:
    Client client_;
};

/// Reads many streams at a time with `stream_async` and callbacks on the I/O thread.
class OurStreams {
  public:
    explicit OurStreams(const std::string& base_url) : client_(stream_options_for(base_url, true)) {}
    void start(std::size_t streams);
    /// Throws unless every stream was complete; then discards them.
    void check_ended(std::size_t chunks);
    void wait();
    std::uint64_t chunks_seen() const { return seen_; }
    std::size_t running() const { return running_; }

  private:
    struct Stream {
        ChunkCount count{};
        std::string failure{};
        FinishReason reason = FinishReason::none;
    };

    std::vector<std::unique_ptr<Stream>> streams_;
    std::atomic<std::uint64_t> seen_{0};
    std::atomic<std::size_t> running_{0};
    Client client_;  // declared last: its destructor ends the callbacks that use the members above
};

}  // namespace holysheep::bench
