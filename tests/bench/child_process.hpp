// Starts other programs and sockets for the benchmarks, and ends them in any case.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace holysheep::bench {

struct Listener {
    int fd = -1;
    int port = 0;
};
/// A nonblocking socket on 127.0.0.1, on a port that the system chooses. Throws if there is none.
Listener listen_on_loopback();
/// Bound but not listening: until `fd` is closed, only `SO_REUSEPORT` sockets of the same user can take the port.
Listener reserve_port();

/// Called in a child: the kernel then ends this process when its parent is gone.
void die_with_parent();

/// Runs a program and waits for it; its output goes to `log`. Returns false if it cannot be started or fails.
bool run_program(const std::vector<std::string>& command, const std::string& log);
/// Starts a program; its output goes to `log`.
pid_t start_program(const std::vector<std::string>& command, const std::string& log);
bool is_running(pid_t process);
/// Ends a process started by `start_program`, and waits for it. Does nothing for 0.
void end_process(pid_t process);

}  // namespace holysheep::bench
