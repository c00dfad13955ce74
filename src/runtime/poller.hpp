// Blocks the loop until a socket is ready or it is woken: IoLoop → [Poller] → the kernel. CMakeLists.txt
// takes one of the files that implement it: epoll_poller.cpp (Linux) or poll_poller.cpp (POSIX).
#pragma once

#include <memory>
#include <span>

#include "runtime/readiness.hpp"

namespace holysheep::runtime {

struct ReadySocket {
    int fd = -1;
    Readiness readiness{};  ///< both for a broken socket, so that its owner checks it
};

class Poller {
  public:
    Poller() = default;
    virtual ~Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Thread-safe. Ends the current wait, or the next one if there is none.
    virtual void wake() = 0;

    /// The other functions are called on the thread that runs the loop.
    virtual void watch(int fd, Readiness interest) = 0;
    virtual void unwatch(int fd) = 0;
    virtual bool watches(int fd) const = 0;
    /// Waits for that many milliseconds; -1: without limit. The result is valid until the next call.
    virtual std::span<const ReadySocket> wait(int timeout) = 0;
};

/// Throws std::system_error if the process cannot open more descriptors.
std::shared_ptr<Poller> make_poller();

}  // namespace holysheep::runtime
