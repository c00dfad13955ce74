// Polls the health of every region ten times a second, so that faults begin only if another region is healthy.
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

    /// For how long the region has answered every request; zero while it does not answer.
    std::chrono::milliseconds healthy_for(std::size_t region) const;

  private:
    using Clock = std::chrono::steady_clock;
    /// Steady clock, in nanoseconds. Every request from `since` to `until` was answered; `since` is 0 while unhealthy.
    struct Seen {
        std::atomic<std::int64_t> since{0}, until{0};
    };
    void watch(const std::string& url, Seen& seen) const;

    std::vector<std::unique_ptr<Seen>> seen_;
    std::atomic<bool> stop_{false};
    std::vector<std::jthread> threads_;
};

}  // namespace holysheep::soak
