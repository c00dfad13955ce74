// Records the lines of a log.
// code under test → Log → [LogLines] → test
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "telemetry/log.hpp"

namespace holysheep::client {

/// Thread-safe. Must outlive its log.
class LogLines {
  public:
    std::shared_ptr<const telemetry::Log> log() {
        return std::make_shared<const telemetry::Log>(LogOptions{.level = LogLevel::trace,
                                                                 .sink =
                                                                     [this](LogLevel, std::string_view line) {
                                                                         const std::lock_guard lock(mutex_);
                                                                         lines_.emplace_back(line);
                                                                     }},
                                                      telemetry::Redactor());
    }
    std::vector<std::string> all() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace holysheep::client
