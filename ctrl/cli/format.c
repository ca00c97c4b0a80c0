/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"
#include "cell.h"
#include "routes_text.h"
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

/* A list of objects, a row each. */
static int print_rows(const json_t *rows, FILE *out)
{
    const char *keys[TEXT_TABLE_COLUMNS];
    struct text_table table = {.columns = keys_of(rows, keys, ARRAY_SIZE(keys))};
    int result = 0;
    const json_t *row;
    size_t i;

    for (size_t k = 0; k < table.columns && result == 0; k++) {
        result = add_label(&table, keys[k]);
    }
    json_array_foreach(rows, i, row)
    {
        for (size_t k = 0; k < table.columns && result == 0; k++) {
            result = add_value(&table, keys[k], json_object_get(row, keys[k]));
        }
    }
    if (result == 0) {
        text_table_print(&table, true, out);
    }
    text_table_free(&table);
    return result;
}

/* An object of objects, a row each with its key in front. */
static json_t *rows_of_members(const json_t *object)
{
    json_t *rows = json_array();
    const char *key;
    json_t *member;

    json_object_foreach((json_t *)object, key, member)
    {
        json_t *row = json_pack("{s:s}", "", key);

        if (json_object_update(row, member) != 0 || json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
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

/* One line beside its name is enough for it. */
static bool is_inline(const json_t *value)
{
    return cell_is_flat(value) && json_object_size(value) <= INLINE_MEMBERS;
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
        result = add_label(&table, key);
        if (result == 0) {
            result = add_value(&table, key, value);
        }
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

static int print_json(const json_t *value, FILE *out)
{
    if (json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0) {
        return -ENOMEM;
    }
    fputc('\n', out);
    return 0;
}

static int print_section(const json_t *value, FILE *out)
{
    json_t *rows;
    int result;

    if (json_is_array(value) && all_are_objects(value)) {
        return print_rows(value, out);
    }
    if (json_is_object(value) && cell_is_flat(value)) {
        return print_members(value, false, out);
    }
    if (json_is_object(value) && all_are_objects(value)) {
        rows = rows_of_members(value);
        result = rows != NULL ? print_rows(rows, out) : -ENOMEM;
        json_decref(rows);
        return result;
    }
    return print_json(value, out);
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
            fputs(ftell(out) > start ? "\n" : "", out);
            text_print(key, out);
            fputs(":\n", out);
            result = print_section(value, out);
        }
    }
    return result;
}

static int print_any(const json_t *result, FILE *out)
{
    return json_is_object(result) ? print_object(result, out) : print_json(result, out);
}

static int print_version(const json_t *result, FILE *out)
{
    const char *program = json_string_value(json_object_get(result, "program"));
    const char *version = json_string_value(json_object_get(result, "version"));
    const json_t *api = json_object_get(result, "api");

    if (program == NULL || version == NULL || !json_is_integer(api)) {
        return -EINVAL;
    }
    text_print(program, out);
    fputc(' ', out);
    text_print(version, out);
    fprintf(out, ", API %" JSON_INTEGER_FORMAT "\n", json_integer_value(api));
    return 0;
}

/* Of the drop reasons only those that came up. */
static int print_stats(const json_t *result, FILE *out)
{
    json_t *shown = json_copy((json_t *)result);
    json_t *drops = json_object();
    int code = -ENOMEM;
    const char *reason;
    json_t *count;

    json_object_foreach(json_object_get(result, "drops"), reason, count)
    {
        if (!json_is_integer(count) || json_integer_value(count) != 0) {
            (void)json_object_set(drops, reason, count);
        }
    }
    if (shown != NULL && drops != NULL) {
        if (json_object_get(shown, "drops") != NULL) {
            (void)json_object_set(shown, "drops", drops);
        }
        code = print_any(shown, out);
    }
    json_decref(drops);
    json_decref(shown);
    return code;
}

/* -EINVAL: the result has not the shape it knows, and nothing is printed. */
static const struct {
    const char *method;
    int (*print)(const json_t *result, FILE *out);
} printers[] = {
    {"version", print_version},
    {"stats.get", print_stats},
    {"config.get", print_json},
    {"route.get", routes_print_candidates},
    {"route.explain", routes_print_explanation},
    {"fib.lookup", routes_print_lookup},
};

char *format_result(const char *method, const json_t *result)
{
    int (*print)(const json_t *, FILE *) = print_any;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int code;

    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(printers); i++) {
        if (strcmp(printers[i].method, method) == 0) {
            print = printers[i].print;
        }
    }
    code = print(result, out);
    if (code == -EINVAL) { /* not the shape it knows */
        code = print_any(result, out);
    }
    if (fclose(out) != 0 || code != 0) {
        free(text);
        return NULL;
    }
    return text;
}
