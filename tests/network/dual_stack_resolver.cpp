// Replaces the C library's getaddrinfo: libcurl binds to the program's symbol first. "dual.test" resolves to an IPv6
// and an IPv4 address of this machine, in an order that the test sets.
#include "dual_stack_resolver.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <string_view>
#include <utility>

namespace holysheep::network {
std::atomic<bool> ipv6_first{true};
}

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* name, const char* service,
                                                                  const addrinfo* hints, addrinfo** result) {
    using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if (name == nullptr || std::string_view(name) != "dual.test") return real(name, service, hints, result);
    auto any = hints == nullptr ? addrinfo{} : *hints;
    any.ai_family = AF_UNSPEC;
    addrinfo *first = nullptr, *second = nullptr;
    const char* names[] = {holysheep::network::kIpv6, holysheep::network::kIpv4};
    if (!holysheep::network::ipv6_first) std::swap(names[0], names[1]);
    if (real(names[0], service, &any, &first) != 0 || real(names[1], service, &any, &second) != 0) return EAI_FAIL;
    auto* last = first;
    while (last->ai_next != nullptr) last = last->ai_next;
    last->ai_next = second;
    *result = first;
    return 0;
}
