/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6_segment.h"
#include "fib_table.h"

struct open_route {
    uint64_t end; /* the first cell behind it */
    uint32_t value;
};

void fib6_segment_add(struct fib6_segment *segments, size_t *count, uint64_t first, uint32_t value)
{
    if (*count > 0 && segments[*count - 1].first == first) {
        (*count)--;
    }
    /* two cells that go deeper are never one segment */
    if (*count == 0 || segments[*count - 1].value != value || value == TRIE_DEEPER) {
        segments[(*count)++] = (struct fib6_segment){.first = (uint32_t)first, .value = value};
    }
}

/* A route opens a segment at its first cell, and where it ends the route around it goes on: brackets, in the order in
 * which the walk gives them. */
size_t fib6_segments_collect(const struct trie *trie, trie_key key, unsigned int length, unsigned int window,
                             struct fib6_segment *segments)
{
    unsigned int max_length = window + FIB6_WINDOW < TRIE_KEY_BITS ? window + FIB6_WINDOW : TRIE_KEY_BITS;
    uint64_t first = fib6_cell(key, window);
    uint64_t end = first + fib6_cells(window, length);
    struct open_route open[FIB6_WINDOW + 4] = {{end, fib_covering_value(trie, key, length)}};
    unsigned int depth = 1;
    size_t count = 0;
    struct trie_walk walk;
    struct trie_item item;

    fib6_segment_add(segments, &count, first, open[0].value);
    trie_walk_start(&walk, trie, key, length, max_length);
    while (trie_walk_next(&walk, &item)) {
        first = fib6_cell(item.key, window);
        for (; open[depth - 1].end <= first; depth--) {
            fib6_segment_add(segments, &count, open[depth - 1].end, open[depth - 2].value);
        }
        fib6_segment_add(segments, &count, first, item.value);
        open[depth++] = (struct open_route){
            .end = first + (item.value == TRIE_DEEPER ? 1 : fib6_cells(window, item.length)),
            .value = item.value,
        };
    }
    for (; open[depth - 1].end < end; depth--) {
        fib6_segment_add(segments, &count, open[depth - 1].end, open[depth - 2].value);
    }
    return count;
}
