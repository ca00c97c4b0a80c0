/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_compare.h"
#include "config_order.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_keys[CONFIG_SECTIONS] = {
    [CONFIG_PORTS] = "ports",         [CONFIG_ANYCAST] = "anycast", [CONFIG_PEERS] = "peers",
    [CONFIG_INSTANCES] = "instances", [CONFIG_ROUTES] = "routes",
};

/* A section of one configuration, sorted. */
struct sorted {
    const void **items;
    uint32_t count;
    uint32_t next; /* the walk's place */
};

static int sorted_init(struct sorted *sorted, const struct config_field *field, const struct config *config)
{
    struct config_items items;

    memcpy(&items, config_member(field, config), sizeof(items));
    *sorted = (struct sorted){.items = config_sort(field->type, &items), .count = items.count};
    return sorted->items != NULL ? 0 : -ENOMEM;
}

/* The merge of two sorted lists: each step takes the lesser of both heads, or both where they have one name. */
static int walk(const struct config_type *item, struct sorted *old, struct sorted *new, config_visit_fn *visit,
                void *context)
{
    int result = 0;

    while (result == 0 && (old->next < old->count || new->next < new->count)) {
        const void *before = old->items[old->next], *after = new->items[new->next]; /* NULL behind the last */
        int order = before == NULL ? 1 : after == NULL ? -1 : config_identity_compare(item, before, after);

        old->next += order <= 0;
        new->next += order >= 0;
        if (order != 0 || config_compare(item, before, after) != 0) {
            result = visit(context, order <= 0 ? before : NULL, order >= 0 ? after : NULL);
        }
    }
    return result;
}

int config_diff(const struct config *before, const struct config *after, enum config_section section,
                config_visit_fn *visit, void *context)
{
    const struct config_field *field = config_field_find(&config_schema, section_keys[section]);
    struct sorted old = {.items = NULL}, new = {.items = NULL};
    int result = -ENOMEM;

    if (sorted_init(&old, field, before) == 0 && sorted_init(&new, field, after) == 0) {
        result = walk(field->type->element, &old, &new, visit, context);
    }
    free(old.items);
    free(new.items);
    return result;
}

static bool field_same(const struct config_field *field, const void *a, const void *b)
{
    return config_has(field, a) == config_has(field, b) &&
           (!config_has(field, a) ||
            config_compare(field->type, config_member(field, a), config_member(field, b)) == 0);
}

bool config_same(const struct config *a, const struct config *b, const char *key)
{
    const struct config_field *field = config_field_find(&config_schema, key);

    return field != NULL && field_same(field, a, b);
}

bool config_equal(const struct config *a, const struct config *b)
{
    return config_compare(&config_schema, a, b) == 0;
}

static void restart_collect(const struct config_type *mapping, const char *path, const void *a, const void *b,
                            struct error *keys)
{
    for (const struct config_field *field = mapping->fields; field->key != NULL; field++) {
        size_t used = strlen(keys->text);

        if (field->restart && !field_same(field, a, b)) {
            snprintf(keys->text + used, sizeof(keys->text) - used, "%s%s%s", used == 0 ? "" : ", ", path, field->key);
        } else if (field->type->kind == KIND_MAPPING && field->has == 0) {
            char inner[64];

            snprintf(inner, sizeof(inner), "%s%s.", path, field->key);
            restart_collect(field->type, inner, config_member(field, a), config_member(field, b), keys);
        }
    }
}

bool config_needs_restart(const struct config *before, const struct config *after, struct error *keys)
{
    keys->text[0] = '\0';
    restart_collect(&config_schema, "", before, after, keys);
    return keys->text[0] != '\0';
}
