// The C library keeps its own functions under these names for exactly this; operator new ends in malloc.
#include "allocation_count.hpp"

#include <atomic>
#include <cstddef>

#ifdef __GLIBC__
#define HOLYSHEEP_COUNTED_HEAP 1
#else
#define HOLYSHEEP_COUNTED_HEAP 0
#endif

namespace {

constinit std::atomic<bool> counting{false};
constinit std::atomic<std::uint64_t> requests{0};

[[maybe_unused]] void count() {
    if (counting.load(std::memory_order_relaxed)) requests.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

#if HOLYSHEEP_COUNTED_HEAP
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

void* malloc(std::size_t size) noexcept {
    count();
    return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) noexcept {
    count();
    return __libc_calloc(number, size);
}
void* realloc(void* block, std::size_t size) noexcept {
    count();
    return __libc_realloc(block, size);
}
}
#endif

namespace holysheep::bench {

AllocationCount::AllocationCount() {
    requests = 0;
    counting = true;
}

AllocationCount::~AllocationCount() { counting = false; }

std::uint64_t AllocationCount::so_far() const { return requests; }

}  // namespace holysheep::bench
