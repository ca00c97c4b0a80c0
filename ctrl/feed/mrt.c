/* SPDX-License-Identifier: BSD-3-Clause */
#include "mrt.h"
#include "mrt_peers.h"
#include "raw_attrs.h"
#include <errno.h>
#include <stdlib.h>

#define MRT_HEADER 12
#define REMEMBERED 16384

enum { TABLE_DUMP_V2 = 13, BGP4MP = 16, BGP4MP_ET = 17 };
enum { PEER_INDEX_TABLE = 1, RIB_IPV4_UNICAST = 2, RIB_IPV6_UNICAST = 4, RIB_IPV4_ADDPATH = 8, RIB_IPV6_ADDPATH = 10 };
enum {
    STATE_CHANGE = 0,
    MESSAGE = 1,
    MESSAGE_AS4 = 4,
    STATE_CHANGE_AS4 = 5,
    MESSAGE_ADDPATH = 8,
    MESSAGE_AS4_ADDPATH = 9
};

#define BGP_ESTABLISHED 6 /* RFC 6396 4.4.1 */

struct record {
    uint16_t type;
    uint16_t subtype;
    struct span body;
};

struct mrt {
    struct mrt_settings settings;
    struct feed_counts counts;
    struct mrt_peers peers;
    struct raw_attrs *cache;
    bool table; /* a table has begun */
};

struct mrt *mrt_create(const struct mrt_settings *settings)
{
    struct mrt *mrt = calloc(1, sizeof(*mrt));

    if (mrt == NULL) {
        return NULL;
    }
    mrt->settings = *settings;
    mrt->peers = (struct mrt_peers){.sink = settings->sink, .name = settings->name};
    mrt->cache = raw_attrs_create(settings->sink->attrs, settings->room,
                                  settings->remembered != 0 ? settings->remembered : REMEMBERED);
    if (mrt->cache == NULL) {
        free(mrt);
        return NULL;
    }
    return mrt;
}

void mrt_destroy(struct mrt *mrt)
{
    if (mrt != NULL) {
        mrt_peers_clear(&mrt->peers);
        raw_attrs_destroy(mrt->cache);
        free(mrt);
    }
}

const struct feed_counts *mrt_counts(const struct mrt *mrt)
{
    return &mrt->counts;
}

/* 1: taken; 0: not whole yet; or -EBADMSG. */
static int record_take(struct span *bytes, struct record *out)
{
    struct span rest = *bytes;
    uint32_t length;

    if (!span_skip(&rest, 4) || !span_u16(&rest, &out->type) || !span_u16(&rest, &out->subtype) ||
        !span_u32(&rest, &length)) {
        return 0;
    }
    if (length > MRT_RECORD_MAX - MRT_HEADER || out->type == 0 || out->type > 64) {
        return -EBADMSG;
    }
    if (!span_take(&rest, length, &out->body)) {
        return 0;
    }
    *bytes = rest;
    return 1;
}

/* One peer's route of the prefix. False: malformed. */
static bool read_entry(struct mrt *mrt, struct span *body, bool add_path, struct feed_route *route)
{
    const struct raw_attrs_entry *attributes;
    struct span bytes;
    uint16_t index;
    uint16_t length;
    int peer;

    route->path_id = 0;
    if (!span_u16(body, &index) || !span_skip(body, 4) || (add_path && !span_u32(body, &route->path_id)) ||
        !span_u16(body, &length) || !span_take(body, length, &bytes)) {
        return false;
    }
    peer = mrt_peers_by_index(&mrt->peers, index);
    if (peer < 0) {
        mrt->counts.refused++;
        return true;
    }
    attributes = raw_attrs_get(mrt->cache, bytes, route->prefix.addr.family);
    if (attributes == NULL) {
        mrt->counts.refused++;
    } else if (attributes->attrs == NULL) {
        mrt->counts.treated_as_lost++;
    } else {
        route->attrs = attributes->attrs;
        route->target = (struct target){.kind = TARGET_NEXT_HOP, .next_hop = attributes->next_hop};
        if (mrt->settings.sink->upsert(mrt->settings.sink->owner, peer, route) < 0) {
            mrt->counts.refused++;
        } else {
            mrt->counts.upserts++;
        }
    }
    return true;
}

/* RFC 6396 4.3.2, RFC 8050 4.1 */
static bool read_rib(struct mrt *mrt, struct span body, enum family family, bool add_path)
{
    struct bgp_nlri nlri = {.family = (uint8_t)family};
    struct feed_route route = {0};
    uint16_t count;

    if (!span_skip(&body, 4)) { /* sequence number */
        return false;
    }
    nlri.bytes = body;
    if (!bgp_nlri_next(&nlri, &route.prefix, &route.path_id) || !span_u16(&nlri.bytes, &count)) {
        return false;
    }
    for (unsigned int i = 0; i < count; i++) {
        if (!read_entry(mrt, &nlri.bytes, add_path, &route)) {
            return false;
        }
    }
    return true;
}

static bool read_index(struct mrt *mrt, struct span body)
{
    if (!mrt->table) { /* a file may have several parts of one table, each with its index */
        mrt->table = true;
        mrt->settings.sink->sync_begin(mrt->settings.sink->owner, FEED_ALL_PEERS);
    }
    return mrt_peers_index(&mrt->peers, body);
}

static bool read_table_dump(struct mrt *mrt, const struct record *record)
{
    switch (record->subtype) {
    case PEER_INDEX_TABLE:
        return read_index(mrt, record->body);
    case RIB_IPV4_UNICAST:
    case RIB_IPV4_ADDPATH:
        return read_rib(mrt, record->body, FAMILY_V4, record->subtype == RIB_IPV4_ADDPATH);
    case RIB_IPV6_UNICAST:
    case RIB_IPV6_ADDPATH:
        return read_rib(mrt, record->body, FAMILY_V6, record->subtype == RIB_IPV6_ADDPATH);
    default:
        mrt->counts.ignored++;
        return true;
    }
}

static bool read_update(struct mrt *mrt, struct span bytes, const struct mrt_neighbour *neighbour, bool as4,
                        bool add_path)
{
    struct bgp_session session = {
        .as4 = as4, .add_path = {add_path, add_path}, .external = neighbour->as != neighbour->local_as};
    struct bgp_update update;
    struct span body;
    uint8_t type;
    int peer;

    if (!bgp_message_take(&bytes, &type, &body)) {
        return false;
    }
    if (type != BGP_UPDATE) {
        mrt->counts.ignored++;
        return true;
    }
    peer = mrt_peers_get(&mrt->peers, neighbour);
    if (peer < 0) {
        mrt->counts.refused++;
        return true;
    }
    bgp_update_parse(body, &session, mrt->settings.room, &update);
    feed_apply_update(mrt->settings.sink, peer, &update, &mrt->counts, mrt->settings.name, "a neighbour");
    return true;
}

static bool read_state(struct mrt *mrt, struct span body, const struct mrt_neighbour *neighbour)
{
    const struct feed_sink *sink = mrt->settings.sink;
    uint16_t before;
    uint16_t after;
    int peer;

    if (!span_u16(&body, &before) || !span_u16(&body, &after)) {
        return false;
    }
    if (before == BGP_ESTABLISHED && after != BGP_ESTABLISHED) {
        peer = mrt_peers_get(&mrt->peers, neighbour);
        if (peer >= 0) {
            sink->flush(sink->owner, peer);
        }
    }
    return true;
}

/* RFC 6396 4.4 */
static bool read_bgp4mp(struct mrt *mrt, const struct record *record)
{
    struct span body = record->body;
    struct mrt_neighbour neighbour;
    uint16_t subtype = record->subtype;
    bool as4 = subtype == MESSAGE_AS4 || subtype == STATE_CHANGE_AS4 || subtype == MESSAGE_AS4_ADDPATH;
    bool add_path = subtype == MESSAGE_ADDPATH || subtype == MESSAGE_AS4_ADDPATH;

    if (record->type == BGP4MP_ET && !span_skip(&body, 4)) { /* microseconds */
        return false;
    }
    switch (subtype) {
    case STATE_CHANGE:
    case STATE_CHANGE_AS4:
        return mrt_neighbour_read(&body, as4, &neighbour) && read_state(mrt, body, &neighbour);
    case MESSAGE:
    case MESSAGE_AS4:
    case MESSAGE_ADDPATH:
    case MESSAGE_AS4_ADDPATH:
        return mrt_neighbour_read(&body, as4, &neighbour) && read_update(mrt, body, &neighbour, as4, add_path);
    default: /* among them what the collector sent itself */
        mrt->counts.ignored++;
        return true;
    }
}

static void handle(struct mrt *mrt, const struct record *record)
{
    bool whole = true;

    mrt->counts.messages++;
    if (record->type == TABLE_DUMP_V2) {
        whole = read_table_dump(mrt, record);
    } else if (record->type == BGP4MP || record->type == BGP4MP_ET) {
        whole = read_bgp4mp(mrt, record);
    } else {
        mrt->counts.ignored++;
    }
    mrt->counts.unusable += !whole;
}

int mrt_read(struct mrt *mrt, struct span *bytes, int records)
{
    struct record record;
    int done = 0;

    while (done < records) {
        int result = record_take(bytes, &record);

        if (result <= 0) {
            return result < 0 ? result : done;
        }
        handle(mrt, &record);
        done++;
    }
    return done;
}

void mrt_finish(struct mrt *mrt)
{
    if (mrt->table) {
        mrt->table = false;
        (void)mrt->settings.sink->sync_end(mrt->settings.sink->owner, FEED_ALL_PEERS);
    }
}
