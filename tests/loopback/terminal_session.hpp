// Runs a program in a pseudo terminal, initially of 80 columns and 24 rows: reads what it draws, sends keys, and checks
// what it leaves behind.
// test → [TerminalSession] ⇄ program
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep::loopback {

class TerminalSession {
  public:
    explicit TerminalSession(std::vector<std::string> command) {
        const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
        if (openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) throw std::runtime_error("no pseudo terminal");
        tcgetattr(slave_, &before_);
        child_ = fork();
        if (child_ == 0) {
            const rlimit none{};
            setrlimit(RLIMIT_CORE, &none);  // SIGQUIT ends some programs
            close(master_);
            login_tty(slave_);
            std::vector<char*> arguments;
            for (auto& word : command) arguments.push_back(word.data());
            arguments.push_back(nullptr);
            execv(arguments[0], arguments.data());
            _exit(127);
        }
    }
    ~TerminalSession() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        close(master_);
        close(slave_);
    }
    TerminalSession(const TerminalSession&) = delete;
    TerminalSession& operator=(const TerminalSession&) = delete;

    void press(char key) const { [[maybe_unused]] const auto written = write(master_, &key, 1); }
    /// Reads until the program has drawn the text, after the text of the previous wait.
    bool wait_for(std::string_view text, std::chrono::seconds within = std::chrono::seconds{20}) {
        const auto end = std::chrono::steady_clock::now() + within;
        while (true) {
            if (const auto at = drawn_.find(text, search_from_); at != std::string::npos) {
                search_from_ = at + text.size();
                return true;
            }
            if (std::chrono::steady_clock::now() >= end || !read_more(end)) return false;
        }
    }
    void resize(unsigned short columns, unsigned short rows) const {
        const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        ioctl(master_, TIOCSWINSZ, &size);
    }
    /// The rows of the next complete page, for programs that begin each page by moving to the top; empty if none came.
    std::vector<std::string> page(std::chrono::seconds within = std::chrono::seconds{20}) {
        constexpr std::string_view kTop = "\x1b[H";
        if (!wait_for(kTop, within)) return {};
        const auto begin = search_from_;
        if (!wait_for(kTop, within)) return {};
        search_from_ -= kTop.size();
        std::vector<std::string> rows(1);
        bool escape = false;
        for (const char c : drawn_.substr(begin, search_from_ - begin)) {
            escape = escape || c == '\x1b';
            if (c == '\n') rows.emplace_back();
            if (!escape && c != '\n' && c != '\r') rows.back() += c;
            if (std::string_view("mHJK").find(c) != std::string_view::npos) escape = false;
        }
        return rows;
    }
    /// The program's exit code, once it has ended by itself; -1 if a signal ended it or it took too long.
    int exit_code(std::chrono::seconds within = std::chrono::seconds{20}) {
        const auto end = std::chrono::steady_clock::now() + within;
        int status = 0;
        while (waitpid(child_, &status, WNOHANG) == 0) {
            if (std::chrono::steady_clock::now() >= end) return -1;
            read_more(std::chrono::steady_clock::now() + std::chrono::milliseconds{20});
        }
        child_ = -1;
        while (read_more(std::chrono::steady_clock::now())) {
        }
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    const std::string& drawn() const { return drawn_; }
    /// Whether the terminal has the settings from before the program.
    bool is_restored() const {
        termios now{};
        tcgetattr(slave_, &now);
        return now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag && now.c_cflag == before_.c_cflag &&
               now.c_lflag == before_.c_lflag && std::memcmp(now.c_cc, before_.c_cc, sizeof now.c_cc) == 0;
    }

  private:
    bool read_more(std::chrono::steady_clock::time_point end) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd input{master_, POLLIN, 0};
        if (poll(&input, 1, std::max(0, static_cast<int>(left.count()))) <= 0) return false;
        std::array<char, 4096> bytes{};
        const auto got = read(master_, bytes.data(), bytes.size());
        if (got <= 0) return false;
        drawn_.append(bytes.data(), static_cast<std::size_t>(got));
        return true;
    }

    int master_ = -1, slave_ = -1;
    pid_t child_ = -1;
    termios before_{};
    std::string drawn_;
    std::size_t search_from_ = 0;
};

}  // namespace holysheep::loopback
