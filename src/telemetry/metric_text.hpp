// Writes lines of Prometheus' text format, one family after another.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/stats.hpp>

namespace holysheep::telemetry {

/// Adds the prefix `holysheep_` to names. Omits families without samples.
class MetricText {
  public:
    enum class Type { counter, gauge, summary, histogram };
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    static double seconds(nanoseconds span) { return static_cast<double>(span.count()) / 1e9; }

    /// Begins a family; its samples follow.
    void family(std::string_view name, Type type, std::string_view help);
    void sample(Labels labels, double value) { line({}, labels, {}, {}, number(value)); }
    void sample(Labels labels, std::integral auto value) { line({}, labels, {}, {}, std::to_string(value)); }
    void summary(Labels labels, const LatencySummary& summary);
    void histogram(const std::vector<LatencyBucket>& buckets, const LatencySummary& all);
    std::string take() { return std::move(text_); }

  private:
    static std::string number(double value);
    /// `extra` is an additional label, if its name is not empty.
    void line(std::string_view suffix, Labels labels, std::string_view extra_name, std::string_view extra_value,
              std::string_view value);
    void label(std::string_view name, std::string_view value, bool first);

    std::string text_, head_, name_;
    std::set<std::string> seen_;  ///< series of the current family
};

/// Escapes the value of a label: backslash, quote, line feed, and bytes that are not UTF-8 as `%ff`, so that different
/// values remain different.
std::string escaped_label(std::string_view value);

}  // namespace holysheep::telemetry
