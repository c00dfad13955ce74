// An HTTP/1.1 server in a separate process that gives one prepared answer to every request, which is less work than any
// client has. Its CPU time is not counted.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holysheep::bench {

/// Records which requests arrived, by call number and attempt number. The memory is shared with the server.
class Sightings {
  public:
    static constexpr std::size_t kCalls = 20'000, kAttempts = 8;

    void add(std::size_t call, std::size_t attempt) {
        if (call < kCalls && attempt < kAttempts) counts_[call * kAttempts + attempt].fetch_add(1);
    }
    unsigned of(std::size_t call, std::size_t attempt) const { return counts_[call * kAttempts + attempt].load(); }

  private:
    std::atomic<std::uint8_t> counts_[kCalls * kAttempts];
};

class FixedServer {
  public:
    /// Forks, so it must be called before the first thread starts.
    FixedServer();
    /// Ends the server's process.
    ~FixedServer();
    FixedServer(const FixedServer&) = delete;
    FixedServer& operator=(const FixedServer&) = delete;

    int port() const { return port_; }
    /// Requests to this port are recorded if they carry `Idempotency-Key: call-<number>`.
    int recorded_port() const { return recorded_port_; }
    const Sightings& sightings() const { return *sightings_; }

  private:
    Sightings* sightings_;
    int port_ = 0, recorded_port_ = 0;
    pid_t process_ = 0;
};

}  // namespace holysheep::bench
