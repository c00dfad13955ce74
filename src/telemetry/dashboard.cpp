// Formats one page of text: fixed columns, clipped to the width, with optional colours.
#include <holysheep/dashboard.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/table_text.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

using telemetry::clipped;
using telemetry::columns;

constexpr std::string_view kPlain, kRed = "31", kGreen = "32", kYellow = "33", kDim = "2", kBold = "1";

bool wants_colour(const DashboardOptions& options, const std::ostream& out) {
    switch (options.colour) {
        case DashboardOptions::Colour::always: return true;
        case DashboardOptions::Colour::never: return false;
        case DashboardOptions::Colour::automatic: break;
    }
    const char* no_colour = std::getenv("NO_COLOR");
    if (no_colour != nullptr && *no_colour != '\0') return false;
    return (&out == &std::cout && isatty(STDOUT_FILENO) == 1) || (&out == &std::cerr && isatty(STDERR_FILENO) == 1);
}

/// One line of the page.
class Line {
  public:
    Line(std::ostream& out, std::size_t width, bool colour) : out_(out), left_(width), colour_(colour) {}
    ~Line() { out_ << text_ << '\n'; }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    Line& add(std::string_view text, std::string_view style = kPlain) {
        const auto shown = clipped(text, left_);
        left_ -= columns(shown);
        if (colour_ && !style.empty() && !shown.empty()) {
            text_.append("\x1b[").append(style).append("m").append(shown).append("\x1b[0m");
        } else {
            text_ += shown;
        }
        return *this;
    }
    Line& left(std::string_view text, std::size_t width, std::string_view style = kPlain) {
        auto shown = clipped(text, width - 1);
        shown.append(width - columns(shown), ' ');
        return add(shown, style);
    }
    Line& right(std::string_view text, std::size_t width, std::string_view style = kPlain) {
        const auto shown = clipped(text, width);
        return add(std::string(width - columns(shown), ' ') + shown, style);
    }

  private:
    std::ostream& out_;
    std::size_t left_;
    bool colour_;
    std::string text_;
};

std::string printed(const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

std::string in_short(nanoseconds span) {
    const double ms = static_cast<double>(span.count()) / 1e6;
    if (ms < 9.95) return printed("%.1fms", ms);
    if (ms < 9'999.5) return printed("%.0fms", ms);
    return printed("%.0fs", ms / 1e3);
}

std::string in_short(const LatencySummary& summary, nanoseconds figure) {
    return summary.count == 0 ? "-" : in_short(figure);
}

std::string as_age(nanoseconds span) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
    return std::to_string(seconds / 3600) + "h" + std::to_string(seconds / 60 % 60) + "m";
}

std::string in_short(std::uint64_t count) {
    if (count < 1'000'000) return std::to_string(count);
    return printed("%.1fM", static_cast<double>(count) / 1e6);
}

std::string in_thousands(std::uint64_t count) {
    return count < 10'000 || count >= 1'000'000 ? in_short(count) : std::to_string(count / 1000) + "k";
}

/// Formats a share; "100%" only if all succeeded.
std::string in_percent(std::optional<double> share) {
    if (!share) return "-";
    return *share < 1 ? printed("%.1f%%", std::min(99.9, 100 * *share)) : "100%";
}

std::string_view style_of_share(std::optional<double> share) {
    if (!share) return kDim;
    return *share >= 0.99 ? kGreen : *share >= 0.9 ? kYellow : kRed;
}

struct Mark {
    const char* sign;
    std::string_view style;
};

Mark mark_of(const RegionHealth& health) {
    switch (health.liveness) {
        case Liveness::healthy: return {"●", kGreen};
        case Liveness::suspect:
        case Liveness::recovering: return {"◐", kYellow};
        case Liveness::down: return {"×", kRed};
        case Liveness::draining: return {"–", kDim};
        case Liveness::unknown: break;
    }
    return {"○", kDim};
}

/// Draws the latencies of the last attempts, relative to the longest, one column each.
std::string sparkline(const std::vector<AttemptSample>& history, std::size_t width) {
    constexpr std::array kSteps{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const auto first = history.size() - std::min(width, history.size());
    nanoseconds longest{1};
    for (auto i = first; i < history.size(); ++i) {
        if (!history[i].error) longest = std::max(longest, history[i].latency);
    }
    std::string line;
    for (auto i = first; i < history.size(); ++i) {
        const auto& sample = history[i];
        if (sample.error) {
            line += *sample.error == ErrorCode::cancelled ? "·" : "×";
        } else {
            const auto height = static_cast<double>(sample.latency.count()) / static_cast<double>(longest.count());
            line += kSteps[static_cast<std::size_t>(std::lround(7 * std::clamp(height, 0.0, 1.0)))];
        }
    }
    return line;
}

std::string in_words(const std::vector<Money>& sums) {
    std::string text;
    for (const auto& sum : sums) {
        text += (text.empty() ? "" : " + ") + sum.amount() + ' ' + sum.currency;
    }
    return text;
}

struct Fact {
    std::string text;
    std::string_view style = kPlain;
};

std::size_t columns(const std::vector<Fact>& facts) {
    std::size_t sum = 0;
    for (const auto& fact : facts) sum += columns(fact.text);
    return sum;
}

/// The line about the client; the least important part is last, where it may be clipped.
std::vector<Fact> head_facts(const Stats& stats, std::string (*in_short_form)(std::uint64_t)) {
    std::vector<Fact> facts{
        {"holysheep ", kBold},
        {"up " + as_age(stats.uptime) + " · " + in_short_form(stats.calls) + " calls, "},
        {in_percent(stats.success_rate()) + " ok", style_of_share(stats.success_rate())},
        {" · " + std::to_string(stats.in_flight) + " in flight · " + in_short_form(stats.failovers) + " failovers"}};
    if (stats.streams_cut > 0) facts.push_back({" · " + in_short_form(stats.streams_cut) + " cut", kYellow});
    if (stats.hedges > 0) facts.push_back({" · " + in_short_form(stats.hedges) + " hedges"});
    return facts;
}

class Page {
  public:
    Page(std::ostream& out, const DashboardOptions& options)
        : out_(out),
          width_(static_cast<std::size_t>(std::max(72, options.width))),
          colour_(wants_colour(options, out)),
          history_(options.history) {}

    void head(const Stats& stats) {
        auto facts = head_facts(stats, in_short);
        // Counts are last and must fit even if they are large.
        if (columns(facts) > width_) facts = head_facts(stats, in_thousands);
        if (columns(facts) > width_) facts.erase(facts.begin());
        {
            Line line(out_, width_, colour_);
            for (const auto& fact : facts) line.add(fact.text, fact.style);
        }
        Line line(out_, width_, colour_);
        line.left("  region", 2 + name_width(), kDim).left("state", 11, kDim);
        for (const auto* name : {"avg", "min", "max"}) line.right(name, 7, kDim);
        line.right("requests", 9, kDim).right("failovers", 10, kDim).right("success", 8, kDim);
    }

    void region(const RegionStats& region) {
        const auto mark = mark_of(region.health);
        const auto& latency = region.latency;
        {
            Line line(out_, width_, colour_);
            line.add(mark.sign, mark.style).add(" ").left(region.id, name_width());
            line.left(to_string(region.health.liveness), 11, mark.style);
            for (const auto figure : {latency.average, latency.min, latency.max}) {
                line.right(in_short(latency, figure), 7);
            }
            line.right(in_short(region.attempts), 9).right(in_short(region.failovers_away), 10);
            line.right(in_percent(region.success_rate()), 8, style_of_share(region.success_rate()));
        }
        if (const auto reason = telemetry::reason_to_tell(region.health); !reason.empty()) {
            const bool healthy = region.health.liveness == Liveness::healthy;
            Line(out_, width_, colour_).add("    ").add(reason, healthy ? kYellow : mark.style);
        }
        if (history_) Line(out_, width_, colour_).add("    ").add(sparkline(region.history, width_ - 4), kDim);
    }

    void model(const ModelStats& model) {
        Line line(out_, width_, colour_);
        line.add(model.model, kBold).add(": " + in_short(model.calls) + " calls, ");
        line.add(in_short(static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.prompt_tokens))) + " tokens in, ");
        line.add(in_short(static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.completion_tokens))) + " out");
        if (!model.cost.empty()) line.add(", " + in_words(model.cost));
        if (const auto unknown = telemetry::unknown_cost(model); !unknown.empty()) line.add(", " + unknown, kYellow);
        if (!model.cost_estimated.empty()) line.add(", and about " + in_words(model.cost_estimated), kDim);
    }

  private:
    // The width that remains for names.
    std::size_t name_width() const { return width_ - (2 + 11 + 3 * 7 + 9 + 10 + 8); }

    std::ostream& out_;
    const std::size_t width_;
    const bool colour_, history_;
};

}  // namespace

void print_dashboard(const Stats& stats, std::ostream& out, const DashboardOptions& options) {
    Page page(out, options);
    page.head(stats);
    for (const auto& region : stats.regions) page.region(region);
    for (const auto& model : stats.models) page.model(model);
    out.flush();
}

}  // namespace v0
}  // namespace holysheep
