// Overrides the C library's getaddrinfo, since libcurl binds to the program's own definition first.
#include "hanging_resolver.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace {

std::mutex mutex;  // guards the variables below
std::condition_variable changed;
bool hanging = false;
int waiting = 0;

}  // namespace

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* name, const char* service,
                                                                  const addrinfo* hints, addrinfo** result) {
    if (name != nullptr && std::string_view(name).ends_with(".hang.test")) {
        std::unique_lock lock(mutex);
        ++waiting;
        changed.notify_all();
        changed.wait(lock, [] { return !hanging; });
        --waiting;
        changed.notify_all();
        return EAI_AGAIN;
    }
    using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, result);
}

namespace holysheep::loopback {

HangingResolver::HangingResolver() {
    std::lock_guard lock(mutex);
    hanging = true;
}

HangingResolver::~HangingResolver() {
    std::unique_lock lock(mutex);
    hanging = false;
    changed.notify_all();
    changed.wait(lock, [] { return waiting == 0; });
}

bool HangingResolver::wait_for_lookups(int count) const {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(30), [&] { return waiting >= count; });
}

}  // namespace holysheep::loopback
