// The terminal, for a program that draws on it in place: a page of its own, single keys, and everything as it was
// before when the program ends, however it ends.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

class Terminal {
  public:
    /// Throws std::runtime_error where standard input or output is none.
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    static bool is_here();
    static int width();
    /// True after SIGINT, SIGTERM or SIGHUP.
    static bool asked_to_end();
    /// A key that is pressed within the time.
    static std::optional<char> key(std::chrono::milliseconds within);
    /// Replaces the page.
    static void draw(std::string_view page);
};
