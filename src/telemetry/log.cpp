// Uses an existing spdlog logger named "holysheep", so that a program can provide its own.
#include "telemetry/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>
#include <utility>

#include "telemetry/table_text.hpp"
#include "values/exception_text.hpp"

namespace holysheep::telemetry {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace: return spdlog::level::trace;
        case LogLevel::debug: return spdlog::level::debug;
        case LogLevel::info: return spdlog::level::info;
        case LogLevel::warning: return spdlog::level::warn;
        case LogLevel::error: return spdlog::level::err;
        case LogLevel::off: return spdlog::level::off;
    }
    return spdlog::level::off;
}

std::shared_ptr<spdlog::logger> shared_logger() {
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    if (auto existing = spdlog::get("holysheep")) return existing;
    auto logger = spdlog::stderr_color_mt("holysheep");
    logger->set_level(spdlog::level::trace);  // each client filters by its own level
    return logger;
}

}  // namespace

struct Log::Logger {
    std::shared_ptr<spdlog::logger> spdlog;
};

Log::Log(LogOptions options, Redactor redactor)
    : options_(std::move(options)), level_(options_.level.value_or(LogLevel::warning)), redactor_(std::move(redactor)) {
    if (!options_.sink && level_ != LogLevel::off) logger_.reset(new Logger{shared_logger()});
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string line) const {
    if (!enabled(level)) return;
    try {
        redactor_.scrub(line);
        line = clipped(line);  // texts of a gateway must neither add lines nor control a terminal
        if (options_.sink) {
            options_.sink(level, line);
        } else {
            logger_->spdlog->log(to_spdlog(level), line);
        }
    } catch (...) {  // only this line is lost
    }
}

void log_exception(const Log& log, std::string_view source) noexcept {
    try {
        log.write(LogLevel::error, values::described_exception("an exception left " + std::string(source)));
    } catch (...) {
    }
}

}  // namespace holysheep::telemetry
