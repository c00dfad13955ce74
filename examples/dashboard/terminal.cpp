// Everything is undone in the destructor. Signals only leave a note, so that it runs.
#include "terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t ended = 0;
termios before{};
std::array<struct sigaction, kSignals.size()> handlers_before{};

void write_all(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

bool Terminal::is_here() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

Terminal::Terminal() {
    if (!is_here() || tcgetattr(STDIN_FILENO, &before) != 0) throw std::runtime_error("there is no terminal");
    struct sigaction note {};
    note.sa_handler = [](int) { ended = 1; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &note, &handlers_before[i]);
    auto raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays a signal
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    write_all("\x1b[?1049h\x1b[?25l");  // the other screen, no cursor
}

Terminal::~Terminal() {
    write_all("\x1b[?25h\x1b[?1049l");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &handlers_before[i], nullptr);
}

int Terminal::width() {
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool Terminal::asked_to_end() { return ended != 0; }

std::optional<char> Terminal::key(std::chrono::milliseconds within) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, static_cast<int>(within.count())) <= 0) return std::nullopt;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) == 1) return key;
    ended = 1;  // the terminal is gone
    return std::nullopt;
}

void Terminal::draw(std::string_view page) {
    // Each line is overwritten and its rest cleared: nothing flickers.
    std::string text = "\x1b[H";
    for (const char c : page) {
        if (c == '\n') text += "\x1b[K";
        text += c;
    }
    write_all(text + "\x1b[J");
}
