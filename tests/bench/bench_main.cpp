// Implements the main program that several benchmarks share.
#include "bench_main.hpp"

#include <exception>
#include <iostream>
#include <stdexcept>

namespace holysheep::bench {

int run(const BenchProgram& program, int count, const char* const* arguments) {
    try {
        const auto flags = parse_flags(count, arguments, program.figures);
        if (flags.help) {
            std::cout << program.name << ": " << program.description << '\n' << flags_text();
            return 0;
        }
        const auto figures = program.measure(flags);
        if (flags.json) {
            figures.print_json(std::cout);
        } else {
            figures.print_table(std::cout);
        }
        return 0;
    } catch (const std::invalid_argument& error) {
        std::cerr << program.name << ": " << error.what() << '\n' << flags_text();
        return 2;
    } catch (const std::exception& error) {
        std::cerr << program.name << ": " << error.what() << '\n';
        return 1;
    }
}

}  // namespace holysheep::bench
