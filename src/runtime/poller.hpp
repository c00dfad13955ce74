// Where the loop sleeps until a socket is ready or somebody wakes it: IoLoop → [Poller] → the kernel. CMakeLists.txt
// takes one of the files that implement it: epoll_poller.cpp (Linux) or poll_poller.cpp (POSIX).
#pragma once

#include <memory>
#include <span>

#include "runtime/readiness.hpp"

namespace holysheep::runtime {

struct ReadySocket {
    int fd = -1;
    Readiness readiness{};  ///< of a broken socket: both, so that its owner looks
};

class Poller {
  public:
    Poller() = default;
    virtual ~Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Thread-safe: ends the current wait, or else the next one.
    virtual void wake() = 0;

    /// The other functions are called on the thread that runs the loop.
    virtual void watch(int fd, Readiness interest) = 0;
    virtual void unwatch(int fd) = 0;
    virtual bool watches(int fd) const = 0;
    /// Milliseconds, -1: until something happens. The result stands until the next call.
    virtual std::span<const ReadySocket> wait(int timeout) = 0;
};

/// Throws std::system_error where the process may open no more descriptors.
std::shared_ptr<Poller> make_poller();

}  // namespace holysheep::runtime
