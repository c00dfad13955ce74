// Counts all heap allocations of the process, libcurl's included: malloc, calloc, realloc and free are replaced in this
// program.
#pragma once

#include <cstdint>

namespace holysheep::bench {

/// Counts in all threads from construction on. Only one instance at a time.
class AllocationCount {
  public:
    AllocationCount();
    ~AllocationCount();
    AllocationCount(const AllocationCount&) = delete;
    AllocationCount& operator=(const AllocationCount&) = delete;
    std::uint64_t so_far() const;
    /// The growth of the blocks in use, in usable bytes; negative if more was freed than allocated.
    std::int64_t bytes_kept() const;
};

}  // namespace holysheep::bench
