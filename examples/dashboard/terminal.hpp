// The terminal, for a program that draws on it in place: a page of its own, single keys, and everything as it was
// before when the program ends or stops, however it does.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class Terminal {
  public:
    struct Size {
        std::size_t columns = 80, rows = 24;
    };

    /// Throws std::runtime_error where standard input or output is none.
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    static bool is_here();
    /// Of the window at this moment.
    static Size size();
    /// True after SIGINT, SIGTERM or SIGHUP.
    static bool asked_to_end();
    /// True once after the window changed its size, or the program was continued: what it shows is out of date.
    static bool wants_a_page();
    /// A key that is pressed within the time; none, too, when a signal comes first.
    static std::optional<char> key(std::chrono::milliseconds within);
    /// Replaces the page: as many lines, and as much of each, as the window holds. Lines may hold colours.
    static void draw(const std::vector<std::string>& lines);
    /// Text from elsewhere, with spaces in place of control characters.
    static std::string printable(std::string text);
};
