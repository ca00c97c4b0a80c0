/* SPDX-License-Identifier: BSD-3-Clause */
#include "follow.h"
#include "text_table.h"
#include <stdlib.h>
#include <string.h>

/* "lon1, ny1", or "nowhere" */
static void print_places(const json_t *places, FILE *out)
{
    const json_t *place;
    size_t i;

    json_array_foreach(places, i, place)
    {
        static const char *const keys[] = {"instance", "next_hop", "action"};

        fputs(i > 0 ? ", " : "", out);
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            if (json_is_string(json_object_get(place, keys[k]))) {
                text_print(json_string_value(json_object_get(place, keys[k])), out);
                break;
            }
        }
    }
    fputs(json_array_size(places) == 0 ? "nowhere" : "", out);
}

static void print_word(const json_t *params, const char *key, const char *before, FILE *out)
{
    const char *word = json_string_value(json_object_get(params, key));

    if (word != NULL) {
        fputs(before, out);
        text_print(word, out);
    }
}

static void print_best(const json_t *params, FILE *out)
{
    print_word(params, "prefix", " ", out);
    fputs(" to ", out);
    print_places(json_object_get(params, "best"), out);
    if (json_object_get(params, "was") != NULL) {
        fputs(", was ", out);
        print_places(json_object_get(params, "was"), out);
    }
    print_word(params, "cause", ": ", out);
    print_word(params, "why", "; ", out);
}

/* Everything else in JSON: what there is depends on the topic. */
static void print_rest(const json_t *params, FILE *out)
{
    json_t *rest = json_copy((json_t *)params);
    char *text;

    json_object_del(rest, "topic");
    json_object_del(rest, "seq");
    text = json_dumps(rest, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc(' ', out);
    fputs(text != NULL ? text : "?", out);
    free(text);
    json_decref(rest);
}

void event_print(const json_t *params, FILE *out)
{
    const char *topic = json_string_value(json_object_get(params, "topic"));

    if (topic == NULL) {
        return; /* of a daemon that is newer */
    }
    text_print(topic, out);
    if (strcmp(topic, "best") == 0) {
        print_best(params, out);
    } else {
        print_rest(params, out);
    }
    fputc('\n', out);
}
