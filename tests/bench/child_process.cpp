// Wraps fork, exec and related system calls.
#include "child_process.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace holysheep::bench {

namespace {

Listener bind_on_loopback() {
    Listener listener{.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .port = 0};
    const int yes = 1;
    ::setsockopt(listener.fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener.fd < 0 || ::bind(listener.fd, generic, length) != 0 ||
        ::getsockname(listener.fd, generic, &length) != 0) {
        throw std::runtime_error("no port on loopback");
    }
    listener.port = ntohs(address.sin_port);
    return listener;
}

}  // namespace

Listener reserve_port() { return bind_on_loopback(); }

Listener listen_on_loopback() {
    const auto listener = bind_on_loopback();
    if (::listen(listener.fd, 4096) != 0) throw std::runtime_error("cannot listen on loopback");
    return listener;
}

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

pid_t start_program(const std::vector<std::string>& command, const std::string& log) {
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const auto process = ::fork();
    if (process != 0) return process;
    die_with_parent();
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
}

bool run_program(const std::vector<std::string>& command, const std::string& log) {
    const auto process = start_program(command, log);
    int status = -1;
    return process > 0 && ::waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_running(pid_t process) {
    siginfo_t ended{};
    // WNOWAIT keeps the process waitable for `end_process`, so its number cannot be reused yet.
    return ::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
}

void end_process(pid_t process) {
    if (process <= 0) return;
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
}

}  // namespace holysheep::bench
