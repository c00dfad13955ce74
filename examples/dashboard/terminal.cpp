// The destructor restores the terminal; so do the handlers of signals that end the program without running it. Other
// handlers only set a flag, so that the program ends normally. A handler calls only functions that POSIX lists as
// async-signal-safe.
#include "terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
volatile std::sig_atomic_t stop = 0, redraw_needed = 0, acquired = 0;
termios before{}, raw{};
std::array<struct sigaction, kSignals.size()> handlers_before{};

void write_all(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void acquire() {
    if (acquired != 0) return;  // acquiring it twice would lose the cursor position of the first screen
    // In a background job this stops the program until it is in the foreground.
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    acquired = 1;
    write_all("\x1b[?1049h\x1b[?25l\x1b[?7l");  // alternate screen, no cursor, long lines cut instead of wrapped
}

void restore() {
    if (acquired == 0) return;
    acquired = 0;
    write_all("\x1b[?7h\x1b[?25h\x1b[?1049l");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

void handle(int signal);

void set_handler(int signal, void (*handler)(int), struct sigaction* previous = nullptr) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigaction(signal, &action, previous);
}

/// Does what the signal does without a handler. Returns if the signal stopped the program and it was continued.
void perform_default_action(int signal) {
    set_handler(signal, SIG_DFL);
    raise(signal);  // stays pending until it is unblocked
    sigset_t this_one, masked;
    sigemptyset(&this_one);
    sigaddset(&this_one, signal);
    pthread_sigmask(SIG_UNBLOCK, &this_one, &masked);
    pthread_sigmask(SIG_SETMASK, &masked, nullptr);
    set_handler(signal, handle);
}

void handle(int signal) {
    const int error = errno;
    switch (signal) {
        case SIGTSTP:
            restore();
            perform_default_action(signal);
            acquire();  // the signal did not stop the program (no process could continue it), so no SIGCONT comes
            redraw_needed = 1;
            break;
        case SIGQUIT:  // meant for a program that hangs, so a flag would not help
            restore();
            perform_default_action(signal);
            break;
        case SIGCONT: acquire(); [[fallthrough]];  // also after SIGSTOP
        case SIGWINCH: redraw_needed = 1; break;
        default: stop = 1;
    }
    errno = error;
}

bool is_continuation_byte(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

/// The part of a line that fits the columns; a cut line ends in an ellipsis. Colour codes take no columns.
std::string fitted(std::string_view line, std::size_t columns, std::size_t& used) {
    const auto copy = [&](std::size_t room) {
        std::string shown;
        bool colour = false;
        used = 0;
        for (const char c : line) {
            colour = colour || c == '\x1b';
            if (!colour && !is_continuation_byte(c)) ++used;
            if (colour || used <= room) shown += c;
            if (c == 'm') colour = false;
        }
        return shown;
    };
    auto shown = copy(columns);
    if (used <= columns) return shown;
    shown = copy(columns - 1) + "…";
    used = columns;
    return shown;
}

}  // namespace

bool Terminal::is_available() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

Terminal::Terminal() {
    if (!is_available() || tcgetattr(STDIN_FILENO, &before) != 0) throw std::runtime_error("no terminal");
    raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C still sends a signal
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        set_handler(kSignals[i], handle, &handlers_before[i]);
        if (handlers_before[i].sa_handler == SIG_IGN) set_handler(kSignals[i], SIG_IGN);  // as set by nohup
    }
    acquire();
}

Terminal::~Terminal() {
    restore();
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &handlers_before[i], nullptr);
}

Terminal::Size Terminal::size() {
    Size size;
    winsize window{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return size;
    if (window.ws_col > 0) size.columns = window.ws_col;
    if (window.ws_row > 0) size.rows = window.ws_row;
    return size;
}

bool Terminal::stop_requested() { return stop != 0; }

bool Terminal::needs_redraw() {
    const bool wanted = redraw_needed != 0;
    redraw_needed = 0;
    return wanted;
}

std::optional<char> Terminal::key(std::chrono::milliseconds within) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, static_cast<int>(within.count())) <= 0) return std::nullopt;
    char key = 0;
    const auto got = ::read(STDIN_FILENO, &key, 1);
    if (got == 1) return key;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
    stop = 1;  // the terminal was closed
    return std::nullopt;
}

void Terminal::draw(const std::vector<std::string>& lines) {
    const auto window = size();
    const auto shown = std::min(lines.size(), window.rows);
    // Overwrites each line and clears the rest of it, which avoids flicker. Clearing after the last column would erase
    // the last character, and a line feed in the last row would scroll the first row away.
    std::string text = "\x1b[H";
    for (std::size_t i = 0; i < shown; ++i) {
        std::size_t used = 0;
        text += (i > 0 ? "\r\n" : "") + fitted(lines[i], window.columns, used);
        if (used < window.columns) text += "\x1b[K";
    }
    if (shown < window.rows) text += "\x1b[" + std::to_string(shown + 1) + ";1H\x1b[J";
    write_all(text);
}

std::string Terminal::printable(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0) text.erase(i, 1), text[i] = ' ';  // U+0080 to U+009F
        if (byte < 0x20 || byte == 0x7f) text[i] = ' ';
    }
    return text;
}
