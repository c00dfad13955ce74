// The shared part of the benchmark programs: parses flags, prints figures, reports errors.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "bench_flags.hpp"
#include "figures.hpp"

namespace holysheep::bench {

struct BenchProgram {
    std::string_view name{}, description{};
    std::span<const Figure> figures{};
    std::function<Figures(const BenchFlags&)> measure{};
};

/// Returns the program's exit status.
int run(const BenchProgram& program, int count, const char* const* arguments);

}  // namespace holysheep::bench
