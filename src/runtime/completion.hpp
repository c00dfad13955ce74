// A one-shot signal that a blocked caller waits for.
#pragma once

#ifdef __linux__
#include <semaphore.h>
#else
#include <semaphore>
#endif

namespace holysheep::runtime {

/// Used once: one thread waits, another signals. It may be destroyed as soon as `wait` returns. std::atomic::wait and
/// std::binary_semaphore spin and yield first, which costs more here than the sleep that they try to avoid.
class Completion {
  public:
#ifdef __linux__
    Completion() { ::sem_init(&semaphore_, 0, 0); }
    ~Completion() { ::sem_destroy(&semaphore_); }
    void signal() { ::sem_post(&semaphore_); }
    void wait() {
        while (::sem_wait(&semaphore_) != 0) {  // interrupted by a signal handler
        }
    }
#else
    Completion() = default;
    void signal() { semaphore_.release(); }
    void wait() { semaphore_.acquire(); }
#endif
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

  private:
#ifdef __linux__
    ::sem_t semaphore_;
#else
    std::binary_semaphore semaphore_{0};
#endif
};

}  // namespace holysheep::runtime
