/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_table.h"
#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(offsetof(struct kernel_entry, record) == 0, "a record's address is its entry's");

void kernel_table_init(struct kernel_table *table, enum kernel_kind kind)
{
    static const struct {
        size_t record_size;
        size_t key_size;
    } kinds[KERNEL_KINDS] = {
        [KERNEL_LINK] = {sizeof(struct kernel_link), offsetof(struct kernel_link, name)},
        [KERNEL_ADDRESS] = {sizeof(struct kernel_address), offsetof(struct kernel_address, broadcast)},
        [KERNEL_NEIGHBOUR] = {sizeof(struct kernel_neighbour), offsetof(struct kernel_neighbour, mac)},
    };

    table->record_size = kinds[kind].record_size;
    table->key_size = kinds[kind].key_size;
    table->tree = NULL;
    TAILQ_INIT(&table->list);
}

/* tsearch(3) knows nothing but entries, so they say how long their keys are. */
static int compare(const void *a, const void *b)
{
    const struct kernel_entry *entry = a;

    return memcmp(a, b, entry->table->key_size);
}

void kernel_table_clear(struct kernel_table *table)
{
    while (!TAILQ_EMPTY(&table->list)) {
        kernel_table_del(table, TAILQ_FIRST(&table->list));
    }
}

struct kernel_entry *kernel_table_get(const struct kernel_table *table, const void *record)
{
    struct kernel_entry probe = {.table = table};
    struct kernel_entry **found;

    memcpy(&probe.record, record, table->key_size);
    found = tfind(&probe, &table->tree, compare);
    return found != NULL ? *found : NULL;
}

static int add(struct kernel_table *table, const union kernel_record *record, uint32_t generation)
{
    struct kernel_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return -ENOMEM;
    }
    *entry = (struct kernel_entry){.record = *record, .table = table, .generation = generation};
    if (tsearch(entry, &table->tree, compare) == NULL) {
        free(entry);
        return -ENOMEM;
    }
    TAILQ_INSERT_TAIL(&table->list, entry, siblings);
    return KERNEL_ADDED;
}

int kernel_table_put(struct kernel_table *table, const union kernel_record *record, uint32_t generation,
                     union kernel_record *old)
{
    struct kernel_entry *entry = kernel_table_get(table, record);

    if (entry == NULL) {
        return add(table, record, generation);
    }
    entry->generation = generation;
    if (memcmp(&entry->record, record, table->record_size) == 0) {
        return KERNEL_UNCHANGED;
    }
    *old = entry->record;
    entry->record = *record;
    return KERNEL_CHANGED;
}

void kernel_table_del(struct kernel_table *table, struct kernel_entry *entry)
{
    tdelete(entry, &table->tree, compare);
    TAILQ_REMOVE(&table->list, entry, siblings);
    free(entry);
}
