// What the benchmark reports: a fixed list of figures, each with the limit it must keep and the one it aims at.
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
    std::optional<double> must, aim;  ///< upper limits
};

/// In the order in which they are reported.
std::span<const Figure> all_figures();

class Figures {
  public:
    void set(std::string_view key, double value) { values_.insert_or_assign(std::string(key), value); }
    /// A remark for the readable table.
    void note(std::string text) { notes_.push_back(std::move(text)); }
    /// One JSON object: what was measured, by key.
    void print_json(std::ostream& out) const;
    void print_table(std::ostream& out) const;

  private:
    std::map<std::string, double, std::less<>> values_;
    std::vector<std::string> notes_;
};

}  // namespace holysheep::bench
