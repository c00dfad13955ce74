// Replaces malloc and its relatives; the C library provides the originals under these other names. operator new calls
// malloc.
#include "allocation_count.hpp"

#include <atomic>
#include <cstddef>

#ifdef __GLIBC__
#include <malloc.h>
#define HOLYSHEEP_COUNTED_HEAP 1
#else
#define HOLYSHEEP_COUNTED_HEAP 0
#endif

namespace {

constinit std::atomic<bool> counting{false};
constinit std::atomic<std::uint64_t> requests{0};
constinit std::atomic<std::int64_t> kept{0};

#if HOLYSHEEP_COUNTED_HEAP
void* taken(void* block) {
    if (counting.load(std::memory_order_relaxed)) {
        requests.fetch_add(1, std::memory_order_relaxed);
        kept.fetch_add(static_cast<std::int64_t>(malloc_usable_size(block)), std::memory_order_relaxed);
    }
    return block;
}

void count_free(void* block) {
    if (!counting.load(std::memory_order_relaxed)) return;
    kept.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(block)), std::memory_order_relaxed);
}
#endif

}  // namespace

#if HOLYSHEEP_COUNTED_HEAP
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) noexcept { return taken(__libc_malloc(size)); }
void* calloc(std::size_t number, std::size_t size) noexcept { return taken(__libc_calloc(number, size)); }
void* realloc(void* block, std::size_t size) noexcept {
    count_free(block);
    return taken(__libc_realloc(block, size));
}
void free(void* block) noexcept {
    count_free(block);
    __libc_free(block);
}
}
#endif

namespace holysheep::bench {

AllocationCount::AllocationCount() {
    requests = 0;
    kept = 0;
    counting = true;
}

AllocationCount::~AllocationCount() { counting = false; }

std::uint64_t AllocationCount::so_far() const { return requests; }
std::int64_t AllocationCount::bytes_kept() const { return kept; }

}  // namespace holysheep::bench
