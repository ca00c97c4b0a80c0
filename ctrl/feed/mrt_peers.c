/* SPDX-License-Identifier: BSD-3-Clause */
#include "mrt_peers.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_V6  0x01
#define PEER_AS4 0x02

struct mrt_known {
    struct ip_addr address;
    uint32_t as;
    int number;
};

static void clear_index(struct mrt_peers *peers)
{
    free(peers->index);
    free(peers->numbers);
    peers->index = NULL;
    peers->numbers = NULL;
    peers->index_count = 0;
}

void mrt_peers_clear(struct mrt_peers *peers)
{
    clear_index(peers);
    free(peers->known);
    peers->known = NULL;
    peers->count = 0;
    peers->room = 0;
}

static bool read_address(struct span *body, unsigned int family, struct ip_addr *out)
{
    struct span bytes;

    if (!span_take(body, family_bytes(family), &bytes)) {
        return false;
    }
    *out = (struct ip_addr){.family = (uint8_t)family};
    memcpy(out->bytes, bytes.at, family_bytes(family));
    return true;
}

static bool read_as(struct span *body, bool as4, uint32_t *out)
{
    uint16_t number;

    if (as4) {
        return span_u32(body, out);
    }
    if (!span_u16(body, &number)) {
        return false;
    }
    *out = number;
    return true;
}

static bool read_peer(struct span *body, struct mrt_neighbour *out)
{
    uint8_t kind;

    return span_u8(body, &kind) && span_u32(body, &out->router_id) &&
           read_address(body, (kind & PEER_V6) != 0 ? FAMILY_V6 : FAMILY_V4, &out->address) &&
           read_as(body, (kind & PEER_AS4) != 0, &out->as);
}

bool mrt_peers_index(struct mrt_peers *peers, struct span body)
{
    uint16_t length;
    uint16_t count;

    clear_index(peers);
    /* collector's id, name of the view */
    if (!span_skip(&body, 4) || !span_u16(&body, &length) || !span_skip(&body, length) || !span_u16(&body, &count)) {
        return false;
    }
    peers->index = calloc((size_t)count + 1, sizeof(*peers->index));
    peers->numbers = malloc(((size_t)count + 1) * sizeof(*peers->numbers));
    if (peers->index == NULL || peers->numbers == NULL) {
        clear_index(peers);
        return false;
    }
    for (; peers->index_count < count; peers->index_count++) {
        if (!read_peer(&body, &peers->index[peers->index_count])) {
            return false; /* those before it are good */
        }
        peers->numbers[peers->index_count] = -1;
    }
    return true;
}

/* ADDRESS@NAME, or ADDRESS.AS@NAME where a peer of another AS has that address already. */
static void name_peer(const struct mrt_peers *peers, const struct mrt_neighbour *neighbour, char *out)
{
    char address[IP_ADDR_STRLEN];
    char as[16] = "";

    for (uint32_t i = 0; i < peers->count; i++) {
        if (ip_addr_equal(&peers->known[i].address, &neighbour->address)) {
            snprintf(as, sizeof(as), ".%u", neighbour->as);
        }
    }
    ip_addr_format(&neighbour->address, address);
    snprintf(out, FEED_NAME_MAX, "%s%s%s@%s", *address == ':' ? "0" : "", address, as, peers->name);
}

static int add(struct mrt_peers *peers, const struct mrt_neighbour *neighbour)
{
    struct feed_peer peer = {
        .facts = {.address = neighbour->address,
                  .as = neighbour->as,
                  .router_id = neighbour->router_id,
                  .type = neighbour->as == peers->sink->own_as ? PEER_IBGP : PEER_EBGP},
        .has_address = true,
        .has_router_id = neighbour->router_id != 0,
    };
    int number;

    if (peers->count == peers->room) {
        uint32_t room = peers->room == 0 ? 64 : 2 * peers->room;
        struct mrt_known *known = realloc(peers->known, room * sizeof(*known));

        if (known == NULL) {
            return -ENOMEM;
        }
        peers->known = known;
        peers->room = room;
    }
    name_peer(peers, neighbour, peer.name);
    number = peers->sink->peer_set(peers->sink->owner, &peer);
    if (number >= 0) {
        peers->known[peers->count++] = (struct mrt_known){neighbour->address, neighbour->as, number};
    }
    return number;
}

int mrt_peers_get(struct mrt_peers *peers, const struct mrt_neighbour *neighbour)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        const struct mrt_known *known = &peers->known[i];

        if (known->as == neighbour->as && ip_addr_equal(&known->address, &neighbour->address)) {
            return known->number;
        }
    }
    return add(peers, neighbour);
}

int mrt_peers_by_index(struct mrt_peers *peers, uint16_t index)
{
    if (index >= peers->index_count) {
        return -ENOENT;
    }
    if (peers->numbers[index] < 0) {
        peers->numbers[index] = mrt_peers_get(peers, &peers->index[index]);
    }
    return peers->numbers[index];
}

bool mrt_neighbour_read(struct span *body, bool as4, struct mrt_neighbour *out)
{
    struct ip_addr local;
    uint16_t afi;

    out->router_id = 0;
    if (!read_as(body, as4, &out->as) || !read_as(body, as4, &out->local_as) || !span_skip(body, 2) ||
        !span_u16(body, &afi) || (afi != 1 && afi != 2)) {
        return false;
    }
    return read_address(body, afi == 1 ? FAMILY_V4 : FAMILY_V6, &out->address) &&
           read_address(body, afi == 1 ? FAMILY_V4 : FAMILY_V6, &local);
}
