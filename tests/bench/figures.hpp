// The figures that a benchmark reports: a fixed list, each with an upper limit that it must keep and a target.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep::bench {

struct Figure {
    std::string_view key, meaning;
    std::optional<double> limit, target;  ///< upper limits
};

class Figures {
  public:
    /// `list` defines the figures in the order of the report; it must outlive this object.
    explicit Figures(std::span<const Figure> list) : list_(list) {}
    void set(std::string_view key, double value) { values_.insert_or_assign(std::string(key), value); }
    /// Adds a remark to the readable table.
    void note(std::string text) { notes_.push_back(std::move(text)); }
    /// Prints one JSON object with the measured values by key.
    void print_json(std::ostream& out) const;
    void print_table(std::ostream& out) const;

  private:
    std::span<const Figure> list_;
    std::map<std::string, double, std::less<>> values_;
    std::vector<std::string> notes_;
};

}  // namespace holysheep::bench
