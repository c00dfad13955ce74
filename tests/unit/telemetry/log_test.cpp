// Which log lines are written and where: level, sink, spdlog; secrets are removed.
#include "telemetry/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace holysheep::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

struct Lines {
    std::vector<std::pair<LogLevel, std::string>> seen{};
    LogOptions options(LogLevel level) {
        return {.level = level,
                .sink = [this](LogLevel at, std::string_view line) { seen.emplace_back(at, std::string(line)); }};
    }
};

TEST(Log, PassesMessagesAtOrAboveItsLevel) {
    const Redactor redactor;
    Lines lines;
    const Log log(lines.options(LogLevel::warning), redactor);
    log.write(LogLevel::debug, "fine detail");
    log.write(LogLevel::info, "detail");
    log.write(LogLevel::warning, "careful");
    log.write(LogLevel::error, "broken");
    EXPECT_THAT(lines.seen, ElementsAre(Pair(LogLevel::warning, "careful"), Pair(LogLevel::error, "broken")));
    EXPECT_TRUE(log.enabled(LogLevel::error));
    EXPECT_FALSE(log.enabled(LogLevel::info));
}

TEST(Log, OffSuppressesEverything) {
    const Redactor redactor;
    Lines lines;
    const Log log(lines.options(LogLevel::off), redactor);
    log.write(LogLevel::error, "broken");
    log.write(LogLevel::off, "nonsense");
    EXPECT_THAT(lines.seen, IsEmpty());
    EXPECT_FALSE(log.enabled(LogLevel::off));
}

TEST(Log, NoLineIsWrittenAtLevelOff) {
    const Redactor redactor;
    Lines lines;
    const Log log(lines.options(LogLevel::trace), redactor);
    log.write(LogLevel::off, "nonsense");
    EXPECT_THAT(lines.seen, IsEmpty());
}

TEST(Log, ScrubsSecretsFromEveryLine) {
    Redactor redactor;
    redactor.add("sk-alpha-1");
    Lines lines;
    const Log log(lines.options(LogLevel::trace), redactor);
    log.write(LogLevel::trace, "sent sk-alpha-1");
    EXPECT_THAT(lines.seen, ElementsAre(Pair(LogLevel::trace, "sent <redacted>")));
}

TEST(Log, WritesOneLineWithoutControlCharacters) {
    Lines lines;
    const Log log(lines.options(LogLevel::trace), {});
    log.write(LogLevel::trace, "a\nb\x1b[2J \xC2\x9B[2J \xC3\xA9\xC2\xA9 \xC2");
    EXPECT_THAT(lines.seen, ElementsAre(Pair(LogLevel::trace, "a b [2J  [2J \xC3\xA9\xC2\xA9 \xEF\xBF\xBD")));
}

TEST(Log, AThrowingSinkIsHarmless) {
    const Redactor redactor;
    const Log log(
        {.level = LogLevel::info, .sink = [](LogLevel, std::string_view) { throw std::runtime_error("full"); }},
        redactor);
    EXPECT_NO_THROW(log.write(LogLevel::error, "broken"));
}

TEST(Log, WithoutASinkTheDefaultSpdlogLoggerIsUsed) {
    std::ostringstream out;
    auto logger = std::make_shared<spdlog::logger>("holysheep", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    logger->set_pattern("%l|%v");
    logger->set_level(spdlog::level::trace);
    spdlog::drop("holysheep");
    spdlog::register_logger(logger);
    Redactor redactor;
    redactor.add("sk-alpha-1");
    const Log log({.level = LogLevel::info}, redactor);
    log.write(LogLevel::info, "braces {} and {0} are text; sk-alpha-1 is not");
    log.write(LogLevel::warning, "careful");
    log.write(LogLevel::debug, "too fine");
    logger->flush();
    spdlog::drop("holysheep");
    EXPECT_THAT(out.str(), HasSubstr("info|braces {} and {0} are text; <redacted> is not"));
    EXPECT_THAT(out.str(), HasSubstr("warning|careful"));
    EXPECT_THAT(out.str(), Not(HasSubstr("too fine")));
}

}  // namespace
}  // namespace holysheep::telemetry
