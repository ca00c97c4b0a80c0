/* SPDX-License-Identifier: BSD-3-Clause */
#include "candidate_entry.h"
#include "methods_private.h"
#include "word.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const origins[] = {[ORIGIN_IGP] = "igp", [ORIGIN_EGP] = "egp", [ORIGIN_INCOMPLETE] = "incomplete"};

/* A string; false: something else, which is skipped, or no JSON. */
bool take_text(struct entry *entry, const char *key, const char *what, struct json_text *text)
{
    if (json_scan_peek(entry->scan) != '"') {
        refuse(entry, API_ERR_PARAMS, "\"%s\" must be %s", key, what);
        json_scan_skip(entry->scan);
        return false;
    }
    return json_scan_text(entry->scan, text);
}

bool take_number(struct entry *entry, const char *key, uint32_t *out)
{
    char kind = json_scan_peek(entry->scan);
    bool is_integer = false;
    int64_t number = -1;

    if (kind != '-' && (kind < '0' || kind > '9')) {
        json_scan_skip(entry->scan);
    } else if (!json_scan_number(entry->scan, &is_integer, &number)) {
        return false;
    }
    if (!is_integer || number < 0 || number > UINT32_MAX) {
        refuse(entry, API_ERR_PARAMS, "\"%s\" must be an integer from 0 to %u", key, UINT32_MAX);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

bool take_address(struct entry *entry, const char *key, struct ip_addr *out)
{
    struct json_text text;

    if (!take_text(entry, key, "an address in a string, like \"192.0.2.1\"", &text)) {
        return false;
    }
    if (text.length >= JSON_TEXT_MAX || ip_addr_parse(text.bytes, out) != 0) {
        refuse(entry, API_ERR_PARAMS, "\"%s\": \"%.64s\" is not an address like 192.0.2.1 or 2001:db8::1", key,
               text.bytes);
        return false;
    }
    return true;
}

static void take_prefix(struct entry *entry)
{
    struct json_text text;
    struct error error;

    if (!take_text(entry, "prefix", "a prefix in a string, like \"192.0.2.0/24\"", &text)) {
        return;
    }
    if (text.length < JSON_TEXT_MAX && prefix_parse(text.bytes, &entry->prefix) == 0) {
        entry->has_prefix = true;
        return;
    }
    if (entry->code == 0) {
        entry->code = api_prefix_error("prefix", text.bytes, &error);
        *entry->error = error;
    }
}

static void take_peer(struct entry *entry)
{
    struct json_text text;

    if (!take_text(entry, "peer", "a string", &text)) {
        return;
    }
    entry->has_peer = true;
    entry->peer = text.length < JSON_TEXT_MAX ? site_peer_id(entry->control->site, text.bytes) : -ENOENT;
    if (entry->peer < 0) {
        refuse(entry, API_ERR_UNKNOWN_NAME, "unknown peer \"%.64s\"", text.bytes);
    }
}

static void take_instance(struct entry *entry)
{
    struct json_text text;
    int id;

    entry->ways++;
    if (!take_text(entry, "instance", "a string", &text)) {
        return;
    }
    id = text.length < JSON_TEXT_MAX ? site_instance_id(entry->control->site, text.bytes) : -ENOENT;
    if (id < 0) {
        refuse(entry, API_ERR_UNKNOWN_NAME, "unknown instance \"%.64s\"", text.bytes);
        return;
    }
    entry->target = (struct target){.kind = TARGET_INSTANCE, .instance_id = (uint32_t)id};
}

static void take_next_hop(struct entry *entry)
{
    struct ip_addr address;

    entry->ways++;
    if (take_address(entry, "next_hop", &address)) {
        entry->target = (struct target){.kind = TARGET_NEXT_HOP, .next_hop = address};
    }
}

/* The index of one of the words; -1: it is none. */
static int take_word(struct entry *entry, const char *key, const char *const *words, size_t n, const char *known)
{
    struct json_text text;
    int word = -1;

    if (take_text(entry, key, "a string", &text)) {
        word = word_find(words, n, text.bytes);
        if (word < 0) {
            refuse(entry, API_ERR_PARAMS, "%s: \"%.64s\" is not %s", key, text.bytes, known);
        }
    }
    return word;
}

static void take_action(struct entry *entry)
{
    static const char *const actions[] = {"blackhole", "reject"};
    int action = take_word(entry, "action", actions, ARRAY_SIZE(actions), "blackhole or reject");

    entry->ways++;
    entry->target = (struct target){.kind = action == 0 ? TARGET_BLACKHOLE : TARGET_REJECT};
}

static void take_origin(struct entry *entry)
{
    entry->attrs.origin = (uint8_t)take_word(entry, "origin", origins, ARRAY_SIZE(origins), "igp, egp or incomplete");
}

static void take_local_pref(struct entry *entry)
{
    entry->attrs.has_local_pref = take_number(entry, "local_pref", &entry->attrs.local_pref);
}

static void take_med(struct entry *entry)
{
    entry->attrs.has_med = take_number(entry, "med", &entry->attrs.med);
}

static void take_weight(struct entry *entry)
{
    (void)take_number(entry, "weight", &entry->attrs.weight);
}

static void take_path_id(struct entry *entry)
{
    (void)take_number(entry, "path_id", &entry->path_id);
}

static void take_originator(struct entry *entry)
{
    struct ip_addr address;

    if (!take_address(entry, "originator_id", &address)) {
        return;
    }
    if (address.family != FAMILY_V4) {
        refuse(entry, API_ERR_PARAMS, "originator_id: written as an IPv4 address");
        return;
    }
    entry->attrs.originator_id = ip_addr_to_u32(&address);
    entry->attrs.has_originator_id = true;
}

struct taker {
    const char *key;
    void (*take)(struct entry *entry);
};

/* The likeliest first. */
static const struct taker candidate_takers[] = {
    {"prefix", take_prefix},
    {"peer", take_peer},
    {"next_hop", take_next_hop},
    {"instance", take_instance},
    {"as_path", take_as_path},
    {"origin", take_origin},
    {"local_pref", take_local_pref},
    {"med", take_med},
    {"communities", take_communities},
    {"path_id", take_path_id},
    {"large_communities", take_large_communities},
    {"weight", take_weight},
    {"action", take_action},
    {"originator_id", take_originator},
    {"cluster_list", take_clusters},
};

enum { SELECT_PREFIX, SELECT_PEER, SELECT_PATH_ID };
static const struct taker selection_takers[] = {
    [SELECT_PREFIX] = {"prefix", take_prefix},
    [SELECT_PEER] = {"peer", take_peer},
    [SELECT_PATH_ID] = {"path_id", take_path_id},
};

static void refuse_key(struct entry *entry, const char *key, const struct taker *takers, size_t n)
{
    char known[256] = "";

    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ", takers[i].key);
    }
    refuse(entry, API_ERR_PARAMS, "unknown key \"%.64s\"; known: %s", key, known);
}

static void take_member(struct entry *entry, const char *key, const struct taker *takers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(takers[i].key, key) != 0) {
            continue;
        }
        if ((entry->given >> i & 1) != 0) {
            if (entry->scan->error == NULL) {
                entry->scan->error = "a key that occurs twice";
            }
            return;
        }
        entry->given |= UINT64_C(1) << i;
        takers[i].take(entry);
        return;
    }
    refuse_key(entry, key, takers, n);
    json_scan_skip(entry->scan);
}

/* 0, an API error, or CANDIDATE_NOT_JSON. */
static int take_entry(struct entry *entry, const struct taker *takers, size_t n)
{
    struct json_text key;

    if (json_scan_peek(entry->scan) != '{') {
        refuse(entry, API_ERR_PARAMS, "must be an object");
        json_scan_skip(entry->scan);
    } else if (json_scan_open(entry->scan, '{')) {
        for (bool first = true; json_scan_key(entry->scan, &first, &key);) {
            take_member(entry, key.length < JSON_TEXT_MAX ? key.bytes : "(a long one)", takers, n);
        }
    }
    if (entry->scan->error != NULL) {
        return CANDIDATE_NOT_JSON;
    }
    if (entry->code == 0 && !entry->has_prefix) {
        refuse(entry, API_ERR_PARAMS, "\"prefix\" is missing");
    }
    return entry->code;
}

/* What is kept between entries is large: only what is read of it is made anew. */
static struct entry *entry_begin(const struct control *control, struct json_scan *scan, struct error *error)
{
    static struct entry entry; /* the control thread's alone */

    entry.control = control;
    entry.scan = scan;
    entry.error = error;
    entry.code = 0;
    entry.given = 0;
    entry.has_prefix = false;
    entry.has_peer = false;
    entry.ways = 0;
    entry.attrs = (struct attrs){0};
    entry.path_id = 0;
    entry.n_asns = 0;
    return &entry;
}

int candidate_scan(const struct control *control, uint16_t session, struct json_scan *scan, struct prefix *prefix,
                   struct candidate *out, struct error *error)
{
    struct entry *entry = entry_begin(control, scan, error);
    int code = take_entry(entry, candidate_takers, ARRAY_SIZE(candidate_takers));

    *out = (struct candidate){0};
    if (code != 0) {
        return code;
    }
    if (!entry->has_peer) {
        return error_set(error, API_ERR_PARAMS, "\"peer\" is missing");
    }
    if (entry->ways != 1) {
        return error_set(error, API_ERR_PARAMS, "one of instance, next_hop and action");
    }
    *prefix = entry->prefix;
    out->key = (struct candidate_key){session, (uint16_t)entry->peer, entry->path_id};
    out->target = entry->target;
    out->attrs = attrs_intern(site_attrs(control->site), &entry->attrs);
    return out->attrs != NULL ? 0 : error_set(error, API_ERR_TABLE_FULL, "no memory");
}

int candidate_scan_selection(const struct control *control, struct json_scan *scan, struct candidate_selection *out,
                             struct error *error)
{
    struct entry *entry = entry_begin(control, scan, error);
    int code = take_entry(entry, selection_takers, ARRAY_SIZE(selection_takers));

    *out = (struct candidate_selection){entry->prefix, entry->has_peer ? entry->peer : -1,
                                        (entry->given >> SELECT_PATH_ID & 1) == 0, entry->path_id};
    return code;
}
