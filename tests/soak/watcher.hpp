// Asks every region how it is, ten times a second, so that faults begin only where they may.
// Site ← GET /v1/models ← [Watcher] → FaultRunner
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <holysheep/region.hpp>

namespace holysheep::soak {

class Watcher {
  public:
    explicit Watcher(const std::vector<Region>& regions);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// For how long the region has answered without a miss; zero while it does not.
    std::chrono::milliseconds whole_for(std::size_t region) const;

  private:
    using Clock = std::chrono::steady_clock;
    /// Both as nanoseconds of the clock. Answered without a miss from `since` to `until`; `since` 0: not.
    struct Seen {
        std::atomic<std::int64_t> since{0}, until{0};
    };
    void watch(const std::string& url, Seen& seen) const;

    std::vector<std::unique_ptr<Seen>> seen_;
    std::atomic<bool> leave_{false};
    std::vector<std::jthread> threads_;
};

}  // namespace holysheep::soak
