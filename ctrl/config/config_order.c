/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_order.h"
#include <stdlib.h>
#include <string.h>

static int strings_compare(const void *a, const void *b)
{
    const char *left, *right;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return strcmp(left, right);
}

static int lists_compare(const struct config_type *type, const void *a, const void *b)
{
    struct config_items left, right;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    for (uint32_t i = 0; i < left.count && i < right.count; i++) {
        size_t offset = i * type->element->size;
        int order = config_compare(type->element, (char *)left.items + offset, (char *)right.items + offset);

        if (order != 0) {
            return order;
        }
    }
    return (left.count > right.count) - (left.count < right.count);
}

static int fields_compare(const struct config_type *type, const void *a, const void *b, bool identity_only)
{
    for (const struct config_field *field = type->fields; field->key != NULL; field++) {
        int left = config_has(field, a), right = config_has(field, b);
        int order = left - right;

        if (identity_only && !field->identity) {
            continue;
        }
        if (order == 0 && left) {
            order = config_compare(field->type, config_member(field, a), config_member(field, b));
        }
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int as_steps_compare(const struct config_type *type, const void *a, const void *b)
{
    const struct config_as_step *left = a, *right = b;
    int order = left->is_set - right->is_set;

    return order != 0 ? order : lists_compare(type->element, &left->asns, &right->asns);
}

int config_compare(const struct config_type *type, const void *a, const void *b)
{
    switch (type->kind) {
    case KIND_STRING:
        return strings_compare(a, b);
    case KIND_DEVICE:
        return strcmp(((const struct config_device *)a)->text, ((const struct config_device *)b)->text);
    case KIND_AS_STEP:
        return as_steps_compare(type, a, b);
    case KIND_LIST:
        return lists_compare(type, a, b);
    case KIND_MAPPING:
        return fields_compare(type, a, b, false);
    default:
        return memcmp(a, b, type->size); /* values without padding or pointers */
    }
}

int config_identity_compare(const struct config_type *type, const void *a, const void *b)
{
    return type->kind == KIND_MAPPING ? fields_compare(type, a, b, true) : config_compare(type, a, b);
}

static int sort_compare(const void *a, const void *b, void *element)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    int order = config_identity_compare(element, left, right);

    return order != 0 ? order : (left > right) - (left < right); /* items of one array */
}

const void **config_sort(const struct config_type *list, const void *value)
{
    struct config_items items;
    const void **sorted;

    memcpy(&items, value, sizeof(items));
    sorted = calloc((size_t)items.count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < items.count; i++) {
        sorted[i] = (const char *)items.items + i * list->element->size;
    }
    qsort_r(sorted, items.count, sizeof(*sorted), sort_compare, (void *)list->element);
    return sorted;
}
