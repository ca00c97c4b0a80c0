/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"
#include "routes_text.h"
#include "text_table.h"
#include "value_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
        code = value_print(shown, out);
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
    {"config.get", value_print_json},
    {"route.get", routes_print_candidates},
    {"route.explain", routes_print_explanation},
    {"fib.lookup", routes_print_lookup},
};

char *format_result(const char *method, const json_t *result)
{
    int (*print)(const json_t *, FILE *) = value_print;
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
        code = value_print(result, out);
    }
    if (fclose(out) != 0 || code != 0) {
        free(text);
        return NULL;
    }
    return text;
}
