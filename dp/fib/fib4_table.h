/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fib4's table: two dependent loads for a prefix of up to /24, three beyond.
 *
 * The 2^24 results, one for each /24, are kept as runs of equal ones: a record for each /18 says where among its 64
 * results a new one begins (popcount finds its leaf). A leaf is a value or, with TRIE_DEEPER set, names a group of 256
 * leaves, one for each address of the /24, because a longer prefix lies in there. A record without any change inside
 * needs no run of its own: leaf i holds i for every i below IDENTITIES, and the record points there.
 *
 * A change repaints the part of the record that its prefix covers, and either stores into the leaves in place (each
 * address then sees the old or the new) or publishes a new run and retires the old one. A change of a prefix shorter
 * than /18 does so record by record.
 *
 * Limits: FIB4_GROUPS. Runs cannot run out, so a del cannot fail: each of the 2^18 records has at most one, of at most
 * 64 leaves, and a new one is made before the old one goes.
 */
#ifndef FIB4_TABLE_H
#define FIB4_TABLE_H

#include "arena.h"
#include "fib4_record.h"
#include "fib_table.h"

#define FIB4_RECORDS       (1u << 18)
#define FIB4_RECORD_LENGTH 18
#define FIB4_SLOT_LENGTH   24
#define FIB4_SLOTS         64 /* of a record */
#define FIB4_GROUP_LEAVES  256
#define FIB4_GROUPS        TRIE_DEEPER
#define FIB4_WAITING_MAX   1024 /* records */

typedef _Atomic uint16_t fib4_leaf;

static_assert(sizeof(fib4_leaf) == 2, "a leaf is stored in one");

struct fib4_table {
    struct fib_table base; /* first: fib_table.h */
    struct fib4_record *records;
    struct arena leaves;
    struct arena groups;
    uint16_t *cells;                    /* one for each record, scratch */
    uint32_t waiting[FIB4_WAITING_MAX]; /* addresses of records to be brought up to the trie, each once */
    unsigned int waiting_count;
    uint64_t waits[FIB4_RECORDS / 64]; /* a bit for each record: it is among them */
    bool whole;                        /* how records are read and written: fib4_record.h */
    _Atomic bool far;                  /* the leaves fill a second-level cache: worth a prefetch each */
};

extern const struct fib_family fib4_family;

static inline fib4_leaf *fib4_leaf_at(const struct fib4_table *table, uint32_t index)
{
    return (fib4_leaf *)table->leaves.memory + index;
}

static inline fib4_leaf *fib4_group_at(const struct fib4_table *table, uint32_t leaf)
{
    return (fib4_leaf *)arena_at(&table->groups, leaf & (TRIE_DEEPER - 1));
}

static inline unsigned int fib4_slot_of(uint32_t addr)
{
    return addr >> (32 - FIB4_SLOT_LENGTH) & (FIB4_SLOTS - 1);
}

static inline struct fib4_record *fib4_record_of(const struct fib4_table *table, uint32_t addr)
{
    return &table->records[addr >> (32 - FIB4_RECORD_LENGTH)];
}

#endif
