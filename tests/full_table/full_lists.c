/* SPDX-License-Identifier: BSD-3-Clause */
#include "full_lists.h"
#include <stdlib.h>

#define LENGTHS 129

struct entry {
    table_key key;
    uint32_t value;
};

struct full_lists {
    struct entry *entries[LENGTHS]; /* sorted by key */
    size_t count[LENGTHS];
};

static int compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;

    return (left->key > right->key) - (left->key < right->key);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct full_lists *full_lists_create(const struct table *table)
{
    struct full_lists *lists = allocate(1, sizeof(*lists));
    size_t filled[LENGTHS] = {0};

    for (size_t i = 0; i < table->count; i++) {
        lists->count[table->routes[i].length]++;
    }
    for (unsigned int length = 0; length < LENGTHS; length++) {
        lists->entries[length] = allocate(lists->count[length], sizeof(struct entry));
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct table_route *route = &table->routes[i];

        lists->entries[route->length][filled[route->length]++] = (struct entry){route->key, route->value};
    }
    for (unsigned int length = 0; length < LENGTHS; length++) {
        qsort(lists->entries[length], lists->count[length], sizeof(struct entry), compare);
    }
    return lists;
}

void full_lists_destroy(struct full_lists *lists)
{
    for (unsigned int length = 0; length < LENGTHS; length++) {
        free(lists->entries[length]);
    }
    free(lists);
}

uint32_t *full_lists_value(const struct full_lists *lists, table_key key, unsigned int length)
{
    struct entry wanted = {.key = key & table_mask(length)};
    struct entry *entry = lists->count[length] > 0
                              ? bsearch(&wanted, lists->entries[length], lists->count[length], sizeof(wanted), compare)
                              : NULL;

    return entry != NULL ? &entry->value : NULL;
}

uint32_t full_lists_match(const struct full_lists *lists, table_key key)
{
    for (unsigned int length = LENGTHS; length-- > 0;) {
        const uint32_t *value = full_lists_value(lists, key, length);

        if (value != NULL && *value != 0) {
            return *value;
        }
    }
    return 0;
}
