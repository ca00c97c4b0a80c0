/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The records of one kind, found by what identifies them, in the order in which they came. Each carries the generation
 * (of the dump or later) in which it was last seen, so that what a new dump no longer shows can be found.
 */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#include "kernel_parse.h"
#include <sys/queue.h>

struct kernel_entry {
    union kernel_record record; /* first: records are handed out, and their entries found again */
    const struct kernel_table *table;
    uint32_t generation;
    TAILQ_ENTRY(kernel_entry) siblings;
};

struct kernel_table {
    size_t record_size;
    size_t key_size; /* the identifying start of a record */
    void *tree;      /* tsearch(3) over the entries */
    TAILQ_HEAD(, kernel_entry) list;
};

enum kernel_change { KERNEL_UNCHANGED, KERNEL_ADDED, KERNEL_CHANGED };

void kernel_table_init(struct kernel_table *table, enum kernel_kind kind);
void kernel_table_clear(struct kernel_table *table);

/* The entry with the key that `record` starts with, or NULL. */
struct kernel_entry *kernel_table_get(const struct kernel_table *table, const void *record);
/* An enum kernel_change, and when changed the record as it was; or -ENOMEM. */
int kernel_table_put(struct kernel_table *table, const union kernel_record *record, uint32_t generation,
                     union kernel_record *old) MUST_USE;
void kernel_table_del(struct kernel_table *table, struct kernel_entry *entry);

#endif
