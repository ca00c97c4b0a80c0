/* SPDX-License-Identifier: BSD-3-Clause */
#include "raw_attrs.h"
#include "hash.h"
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 232 /* longer ones are not remembered */

/* One place for each hash; the later one wins. */
struct slot {
    uint64_t hash;
    struct raw_attrs_entry entry;
    uint8_t family;
    uint16_t length; /* 0: empty */
    uint8_t bytes[BYTES_MAX];
};

struct raw_attrs {
    struct attrs_table *table;
    struct bgp_room *room;
    struct raw_attrs_entry passing; /* of what is not remembered */
    unsigned int count;
    struct slot slots[];
};

struct raw_attrs *raw_attrs_create(struct attrs_table *table, struct bgp_room *room, unsigned int slots)
{
    struct raw_attrs *cache = calloc(1, sizeof(*cache) + slots * sizeof(cache->slots[0]));

    if (cache != NULL) {
        cache->table = table;
        cache->room = room;
        cache->count = slots;
    }
    return cache;
}

void raw_attrs_destroy(struct raw_attrs *cache)
{
    if (cache == NULL) {
        return;
    }
    for (unsigned int i = 0; i < cache->count; i++) {
        attrs_unref(cache->table, cache->slots[i].entry.attrs);
    }
    attrs_unref(cache->table, cache->passing.attrs);
    free(cache);
}

static bool read_entry(struct raw_attrs *cache, struct span bytes, unsigned int family, struct raw_attrs_entry *out)
{
    static const struct bgp_session session = {.as4 = true, .mrt_rib = true};
    struct bgp_attributes attributes;
    const struct ip_addr *next_hop;

    bgp_attributes_parse(bytes, &session, cache->room, &attributes);
    next_hop = attributes.mp_reach.present ? &attributes.mp_reach.next_hop : &attributes.next_hop;
    *out = (struct raw_attrs_entry){.next_hop = *next_hop};
    if (attributes.fault >= BGP_FAULT_WITHDRAW || !attributes.has_origin || !attributes.has_as_path ||
        !(attributes.mp_reach.present || attributes.has_next_hop) || !bgp_next_hop_valid(next_hop) ||
        (family == FAMILY_V6 && next_hop->family == FAMILY_V4)) {
        return true;
    }
    out->attrs = attrs_intern(cache->table, &attributes.attrs);
    return out->attrs != NULL;
}

const struct raw_attrs_entry *raw_attrs_get(struct raw_attrs *cache, struct span bytes, unsigned int family)
{
    uint64_t hash = hash_table(bytes.at, span_left(&bytes), family);
    struct slot *slot = &cache->slots[hash & (cache->count - 1)];
    size_t length = span_left(&bytes);
    bool fits = length > 0 && length <= BYTES_MAX;
    struct raw_attrs_entry *entry = fits ? &slot->entry : &cache->passing;

    if (fits && slot->length == length && slot->hash == hash && slot->family == family &&
        memcmp(slot->bytes, bytes.at, length) == 0) {
        return entry;
    }
    attrs_unref(cache->table, entry->attrs);
    entry->attrs = NULL;
    if (fits) {
        slot->length = 0;
    }
    if (!read_entry(cache, bytes, family, entry)) {
        return NULL;
    }
    if (fits) {
        slot->hash = hash;
        slot->family = (uint8_t)family;
        slot->length = (uint16_t)length;
        memcpy(slot->bytes, bytes.at, length);
    }
    return entry;
}
