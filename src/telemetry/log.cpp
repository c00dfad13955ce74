// The spdlog logger is looked up by name first, so that a program can bring its own "holysheep" logger.
#include "telemetry/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <utility>

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

Log::Log(LogOptions options, Redactor redactor) : options_(std::move(options)), redactor_(std::move(redactor)) {
    if (!options_.sink && options_.level != LogLevel::off) logger_.reset(new Logger{shared_logger()});
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string line) const {
    if (!enabled(level)) return;
    redactor_.scrub(line);
    // A gateway's words must not look like lines of their own.
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    for (std::size_t at = line.find('\xC2'); at != std::string::npos && at + 1 < line.size();
         at = line.find('\xC2', at + 1)) {
        // U+0080 to U+009F: some terminals obey these, too.
        if (static_cast<unsigned char>(line[at + 1]) < 0xA0) line.replace(at, 2, " ");
    }
    try {
        if (options_.sink) {
            options_.sink(level, line);
        } else {
            logger_->spdlog->log(to_spdlog(level), line);
        }
    } catch (...) {
    }
}

}  // namespace holysheep::telemetry
