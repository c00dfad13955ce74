// Controls the terminal for a program that draws on it in place: an alternate screen, single keys, and the original
// state restored whenever the program ends or stops.
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

    /// Throws std::runtime_error if standard input or output is not a terminal.
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    static bool is_available();
    /// The current size of the window.
    static Size size();
    /// Whether SIGINT, SIGTERM or SIGHUP was received.
    static bool stop_requested();
    /// True once after the window changed its size or the program was continued: the page is then out of date.
    static bool needs_redraw();
    /// Waits for a key; nothing if the time passes or a signal comes first.
    static std::optional<char> key(std::chrono::milliseconds within);
    /// Replaces the page, cut to the window's rows and columns. Lines may contain colour codes.
    static void draw(const std::vector<std::string>& lines);
    /// Returns text from outside with control characters replaced by spaces.
    static std::string printable(std::string text);
};
