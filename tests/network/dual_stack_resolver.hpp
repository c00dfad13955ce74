// Resolves "dual.test" to an IPv6 and an IPv4 address of this machine.
#pragma once

#include <atomic>

namespace holysheep::network {

inline constexpr const char* kIpv6 = "fd00:77::1";
inline constexpr const char* kIpv4 = "127.0.0.1";
extern std::atomic<bool> ipv6_first;

}  // namespace holysheep::network
