// Locks a mutex for short sections that two busy threads enter often.
#pragma once

#include <mutex>

namespace holysheep::runtime {

/// Spins briefly before blocking, because the section ends sooner than the thread could be put to sleep.
inline std::unique_lock<std::mutex> lock_briefly(std::mutex& mutex) {
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        if (mutex.try_lock()) return {mutex, std::adopt_lock};
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }
    return std::unique_lock(mutex);
}

}  // namespace holysheep::runtime
