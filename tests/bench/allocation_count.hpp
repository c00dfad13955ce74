// Counts what the whole process asks of the heap, libcurl's requests included: malloc, calloc, realloc and free are
// replaced in this program.
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
    /// By how much the blocks in use have grown, in usable bytes; negative when more was freed than taken.
    std::int64_t bytes_kept() const;
};

}  // namespace holysheep::bench
