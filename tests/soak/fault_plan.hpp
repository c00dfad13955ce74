// Which process is struck when, and for how long: made from a seed alone, before anything is started.
// seed → [make_plan] → FaultRunner
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::soak {

using std::chrono::milliseconds;

enum class Blow {
    kill,    ///< SIGKILL; the process is started again when the fault is over
    freeze,  ///< SIGSTOP; SIGCONT when the fault is over
    restart  ///< SIGTERM, and started again as soon as it has ended
};

/// What is struck in a region: its proxy, all of its backends, or the first of several backends.
enum class Part { proxy, backends, one_backend };

struct PlannedFault {
    milliseconds at{};     ///< after the start of the calls
    milliseconds lasts{};  ///< until the process is mended
    std::size_t region = 0;
    Part part = Part::proxy;
    Blow blow = Blow::kill;
};

/// "r2 proxy freeze for 1200 ms": `ids` are the regions' names.
std::string to_text(const PlannedFault& fault, const std::vector<std::string>& ids);

/// So long no region is struck at the beginning and at the end.
inline constexpr milliseconds kCalm{5'000};
/// A fault begins only while another region is whole, and has been for so long.
inline constexpr milliseconds kRefuge{2'000};
/// A restart is expected to take no longer; the plan counts the region as out meanwhile.
inline constexpr milliseconds kRestartTakes{500};

/// In order of `at`. The same arguments give the same plan on every machine. `backends` says how many each region has.
std::vector<PlannedFault> make_plan(std::uint64_t seed, milliseconds length, const std::vector<int>& backends);

}  // namespace holysheep::soak
