// Measures the peak memory of this process, as the kernel counts it.
#pragma once

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>

namespace holysheep::flow {

/// Measures from its construction on. Linux only: on other systems there is no result.
class PeakMemory {
  public:
    PeakMemory() {
        std::ofstream("/proc/self/clear_refs") << "5";  // resets the high-water mark
        begin_ = value("VmRSS:");
    }
    /// The growth in megabytes since the construction.
    std::optional<std::size_t> growth() const {
        const auto peak = value("VmHWM:");
        if (!peak || !begin_) return std::nullopt;
        return *peak > *begin_ ? (*peak - *begin_) / 1024 : 0;
    }

  private:
    static std::optional<std::size_t> value(const std::string& name) {
        std::ifstream status("/proc/self/status");
        for (std::string word; status >> word;) {
            std::size_t kilobytes = 0;
            if (word == name && status >> kilobytes) return kilobytes;
        }
        return std::nullopt;
    }
    std::optional<std::size_t> begin_;
};

}  // namespace holysheep::flow
