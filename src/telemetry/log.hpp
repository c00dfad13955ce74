// Where log lines go: the user's sink, or spdlog.
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
    /// Secrets are scrubbed, line breaks become spaces; an exception from the sink is swallowed: there is nowhere left
    /// to tell of it.
    void write(LogLevel level, std::string line) const;
    /// Whether bodies are wanted.
    bool bodies() const { return options_.bodies && enabled(LogLevel::trace); }

  private:
    struct Logger;
    LogOptions options_;
    LogLevel level_;
    Redactor redactor_;
    std::unique_ptr<Logger> logger_;
};

/// Inside a handler: says which function of the user threw, and what. Throws nothing itself.
void log_exception(const Log& log, std::string_view whose) noexcept;

}  // namespace holysheep::telemetry
