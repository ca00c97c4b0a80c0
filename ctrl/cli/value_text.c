/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_text.h"
#include "cell.h"
#include "text_table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An object of more members than this gets lines of its own instead of one. */
#define INLINE_MEMBERS 4

static int add_label(struct text_table *table, const char *key)
{
    char label[64];

    snprintf(label, sizeof(label), "%s", key);
    for (char *c = label; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return text_table_add(table, label);
}

static int add_value(struct text_table *table, const char *key, const json_t *value)
{
    char *text = cell_text(key, value);
    int result = text != NULL ? text_table_add(table, text) : -ENOMEM;

    free(text);
    return result;
}

static bool all_are_objects(const json_t *value)
{
    const json_t *item;
    const char *key;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, item)
    {
        if (!json_is_object(item)) {
            return false;
        }
    }
    json_object_foreach((json_t *)value, key, member)
    {
        if (!json_is_object(member)) {
            return false;
        }
    }
    return json_array_size(value) + json_object_size(value) > 0;
}

/* One cell is enough for it. */
static bool is_inline(const json_t *value)
{
    return cell_is_flat(value) && json_object_size(value) <= INLINE_MEMBERS;
}

/* The keys that any of the rows has, in the order in which they first come up. */
static size_t keys_of(const json_t *rows, const char **keys, size_t max)
{
    size_t count = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)row, key, value)
        {
            size_t known = 0;

            while (known < count && strcmp(keys[known], key) != 0) {
                known++;
            }
            if (known == count && count < max) {
                keys[count++] = key;
            }
        }
    }
    return count;
}

/* Some row has more under this key than fits a cell. */
static bool is_nested(const json_t *rows, const char *key)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, key);

        if (!is_inline(value) && (json_is_object(value) || all_are_objects(value))) {
            return true;
        }
    }
    return false;
}

/* Appends `item`, with `name` in front of its members. */
static int append_named(json_t *rows, json_t *name, const json_t *item)
{
    json_t *row = json_pack("{s:O}", "", name);

    if (row == NULL || json_object_update(row, (json_t *)item) != 0) {
        json_decref(row);
        return -ENOMEM;
    }
    return json_array_append_new(rows, row) == 0 ? 0 : -ENOMEM;
}

/* What a row is called: its first value, if that is a word or a number. */
static json_t *row_name(const json_t *row)
{
    json_t *first = json_object_iter_value(json_object_iter((json_t *)row));

    return json_is_string(first) || json_is_number(first) ? first : json_null();
}

/* What the rows have under a key, each with the name of its row in front. */
static int collect_nested(const json_t *rows, const char *key, json_t *nested)
{
    int result = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        json_t *name = row_name(row);
        const json_t *value = json_object_get(row, key);
        const json_t *item;
        size_t j;

        if (json_is_object(value)) {
            result = append_named(nested, name, value);
        }
        json_array_foreach(value, j, item)
        {
            result = result == 0 ? append_named(nested, name, item) : result;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int print_columns(const json_t *rows, const char *const *keys, size_t count, FILE *out)
{
    struct text_table table = {.columns = count};
    int result = 0;
    const json_t *row;
    size_t i;

    for (size_t k = 0; k < count && result == 0; k++) {
        result = add_label(&table, keys[k]);
    }
    json_array_foreach(rows, i, row)
    {
        for (size_t k = 0; k < count && result == 0; k++) {
            result = add_value(&table, keys[k], json_object_get(row, keys[k]));
        }
    }
    if (result == 0) {
        text_table_print(&table, true, out);
    }
    text_table_free(&table);
    return result;
}

static void print_title(const char *key, bool first, FILE *out)
{
    fputs(first ? "" : "\n", out);
    text_print(key, out);
    fputs(":\n", out);
}

/* A list of objects, a row each; then what is nested in them. */
static int print_rows(const json_t *rows, FILE *out)
{
    const char *keys[TEXT_TABLE_COLUMNS];
    const char *flat[TEXT_TABLE_COLUMNS];
    size_t count = keys_of(rows, keys, ARRAY_SIZE(keys));
    size_t flat_count = 0;
    int result;

    for (size_t k = 0; k < count; k++) {
        if (!is_nested(rows, keys[k])) {
            flat[flat_count++] = keys[k];
        }
    }
    result = print_columns(rows, flat, flat_count, out);
    for (size_t k = 0; k < count && result == 0; k++) {
        json_t *nested;

        if (!is_nested(rows, keys[k])) {
            continue;
        }
        print_title(keys[k], false, out);
        nested = json_array();
        result = collect_nested(rows, keys[k], nested);
        if (result == 0) {
            result = print_rows(nested, out);
        }
        json_decref(nested);
    }
    return result;
}

/* An object of objects, a row each with its key in front. */
static int print_members_as_rows(const json_t *object, FILE *out)
{
    json_t *rows = json_array();
    int result = rows != NULL ? 0 : -ENOMEM;
    const char *key;
    json_t *member;

    json_object_foreach((json_t *)object, key, member)
    {
        json_t *name = json_string(key);

        result = result == 0 ? append_named(rows, name, member) : result;
        json_decref(name);
    }
    if (result == 0) {
        result = print_rows(rows, out);
    }
    json_decref(rows);
    return result;
}

/* A name and its value; "uptime_s": 5 reads "uptime  5 s". */
static int add_member(struct text_table *table, const char *key, const json_t *value)
{
    size_t length = strlen(key);
    bool seconds = json_is_number(value) && length > 2 && strcmp(key + length - 2, "_s") == 0;
    char label[64];
    char *text = cell_text(key, value);
    char *with_unit = NULL;
    int result;

    snprintf(label, sizeof(label), "%.*s", (int)(seconds ? length - 2 : length), key);
    if (text == NULL || asprintf(&with_unit, "%s%s", text, seconds ? " s" : "") < 0) {
        free(text);
        return -ENOMEM;
    }
    result = add_label(table, label);
    if (result == 0) {
        result = text_table_add(table, with_unit);
    }
    free(with_unit);
    free(text);
    return result;
}

/* The members that are inline, as names and values. */
static int print_members(const json_t *object, bool inline_only, FILE *out)
{
    struct text_table table = {.columns = 2};
    int result = 0;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (inline_only && !is_inline(value)) {
            continue;
        }
        result = add_member(&table, key, value);
        if (result != 0) {
            break;
        }
    }
    if (result == 0) {
        text_table_print(&table, false, out);
    }
    text_table_free(&table);
    return result;
}

int value_print_json(const json_t *value, FILE *out)
{
    if (json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0) {
        return -ENOMEM;
    }
    fputc('\n', out);
    return 0;
}

static int print_section(const json_t *value, FILE *out)
{
    if (json_is_array(value) && all_are_objects(value)) {
        return print_rows(value, out);
    }
    if (json_is_object(value) && cell_is_flat(value)) {
        return print_members(value, false, out);
    }
    if (json_is_object(value) && all_are_objects(value)) {
        return print_members_as_rows(value, out);
    }
    return value_print_json(value, out);
}

/* {"peers": [...]}: a table alone, or that there is none. */
static int print_only_list(const char *key, const json_t *list, FILE *out)
{
    if (json_array_size(list) == 0) {
        fputs("no ", out);
        text_print(key, out);
        fputc('\n', out);
        return 0;
    }
    return print_section(list, out);
}

/* What is inline comes first, then each other member under its name. */
static int print_object(const json_t *object, FILE *out)
{
    const char *only = json_object_iter_key(json_object_iter((json_t *)object));
    long start = ftell(out);
    int result;
    const char *key;
    json_t *value;

    if (json_object_size(object) == 1 && json_is_array(json_object_get(object, only))) {
        return print_only_list(only, json_object_get(object, only), out);
    }
    result = print_members(object, true, out);
    json_object_foreach((json_t *)object, key, value)
    {
        if (result != 0) {
            break;
        }
        if (!is_inline(value)) {
            print_title(key, ftell(out) == start, out);
            result = print_section(value, out);
        }
    }
    return result;
}

int value_print(const json_t *value, FILE *out)
{
    return json_is_object(value) ? print_object(value, out) : value_print_json(value, out);
}
