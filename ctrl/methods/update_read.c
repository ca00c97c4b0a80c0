/* SPDX-License-Identifier: BSD-3-Clause */
/* The parameters of route.update, read entry by entry. */
#include "loop.h"
#include "methods_private.h"
#include "update.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"add", "del", "atomic", "strict"};
enum { KEY_ADD, KEY_DEL, KEY_ATOMIC, KEY_STRICT };

int update_reserve(void *array, size_t size, size_t count, size_t *room)
{
    void **items = array;
    size_t more = *room > 0 ? *room * 2 : 64;
    void *grown;

    if (count < *room) {
        return 0;
    }
    grown = realloc(*items, more * size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *items = grown;
    *room = more;
    return 0;
}

void update_refuse(struct update *update, enum update_list list, uint32_t index, int code, const struct error *error)
{
    json_array_append_new(update->errors,
                          json_pack("{s:I, s:s, s:i, s:o}", "index", (json_int_t)index, "list",
                                    list == LIST_ADD ? "add" : "del", "code", code, "message", api_text(error->text)));
    if (update->first_code == 0) {
        update->first_code = code;
        update->first_error = *error;
    }
}

static void read_add(struct update *update, struct json_scan *scan)
{
    struct error error;
    struct change *change;
    int code;

    if (update_reserve(&update->adds, sizeof(*update->adds), update->add_count, &update->add_room) != 0) {
        json_scan_skip(scan);
        update_refuse(update, LIST_ADD, update->index, error_set(&error, API_ERR_TABLE_FULL, "no memory"), &error);
        return;
    }
    change = &update->adds[update->add_count];
    code = candidate_scan(update->control, update->session, scan, &change->prefix, &change->candidate, &error);
    if (code == 0) {
        change->births = site_births(update->control->site);
        change->list = LIST_ADD;
        change->index = update->index;
        update->add_count++;
    } else if (code != CANDIDATE_NOT_JSON) {
        update_refuse(update, LIST_ADD, update->index, code, &error);
    }
}

static void read_del(struct update *update, struct json_scan *scan)
{
    struct error error;
    struct deletion *deletion;
    int code;

    if (update_reserve(&update->dels, sizeof(*update->dels), update->del_count, &update->del_room) != 0) {
        json_scan_skip(scan);
        update_refuse(update, LIST_DEL, update->index, error_set(&error, API_ERR_TABLE_FULL, "no memory"), &error);
        return;
    }
    deletion = &update->dels[update->del_count];
    code = candidate_scan_selection(update->control, scan, &deletion->selection, &error);
    if (code == 0) {
        deletion->index = update->index;
        update->del_count++;
    } else if (code != CANDIDATE_NOT_JSON) {
        update_refuse(update, LIST_DEL, update->index, code, &error);
    }
}

/* True: the list is read to its end, or there is a mistake; false: the time is over. */
static bool read_list(struct update *update, struct json_scan *scan, uint64_t until_ms)
{
    while (json_scan_item(scan, &update->first_item)) {
        if (update->list == LIST_ADD) {
            read_add(update, scan);
        } else {
            read_del(update, scan);
        }
        if (++update->index % UPDATE_STRIDE == 0 && loop_now_ms() >= until_ms) {
            return false;
        }
    }
    update->list = LIST_NONE;
    return true;
}

#define refuse_params(update, ...)                                                                        \
    ((void)((update)->params_code == 0                                                                    \
                ? (update)->params_code = error_set(&(update)->params_error, API_ERR_PARAMS, __VA_ARGS__) \
                : 0))

static void read_flag(struct update *update, struct json_scan *scan, const char *key, bool *out)
{
    char kind = json_scan_peek(scan);

    if (kind == 't' || kind == 'f') {
        json_scan_bool(scan, out);
        return;
    }
    refuse_params(update, "\"%s\" must be true or false", key);
    json_scan_skip(scan);
}

static void open_list(struct update *update, struct json_scan *scan, enum update_list list)
{
    if (json_scan_peek(scan) != '[') {
        refuse_params(update, "\"%s\" must be an array", list == LIST_ADD ? "add" : "del");
        json_scan_skip(scan);
    } else if (json_scan_open(scan, '[')) {
        update->list = list;
        update->index = 0;
        update->first_item = true;
    }
}

static void read_member(struct update *update, struct json_scan *scan, const char *key)
{
    size_t known = 0;

    while (known < ARRAY_SIZE(keys) && strcmp(keys[known], key) != 0) {
        known++;
    }
    if (known < ARRAY_SIZE(keys) && (update->seen >> known & 1) != 0) {
        scan->error = "a key that occurs twice";
        return;
    }
    update->seen |= UINT64_C(1) << known;
    switch (known) {
    case KEY_ADD:
    case KEY_DEL:
        open_list(update, scan, known == KEY_ADD ? LIST_ADD : LIST_DEL);
        break;
    case KEY_ATOMIC:
        read_flag(update, scan, "atomic", &update->atomic);
        break;
    case KEY_STRICT:
        read_flag(update, scan, "strict", &update->strict);
        break;
    default:
        refuse_params(update, "unknown key \"%.64s\"; known: add, del, atomic, strict", key);
        json_scan_skip(scan);
    }
}

int update_read(void *state, struct json_scan *scan)
{
    struct update *update = state;
    uint64_t until_ms = loop_now_ms() + UPDATE_PART_MS;
    struct json_text key;

    if (!update->opened) {
        update->opened = json_scan_open(scan, '{');
        update->first_key = true;
    }
    for (;;) {
        if (update->list != LIST_NONE && !read_list(update, scan, until_ms)) {
            return API_AGAIN;
        }
        if (!json_scan_key(scan, &update->first_key, &key)) {
            return 0;
        }
        read_member(update, scan, key.bytes);
    }
}
