// Counts forks in the child process (POSIX pthread_atfork).
#include "runtime/fork_guard.hpp"

#include <pthread.h>

#include <atomic>

namespace holysheep::runtime {

namespace {
std::atomic<unsigned> forks{0};

void watch_forks() {
    [[maybe_unused]] static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
}
}  // namespace

ForkGuard::ForkGuard() {
    watch_forks();
    generation_ = forks.load();
}

bool ForkGuard::in_child() const { return forks.load(std::memory_order_relaxed) != generation_; }

}  // namespace holysheep::runtime
