// Counts what the whole process asks of the heap, libcurl's requests included: malloc, calloc and realloc are replaced
// in this program.
#pragma once

#include <cstdint>

namespace holysheep::bench {

/// Counts from construction on, in all threads. One at a time.
class AllocationCount {
  public:
    AllocationCount();
    ~AllocationCount();
    AllocationCount(const AllocationCount&) = delete;
    AllocationCount& operator=(const AllocationCount&) = delete;
    std::uint64_t so_far() const;
};

}  // namespace holysheep::bench
