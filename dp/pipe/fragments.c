/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragments.h"
#include "attributes.h"
#include "originate.h"
#include <rte_ip.h>
#include <string.h>

static struct datagram_key datagram_key(const struct packet *packet, enum family family, const struct upper *upper)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
    struct datagram_key key = {.id = upper->fragment_id, .family = (uint8_t)family};

    if (family == FAMILY_V4) {
        key.protocol = upper->protocol;
        memcpy(key.addresses, ip + offsetof(struct rte_ipv4_hdr, src_addr), 8);
    } else {
        memcpy(key.addresses, ip + offsetof(struct rte_ipv6_hdr, src_addr), 32);
    }
    return key;
}

bool fragment_known(const struct pipe *pipe, const struct packet *packet, enum family family, const struct flow *flow,
                    uint32_t *hash)
{
    struct datagram_key key = datagram_key(packet, family, &flow->upper);

    return datagram_find(pipe->datagrams, &key, &pipe->datagram_times, pipe->now, hash);
}

bool fragment_hash(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family,
                   const struct flow *flow, uint32_t *hash)
{
    struct datagram_key key = datagram_key(packet, family, &flow->upper);
    struct wanted_packet waiting = {
        .mbuf = packet->mbuf, .hash = flow->hash, .length = packet->length, .port = port, .family = (uint8_t)family};
    uint64_t now = pipe->now;

    *hash = flow->hash;
    if (!flow->upper.later_fragment) {
        datagram_learn(pipe->datagrams, &key, flow->hash, now);
        wanted_found(pipe->wanted, &key, flow->hash);
        return true;
    }
    if (datagram_find(pipe->datagrams, &key, &pipe->datagram_times, now, hash)) {
        return true;
    }
    if (wanted_put(pipe->wanted, &key, &waiting, now)) {
        counter_add(&pipe->counters->held, 1);
        pipe_show(pipe, WATCH_HELD_FRAGMENT, DROP_REASONS, port, &waiting.mbuf, 1);
        return false;
    }
    counter_add(&pipe->counters->fragments_unmatched, 1);
    return true;
}

/* The tables may have changed meanwhile: the packet starts over, with a hash. */
static void resume(struct pipe *pipe, const struct wanted_packet *waiting)
{
    enum family family = (enum family)waiting->family;
    struct packet packet = {.mbuf = waiting->mbuf, .length = waiting->length};
    struct burst burst;

    burst_of_one(&burst, family, &packet);
    burst.path_lists[family][0] = packet_lookup(pipe, &packet, family);
    steer_one_by_hash(pipe, waiting->port, &burst, family, waiting->hash);
    rewrite_burst(pipe, waiting->port, &burst, family);
}

void fragments_release(struct pipe *pipe)
{
    struct wanted_packet waiting;

    wanted_ask(pipe->wanted, pipe->datagrams, &pipe->datagram_times, pipe->now);
    while (wanted_take(pipe->wanted, &pipe->datagram_times, pipe->now, &waiting)) {
        counter_sub(&pipe->counters->held, 1);
        counter_add(&pipe->counters->fragments_unmatched, !waiting.matched);
        resume(pipe, &waiting);
    }
}
