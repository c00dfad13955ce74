// What one caller saw: how its calls ended, how long they took, and what it held of the system meanwhile.
// Heard → [Tally] → file → report
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "asker.hpp"
#include "question.hpp"

namespace holysheep::soak {

/// A call that takes longer hangs: a region is whole all the time.
inline constexpr std::chrono::seconds kHungAfter{30};

/// The first part of a run, one in so many, is for warming up: some faults fall into it.
inline constexpr int kWarmAfter = 3;

/// Of this process, as the system counts it; free memory is given back before.
struct Holdings {
    double memory_mb = 0;  ///< resident
    int descriptors = 0;
};
Holdings holdings_now();

/// Everything that the table shows of a caller.
struct Figures {
    std::string caller{};
    int calls = 0, answered = 0;
    int lost = 0;       ///< ended without an answer and without a piece of it
    int cut = 0;        ///< ended after content, by an error that says so and holds what came
    int recovered = 0;  ///< streams that broke after content and were answered whole
    int hung = 0;
    int wrong = 0;  ///< taken for a whole answer, or for the beginning of one, and not that
    std::int64_t attempts = 0;
    double p50_ms = 0, p99_ms = 0, max_ms = 0;  ///< until the first content, without the time that the model thinks
    Holdings start{}, warm{}, end{};
    int most_descriptors = 0;
    int left_open = 0;     ///< descriptors that the client's end did not close
    int most_at_once = 0;  ///< calls that were out at the same time
    int regions = 0;
    std::vector<std::string> troubles{};  ///< of the calls that should not have ended so, the first ones
};

void save(const Figures& figures, const std::string& path);
/// Throws where the file is missing or cut: the caller has crashed.
Figures load_figures(const std::string& path);

class Tally {
  public:
    /// Has its memory from the start, so that it does not look like a leak of what it measures.
    explicit Tally(std::size_t calls);
    void asked();
    void add(const Question& question, const Heard& heard, std::chrono::nanoseconds took, std::chrono::milliseconds at);
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
