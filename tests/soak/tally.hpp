// The results of one caller: outcomes and latencies of its calls, and its memory and descriptors.
// Outcome → [Tally] → file → report
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "question.hpp"
#include "test_client.hpp"

namespace holysheep::soak {

/// A call that takes longer counts as hung: one region is healthy at all times.
inline constexpr std::chrono::seconds kHungAfter{30};

/// The first 1/kWarmUpFraction of a run is the warm-up, which includes some faults.
inline constexpr int kWarmUpFraction = 3;

/// Resources of this process according to the kernel, after freed memory was returned to it.
struct ResourceUse {
    double memory_mb = 0;  ///< resident
    int descriptors = 0;
};
ResourceUse resource_use_now();

/// The table's row of a caller.
struct Figures {
    std::string caller{};
    int calls = 0, answered = 0;
    int lost = 0;       ///< failed without any content
    int cut = 0;        ///< failed after content, with an error that holds the content
    int recovered = 0;  ///< streams that broke after content and were still answered completely
    int hung = 0;
    int wrong = 0;  ///< reported as an answer, or as a part of one, and it is not
    std::int64_t attempts = 0;
    double p50_ms = 0, p99_ms = 0, max_ms = 0;  ///< time to first content, without thinking time
    ResourceUse start{}, warm{}, end{};
    int max_descriptors = 0;
    int left_open = 0;       ///< descriptors that the client's destructor did not close
    int max_concurrent = 0;  ///< most calls in flight at the same time
    int regions = 0;
    std::vector<std::string> problems{};  ///< descriptions of the first unexpected outcomes
};

void save(const Figures& figures, const std::string& path);
/// Throws if the file is missing or truncated, because the caller has crashed.
Figures load_figures(const std::string& path);

class Tally {
  public:
    /// Allocates its memory up front, so that it does not look like a leak of the client.
    explicit Tally(std::size_t calls);
    void on_start();
    void add(const Question& question, const Outcome& outcome, std::chrono::nanoseconds took,
             std::chrono::milliseconds at);
    int outstanding() const;
    /// Calls that have not ended count as hung.
    Figures figures(std::string caller) const;

  private:
    mutable std::mutex mutex_;  // guards what follows
    Figures seen_;
    int ended_ = 0;
    std::vector<float> waits_;
};

}  // namespace holysheep::soak
