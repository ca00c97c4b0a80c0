/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t round_up(size_t value)
{
    return (value + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

void *pages_map(size_t bytes)
{
    size_t size = round_up(bytes);
    char *memory =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;

    if (memory == MAP_FAILED) {
        return NULL;
    }
    before = round_up((uintptr_t)memory) - (uintptr_t)memory;
    if (before > 0) {
        munmap(memory, before);
    }
    munmap(memory + before + size, HUGE_PAGE - before);
    /* a hint: without huge pages everything still works, with more TLB misses */
    (void)madvise(memory + before, size, MADV_HUGEPAGE);
    return memory + before;
}

void pages_unmap(void *memory, size_t bytes)
{
    if (memory != NULL) {
        munmap(memory, round_up(bytes));
    }
}
