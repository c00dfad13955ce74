// What the examples do with their arguments: `--help` says what a program does, and one that it does not know ends it
// before anything is sent that is billed.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

/// Ends the program where `--help` is among the arguments (status 0), or one that looks like an option, or more than
/// `most` of them (status 2).
inline void check_arguments(int argc, char** argv, std::string_view usage, int most = 0) {
    bool help = false, wrong = argc - 1 > most;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        help = help || argument == "--help" || argument == "-h";
        wrong = wrong || argument.starts_with("-");
    }
    if (!help && !wrong) return;
    (help ? std::cout : std::cerr) << usage;
    std::exit(help ? 0 : 2);
}
