// Checks the arguments of the examples: `--help` prints what a program does, and an unknown argument ends the program
// before any billed request is sent.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

/// Ends the program if the arguments contain `--help` (status 0), or an unknown option or more than `max_arguments`
/// arguments (status 2).
inline void check_arguments(int argc, char** argv, std::string_view usage, int max_arguments = 0) {
    bool help = false, wrong = argc - 1 > max_arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        help = help || argument == "--help" || argument == "-h";
        wrong = wrong || argument.starts_with("-");
    }
    if (!help && !wrong) return;
    (help ? std::cout : std::cerr) << usage;
    std::exit(help ? 0 : 2);
}
