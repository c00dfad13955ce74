// Prints figures: for programs, one JSON object a line; for people, a table.
// Figures → [report] → stdout
#pragma once

#include <ostream>
#include <string>

#include "figures.hpp"

namespace holysheep::sim {

struct ReportRow {
    std::string scenario{}, policy{};
    double load = 0;
    int seeds = 0;
    Figures figures{};
};

std::string as_json(const ReportRow& row);
void write_table_head(std::ostream& out);
void write_table_row(std::ostream& out, const ReportRow& row);

}  // namespace holysheep::sim
