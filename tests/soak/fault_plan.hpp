// The plan of faults: which process is hit, when, how, and for how long. Depends only on the seed.
// seed → [make_plan] → FaultRunner
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::soak {

using std::chrono::milliseconds;

enum class FaultKind {
    kill,    ///< SIGKILL; the process is started again when the fault ends
    freeze,  ///< SIGSTOP; SIGCONT when the fault ends
    restart  ///< SIGTERM; the process is started again as soon as it has exited
};

/// The processes that a fault hits in a region: its proxy, all backends, or the first of several backends.
enum class Target { proxy, backends, one_backend };

struct PlannedFault {
    milliseconds at{};  ///< after the start of the calls
    milliseconds duration{};
    std::size_t region = 0;
    Target target = Target::proxy;
    FaultKind kind = FaultKind::kill;
};

/// For example "r2 proxy frozen for 1200 ms". `ids` are the regions' names.
std::string to_text(const PlannedFault& fault, const std::vector<std::string>& ids);

/// No fault begins this early, and all end this long before the end.
inline constexpr milliseconds kQuietMargin{5'000};
/// A fault begins only while another region is healthy and has been for this long.
inline constexpr milliseconds kMinHealthyTime{2'000};
/// Assumed upper bound of a restart; the plan counts the region as unhealthy meanwhile.
inline constexpr milliseconds kRestartTime{500};

/// Sorted by `at`. The same arguments give the same plan on every platform. `backends` holds each region's number of
/// backends.
std::vector<PlannedFault> make_plan(std::uint64_t seed, milliseconds length, const std::vector<int>& backends);

}  // namespace holysheep::soak
