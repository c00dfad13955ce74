// What a benchmark reports: a fixed list of figures, each with the limit it must keep and the one it aims at.
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

class Figures {
  public:
    /// `list` says what there is, in the order in which it is reported; it outlives this.
    explicit Figures(std::span<const Figure> list) : list_(list) {}
    void set(std::string_view key, double value) { values_.insert_or_assign(std::string(key), value); }
    /// A remark for the readable table.
    void note(std::string text) { notes_.push_back(std::move(text)); }
    /// One JSON object: what was measured, by key.
    void print_json(std::ostream& out) const;
    void print_table(std::ostream& out) const;

  private:
    std::span<const Figure> list_;
    std::map<std::string, double, std::less<>> values_;
    std::vector<std::string> notes_;
};

}  // namespace holysheep::bench
