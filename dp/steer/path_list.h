/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path lists: the ranked outcome of a decision, as workers use it.
 *
 * A FIB entry names a path list by its id; the flow hash picks one of its rows; the row names up to four adjacencies in
 * the order in which they are tried. A path list is immutable: another outcome is another path list, and health is
 * not part of it (the rows skip what is dead). The control thread interns, creates and destroys; workers only read.
 */
#ifndef PATH_LIST_H
#define PATH_LIST_H

#include "adjacency.h"
#include "attributes.h"
#include "rcu.h"
#include <stdint.h>

#define PATH_LIST_MAX  (1u << 15) /* ids are 15 bits in the FIB's leaves */
#define PATH_LIST_NONE 0          /* the FIB's "no route" */
#define ROW_PLACES     4          /* adjacencies in a row */
#define ROWS_SHARED    16384      /* rows of a list with a choice: 128 KiB */

/* Four adjacency ids, 16 bits each, the first choice in the lowest bits. Bit 15 of the first is kept for rows in
 * transition between two path lists. */
typedef uint64_t row_t;

/* The id in place 0 to 3, ADJACENCY_NONE where the row is shorter. */
static inline uint16_t row_place(row_t row, unsigned int place)
{
    return (uint16_t)(row >> (16 * place)) & 0x7fff;
}

enum hash_mode {
    HASH_PORTS,     /* addresses, protocol and ports */
    HASH_ADDRESSES, /* addresses alone */
    HASH_MODES,
};

/* Immutable once published, and in one piece of memory. What nearly every packet needs of its row, the first choice, is
 * there a second time: all of them fit the first cache of a CPU, the rows do not. */
struct path_list {
    uint32_t row_mask;      /* number of rows - 1, a power of two less one */
    uint16_t ranked_count;  /* members, all tiers */
    uint8_t hash_mode;      /* enum hash_mode */
    bool tell_no_instance;  /* senders hear of it (ICMP) when nothing is alive */
    const uint16_t *ranked; /* all adjacency ids, best first: the slow scan's order */
    const row_t *rows;
    uint16_t first[]; /* of each row the lowest bits */
};

/* What the hash says: the adjacency that is tried first. */
static inline uint16_t path_list_first(const struct path_list *list, uint32_t hash)
{
    return list->first[hash & list->row_mask] & 0x7fff;
}

/* Workers: a path list by the id that a FIB lookup gave, valid until their next quiescent state. Acquire: who sees the
 * list sees its rows. */
static inline const struct path_list *path_list_load(const struct path_list *const *array, uint32_t id)
{
    return __atomic_load_n(&array[id], __ATOMIC_ACQUIRE);
}

/* A member of a path list. */
struct path {
    uint16_t adjacency;
    uint16_t weight; /* share within its tier; 1 or more */
    uint64_t hash;   /* of the instance's name: equal on every forwarder of the site group */
};

/* tiers[t] members of tier t, one or more, follow each other in paths[]; tier 0 first. */
struct path_list_spec {
    const struct path *paths;
    const uint16_t *tiers;
    unsigned int tier_count;
    uint8_t hash_mode;
    bool tell_no_instance;
};

struct path_list_table;

/* NULL: no memory. */
struct path_list_table *path_list_table_create(struct rcu *rcu);
/* Workers must be gone. */
void path_list_table_destroy(struct path_list_table *table);
/* The array that workers index with FIB values; lives as long as the table. */
const struct path_list *const *path_list_array(const struct path_list_table *table);
/* Builds rows and publishes. Returns the id, or -ENOSPC, -ENOMEM. The spec may have no path at all: such a list is
 * a prefix whose instances are all gone, not a missing route. */
int path_list_create(struct path_list_table *table, const struct path_list_spec *spec) MUST_USE;
/* No FIB entry may name the id any more; it is reused only when no worker can hold it. */
void path_list_destroy(struct path_list_table *table, uint32_t id);
/* Bytes of all rows. */
uint64_t path_list_bytes(const struct path_list_table *table);

#endif
