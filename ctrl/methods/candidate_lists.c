/* SPDX-License-Identifier: BSD-3-Clause */
/* The attributes of a candidate that are lists. */
#include "candidate_entry.h"
#include <stdlib.h>

/* A list, or what is in its place is skipped. */
static bool open_list(struct entry *entry, const char *key)
{
    if (json_scan_peek(entry->scan) != '[') {
        refuse(entry, API_ERR_PARAMS, "\"%s\" must be an array", key);
        json_scan_skip(entry->scan);
        return false;
    }
    return json_scan_open(entry->scan, '[');
}

static bool take_asn(struct entry *entry)
{
    char kind = json_scan_peek(entry->scan);
    bool is_integer;
    int64_t number;

    if (kind < '0' || kind > '9') {
        json_scan_skip(entry->scan);
        return false;
    }
    if (!json_scan_number(entry->scan, &is_integer, &number) || !is_integer || number > UINT32_MAX ||
        entry->n_asns == AS_PATH_MAX) {
        return false;
    }
    entry->asns[entry->n_asns++] = (uint32_t)number;
    return true;
}

/* A number is a sequence of one, a list is an AS_SET; neighbouring sequences become one when interned. */
static bool take_segment(struct entry *entry)
{
    struct as_path *path = &entry->attrs.as_path;
    size_t before = entry->n_asns;
    bool is_set = json_scan_peek(entry->scan) == '[';
    bool good = path->n_segments < AS_PATH_MAX;

    if (is_set && json_scan_open(entry->scan, '[')) {
        for (bool first = true; json_scan_item(entry->scan, &first);) {
            good = take_asn(entry) && good;
        }
    } else {
        good = take_asn(entry) && good;
    }
    if (!good || entry->n_asns == before) {
        return false;
    }
    if (!is_set && path->n_segments > 0 && entry->segments[path->n_segments - 1].kind == AS_SEQUENCE) {
        entry->segments[path->n_segments - 1].n++;
        return true;
    }
    entry->segments[path->n_segments++] =
        (struct as_segment){is_set ? AS_SET : AS_SEQUENCE, (uint32_t)(entry->n_asns - before)};
    return true;
}

void take_as_path(struct entry *entry)
{
    bool good = true;

    if (!open_list(entry, "as_path")) {
        return;
    }
    for (bool first = true; json_scan_item(entry->scan, &first);) {
        good = take_segment(entry) && good;
    }
    if (!good) {
        refuse(entry, API_ERR_PARAMS, "as_path: AS numbers, nearest first, a list inside for an AS_SET; at most %d",
               AS_PATH_MAX);
    }
    entry->attrs.as_path.segments = entry->segments;
    entry->attrs.as_path.asns = entry->asns;
}

/* "65535:0" or "65000:1:2" into `parts` numbers up to max each. */
static bool read_parts(const char *text, unsigned int parts, unsigned long max, uint32_t *out)
{
    for (unsigned int i = 0; i < parts; i++) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        if (*text < '0' || *text > '9' || number > max || *end != (i + 1 < parts ? ':' : '\0')) {
            return false;
        }
        out[i] = (uint32_t)number;
        text = end + 1;
    }
    return true;
}

/* An item that must be a text of such parts. */
static bool take_parts(struct entry *entry, unsigned int parts, unsigned long max, uint32_t *out)
{
    struct json_text text;

    if (json_scan_peek(entry->scan) != '"') {
        json_scan_skip(entry->scan);
        return false;
    }
    return json_scan_text(entry->scan, &text) && text.length < JSON_TEXT_MAX && read_parts(text.bytes, parts, max, out);
}

static void store_community(struct entry *entry, uint32_t at, const uint32_t *parts)
{
    entry->communities[at] = parts[0] << 16 | parts[1];
}

static void store_large(struct entry *entry, uint32_t at, const uint32_t *parts)
{
    entry->large[at] = (struct large_community){parts[0], {parts[1], parts[2]}};
}

/* A list of communities, each of so many parts up to max. Returns how many. */
static uint32_t take_list(struct entry *entry, const char *key, const char *like, unsigned int parts, unsigned long max,
                          void (*store)(struct entry *entry, uint32_t at, const uint32_t *parts))
{
    uint32_t n = 0;
    bool good = true;

    if (!open_list(entry, key)) {
        return 0;
    }
    for (bool first = true; json_scan_item(entry->scan, &first);) {
        uint32_t values[3];

        good = take_parts(entry, parts, max, values) && good && n < COMMUNITIES_MAX;
        if (good) {
            store(entry, n++, values);
        }
    }
    if (!good) {
        refuse(entry, API_ERR_PARAMS, "%s: texts like %s, at most %d", key, like, COMMUNITIES_MAX);
    }
    return n;
}

void take_communities(struct entry *entry)
{
    entry->attrs.n_communities = take_list(entry, "communities", "\"65535:0\"", 2, UINT16_MAX, store_community);
    entry->attrs.communities = entry->communities;
}

void take_large_communities(struct entry *entry)
{
    entry->attrs.n_large_communities =
        take_list(entry, "large_communities", "\"65000:1:2\"", 3, UINT32_MAX, store_large);
    entry->attrs.large_communities = entry->large;
}

void take_clusters(struct entry *entry)
{
    uint32_t n = 0;
    bool good = true;

    if (!open_list(entry, "cluster_list")) {
        return;
    }
    for (bool first = true; json_scan_item(entry->scan, &first);) {
        struct ip_addr addr;

        good = take_address(entry, "cluster_list", &addr) && addr.family == FAMILY_V4 && good && n < COMMUNITIES_MAX;
        if (good) {
            entry->clusters[n++] = ip_addr_to_u32(&addr);
        }
    }
    if (!good) {
        refuse(entry, API_ERR_PARAMS, "cluster_list: cluster ids like \"192.0.2.1\", at most %d", COMMUNITIES_MAX);
    }
    entry->attrs.cluster_list = entry->clusters;
    entry->attrs.n_cluster_list = n;
}
