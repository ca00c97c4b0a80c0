/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route.list: candidates in the order of their prefixes, by pages. A cursor names the last candidate that was given, so
 * that it survives any change of the table; a page may be short, or empty, and more follow as long as there is a
 * cursor.
 */
#include "methods_private.h"
#include "word.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX     10000
#define LOOKED_AT_MAX 20000 /* prefixes a page: the loop has others to serve */

struct list_params {
    const json_t *family;
    struct prefix within;
    const char *peer;
    bool best_only;
    int64_t limit;
    const char *cursor;
};

enum { LIST_FAMILY, LIST_WITHIN, LIST_PEER, LIST_BEST_ONLY, LIST_LIMIT, LIST_CURSOR };

static const struct api_param list_table[] = {
    [LIST_FAMILY] = {"family", API_ANY, false, offsetof(struct list_params, family), 0, 0},
    [LIST_WITHIN] = {"within", API_PREFIX, false, offsetof(struct list_params, within), 0, 0},
    [LIST_PEER] = {"peer", API_STRING, false, offsetof(struct list_params, peer), 0, 0},
    [LIST_BEST_ONLY] = {"best_only", API_BOOL, false, offsetof(struct list_params, best_only), 0, 0},
    [LIST_LIMIT] = {"limit", API_INTEGER, false, offsetof(struct list_params, limit), 1, LIMIT_MAX},
    [LIST_CURSOR] = {"cursor", API_STRING, false, offsetof(struct list_params, cursor), 0, 0},
};

/* A page in the making. */
struct page {
    const struct control *control;
    json_t *routes;
    size_t limit;
    int peer; /* -1: any */
    bool best_only;
    bool has_within;
    struct prefix within;
    int family;       /* -1: both */
    struct prefix at; /* where to go on: this prefix ... */
    uint64_t after;   /* ... and its candidates after this key */
    bool has_after;   /* false: all of them */
    unsigned int looked_at;
};

static uint64_t key_number(const struct candidate_key *key)
{
    return (uint64_t)key->session_id << 48 | (uint64_t)key->peer_id << 32 | key->path_id;
}

/* "v4", "ipv4", "4" or 4, and so on. -1: none of these. */
static int family_of(const json_t *value)
{
    static const char *const words[] = {"v4", "v6", "ipv4", "ipv6", "4", "6"};
    int word;

    if (json_is_integer(value)) {
        return json_integer_value(value) == 4 ? FAMILY_V4 : json_integer_value(value) == 6 ? FAMILY_V6 : -1;
    }
    word = json_is_string(value) ? word_find(words, ARRAY_SIZE(words), json_string_value(value)) : -1;
    return word < 0 ? -1 : word % 2 == 0 ? FAMILY_V4 : FAMILY_V6;
}

/* "PREFIX@KEY", or "PREFIX" where none of its candidates was given yet. */
static int read_cursor(struct api_call *call, const char *text, struct page *page)
{
    const char *at = strchr(text, '@');
    size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
    char prefix[PREFIX_STRLEN] = "";
    char *end = NULL;

    page->has_after = at != NULL;
    if (length < sizeof(prefix)) {
        memcpy(prefix, text, length);
    }
    if (at != NULL) {
        page->after = strtoull(at + 1, &end, 16);
    }
    if (prefix_parse(prefix, &page->at) != 0 || (at != NULL && (end == at + 1 || *end != '\0'))) {
        return api_fail(call, API_ERR_PARAMS, "\"cursor\": not one of route.list");
    }
    return 0;
}

static int read_list(struct api_call *call, const json_t *params, struct page *page)
{
    const struct control *control = call->context;
    struct list_params in = {.limit = LIMIT_DEFAULT};
    uint64_t given;
    int code = read_params(call, params, list_table, ARRAY_SIZE(list_table), &in, &given);

    if (code != 0) {
        return code;
    }
    page->control = control;
    page->limit = (size_t)in.limit;
    page->best_only = in.best_only;
    page->has_within = (given >> LIST_WITHIN & 1) != 0;
    page->within = in.within;
    page->family = in.family != NULL ? family_of(in.family) : page->has_within ? in.within.addr.family : -1;
    if (in.family != NULL && page->family < 0) {
        return api_fail(call, API_ERR_PARAMS, "\"family\": \"v4\" or \"v6\"");
    }
    page->peer = in.peer != NULL ? site_peer_id(control->site, in.peer) : -1;
    if (in.peer != NULL && page->peer < 0) {
        return api_fail(call, API_ERR_UNKNOWN_NAME, "unknown peer \"%s\"", in.peer);
    }
    page->at = page->has_within ? in.within : (struct prefix){.addr.family = (uint8_t)(page->family > 0)};
    return in.cursor != NULL ? read_cursor(call, in.cursor, page) : 0;
}

/* False: the page is full. */
static bool list_entry(struct page *page, const struct rib_entry *entry)
{
    struct site_ranking ranking = {0};
    bool full = false;

    page->looked_at++;
    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        const struct candidate_key *key = &entry->candidates[i].key;

        if ((page->has_after && key_number(key) <= page->after) || (page->peer >= 0 && key->peer_id != page->peer)) {
            continue;
        }
        if (ranking.memory == NULL && site_rank(page->control->site, &entry->prefix, &ranking) != 0) {
            break;
        }
        if (page->best_only && ranking.verdicts[i].tier != 1) {
            continue;
        }
        if (json_array_size(page->routes) == page->limit) {
            full = true;
            break;
        }
        json_array_append_new(page->routes, write_judged(page->control, &entry->prefix, &ranking, i));
        page->after = key_number(key);
        page->has_after = true;
    }
    site_ranking_free(&ranking);
    return !full;
}

/* The entry to look at next; NULL: the end. */
static const struct rib_entry *entry_from(const struct page *page, const struct prefix *from)
{
    const struct rib *rib = site_rib(page->control->site);
    const struct rib_entry *entry = rib_seek(rib, from);

    if (entry == NULL && from->addr.family == FAMILY_V4 && page->family != FAMILY_V4) {
        entry = rib_seek(rib, &(struct prefix){.addr.family = FAMILY_V6});
    }
    return entry != NULL && page->has_within && !prefix_covers(&page->within, &entry->prefix) ? NULL : entry;
}

/* Fills the page. True: there may be more, after page->at and page->after. */
static bool fill(struct page *page)
{
    const struct rib_entry *entry = entry_from(page, &page->at);

    while (entry != NULL) {
        if (!prefix_equal(&entry->prefix, &page->at)) {
            page->at = entry->prefix;
            page->has_after = false;
        }
        if (!list_entry(page, entry)) {
            return true;
        }
        entry = rib_next(site_rib(page->control->site), entry);
        if (entry == NULL) {
            entry = page->at.addr.family == FAMILY_V4 && page->family != FAMILY_V4
                        ? entry_from(page, &(struct prefix){.addr.family = FAMILY_V6})
                        : NULL;
        } else if (page->has_within && !prefix_covers(&page->within, &entry->prefix)) {
            entry = NULL;
        }
        if (entry != NULL && page->looked_at >= LOOKED_AT_MAX) {
            page->at = entry->prefix;
            page->has_after = false;
            return true;
        }
    }
    return false;
}

static json_t *json_cursor(const struct page *page)
{
    char text[PREFIX_STRLEN];

    prefix_format(&page->at, text);
    return page->has_after ? json_sprintf("%s@%" PRIx64, text, page->after) : json_string(text);
}

int method_route_list(struct api_call *call, const json_t *params, json_t **result)
{
    struct page page = {0};
    int code = read_list(call, params, &page);
    bool more;

    if (code != 0) {
        return code;
    }
    page.routes = json_array();
    more = fill(&page);
    return answer(call,
                  json_pack("{s:o, s:o}", "routes", page.routes, "cursor", more ? json_cursor(&page) : json_null()),
                  result);
}
