// Writes log lines to the user's sink or to spdlog.
// all modules → [Log] → LogOptions::sink, spdlog
#pragma once

#include <memory>
#include <string>

#include <holysheep/options.hpp>

#include "telemetry/redactor.hpp"

namespace holysheep::telemetry {

/// Thread-safe. Check `enabled` before building a line.
class Log {
  public:
    Log(LogOptions options, Redactor redactor);
    ~Log();
    bool enabled(LogLevel level) const { return level >= level_ && level != LogLevel::off; }
    /// Removes secrets and replaces line breaks with spaces. Exceptions from the sink are ignored, because they cannot
    /// be logged.
    void write(LogLevel level, std::string line) const;
    /// Whether the bodies of requests and responses are logged.
    bool bodies() const { return options_.bodies && enabled(LogLevel::trace); }

  private:
    struct Logger;
    LogOptions options_;
    LogLevel level_;
    Redactor redactor_;
    std::unique_ptr<Logger> logger_;
};

/// Call it in a catch block: logs the exception and its source, such as "a listener". Does not throw.
void log_exception(const Log& log, std::string_view source) noexcept;

}  // namespace holysheep::telemetry
