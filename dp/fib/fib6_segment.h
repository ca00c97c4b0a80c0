/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes as segments: a window of 32 address bits has 2^32 cells, and the routes cut them into segments of equal
 * result. A cell in which routes longer than the window lie is a segment of its own, of value TRIE_DEEPER.
 */
#ifndef FIB6_SEGMENT_H
#define FIB6_SEGMENT_H

#include "trie.h"
#include <stddef.h>
#include <stdint.h>

#define FIB6_WINDOW 32

struct fib6_segment {
    uint32_t first; /* cell; it ends where the next one begins */
    uint32_t value;
};

/* The cell of a key in the window that begins at this bit. The last window reaches beyond the key, which goes on in
 * zeros. */
static inline uint32_t fib6_cell(trie_key key, unsigned int window)
{
    return (uint32_t)(key << window >> (TRIE_KEY_BITS - FIB6_WINDOW));
}

/* Cells of a prefix, window <= length <= window + FIB6_WINDOW. */
static inline uint64_t fib6_cells(unsigned int window, unsigned int length)
{
    return 1ull << (window + FIB6_WINDOW - length);
}

/* Appends a segment; one that begins where the last one does replaces it, one of the same value is the same one. */
void fib6_segment_add(struct fib6_segment *segments, size_t *count, uint64_t first, uint32_t value);

/* The segments of a prefix; their number. At most two for each of the trie's routes and one more. */
size_t fib6_segments_collect(const struct trie *trie, trie_key key, unsigned int length, unsigned int window,
                             struct fib6_segment *segments);

#endif
