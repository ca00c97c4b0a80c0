/* SPDX-License-Identifier: BSD-3-Clause */
#include "cell.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void print_value(const json_t *value, const char *separator, unsigned int depth, FILE *out);

static void print_array(const json_t *array, const char *separator, unsigned int depth, FILE *out)
{
    const json_t *item;
    size_t i;

    fputs(depth > 0 ? "{" : "", out);
    json_array_foreach(array, i, item)
    {
        fputs(i > 0 ? separator : "", out);
        print_value(item, ",", depth + 1, out);
    }
    fputs(depth > 0 ? "}" : "", out);
}

static void print_object(const json_t *object, unsigned int depth, FILE *out)
{
    const char *separator = "";
    const char *key;
    json_t *value;

    fputs(depth > 0 ? "{" : "", out);
    json_object_foreach((json_t *)object, key, value)
    {
        fprintf(out, "%s%s ", separator, key);
        print_value(value, ",", depth + 1, out);
        separator = ", ";
    }
    fputs(depth > 0 ? "}" : "", out);
}

static void print_value(const json_t *value, const char *separator, unsigned int depth, FILE *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        fputs(json_string_value(value), out);
        break;
    case JSON_INTEGER:
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(out, "%.1f", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        fputs(json_is_true(value) ? "yes" : "no", out);
        break;
    case JSON_NULL:
        fputs("-", out);
        break;
    case JSON_ARRAY:
        print_array(value, separator, depth, out);
        break;
    case JSON_OBJECT:
        print_object(value, depth, out);
        break;
    }
}

static bool is_empty(const json_t *value)
{
    return value == NULL || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

char *cell_text(const char *key, const json_t *value)
{
    char *text = NULL;
    size_t size;
    FILE *out;

    if (is_empty(value)) {
        return strdup("-");
    }
    out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    print_value(value, strcmp(key, "as_path") == 0 ? " " : ",", 0, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

bool cell_is_flat(const json_t *value)
{
    const json_t *item;
    const char *key;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, item)
    {
        if (json_is_object(item) || (json_is_array(item) && !cell_is_flat(item))) {
            return false;
        }
    }
    json_object_foreach((json_t *)value, key, member)
    {
        if (json_is_object(member) || json_is_array(member)) {
            return false;
        }
    }
    return true;
}
