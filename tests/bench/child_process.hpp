// Other programs and sockets that the benchmark starts and, whatever happens, ends.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace holysheep::bench {

struct Listener {
    int fd = -1;
    int port = 0;
};
/// Nonblocking, on 127.0.0.1 and a port that the system chooses. Throws when there is none.
Listener listen_on_loopback();
/// Bound but not listening: nobody but this user's `SO_REUSEPORT` sockets can take the port until `fd` is closed.
Listener reserve_port();

/// In a child: the kernel ends this process when its parent is gone.
void die_with_parent();

/// Runs a program and waits for it; what it prints goes to `log`. False where it cannot be started or fails.
bool run_program(const std::vector<std::string>& command, const std::string& log);
/// Starts a program; what it prints goes to `log`.
pid_t start_program(const std::vector<std::string>& command, const std::string& log);
bool is_running(pid_t process);
/// Ends a process that was started here, and waits for it. Does nothing for 0.
void end_process(pid_t process);

}  // namespace holysheep::bench
