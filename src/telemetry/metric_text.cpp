// Formats numbers and labels for Prometheus.
#include "telemetry/metric_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "values/printable.hpp"

namespace holysheep::telemetry {

namespace {

std::string_view name_of(MetricText::Type type) {
    switch (type) {
        case MetricText::Type::counter: return "counter";
        case MetricText::Type::gauge: return "gauge";
        case MetricText::Type::summary: return "summary";
        case MetricText::Type::histogram: return "histogram";
    }
    return "untyped";
}

}  // namespace

std::string escaped_label(std::string_view value) {
    std::string escaped;
    while (!value.empty()) {
        const auto length = values::sequence_length(value);
        if (length == 0) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(value[0]);
            escaped += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
            value.remove_prefix(1);
            continue;
        }
        switch (value[0]) {
            case '\\': escaped += "\\\\"; break;
            case '"': escaped += "\\\""; break;
            case '\n': escaped += "\\n"; break;
            default: escaped += value.substr(0, length);
        }
        value.remove_prefix(length);
    }
    return escaped;
}

std::string MetricText::number(double value) {
    if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::string(text.data(), end) : "0";
}

void MetricText::family(std::string_view name, Type type, std::string_view help) {
    name_ = "holysheep_" + std::string(name);
    seen_.clear();
    head_ = "# HELP " + name_ + ' ' + std::string(help) + "\n# TYPE " + name_ + ' ' + std::string(name_of(type)) + '\n';
}

void MetricText::label(std::string_view name, std::string_view value, bool first) {
    text_ += first ? '{' : ',';
    text_.append(name).append("=\"").append(escaped_label(value)).append("\"");
}

void MetricText::line(std::string_view suffix, Labels labels, std::string_view extra_name, std::string_view extra_value,
                      std::string_view value) {
    text_ += std::exchange(head_, {});
    const auto begin = text_.size();
    text_.append(name_).append(suffix);
    bool first = true;
    for (const auto& [name, content] : labels) label(name, content, std::exchange(first, false));
    if (!extra_name.empty()) label(extra_name, extra_value, std::exchange(first, false));
    if (!first) text_ += '}';
    // Prometheus rejects a page with a duplicate series.
    if (!seen_.insert(text_.substr(begin)).second) {
        text_.resize(begin);
        return;
    }
    text_.append(" ").append(value).append("\n");
}

void MetricText::summary(Labels labels, const LatencySummary& summary) {
    const auto quantile = [&](std::string_view share, nanoseconds figure) {
        line({}, labels, "quantile", share, summary.count == 0 ? "NaN" : number(seconds(figure)));
    };
    quantile("0.5", summary.p50);
    quantile("0.95", summary.p95);
    quantile("0.99", summary.p99);
    line("_sum", labels, {}, {}, number(seconds(summary.sum)));
    line("_count", labels, {}, {}, std::to_string(summary.count));
}

void MetricText::histogram(const std::vector<LatencyBucket>& buckets, const LatencySummary& all) {
    for (const auto& [up_to, count] : buckets) {
        line("_bucket", {}, "le", number(seconds(up_to)), std::to_string(count));
    }
    line("_bucket", {}, "le", "+Inf", std::to_string(all.count));
    line("_sum", {}, {}, {}, number(seconds(all.sum)));
    line("_count", {}, {}, {}, std::to_string(all.count));
}

}  // namespace holysheep::telemetry
