/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst between the stages: the packets that parse let through, by family, in the order of arrival, as parallel
 * arrays. Private to dp/pipe.
 */
#ifndef BURST_H
#define BURST_H

#include "addr.h"
#include "pipe.h"
#include <rte_ether.h>

struct packet {
    struct rte_mbuf *mbuf; /* data starts at the Ethernet header */
    uint16_t length;       /* of the IP packet, header included; the frame may be longer (padding) */
    uint16_t adjacency;    /* set by steer, unless the burst has one share */
};

/* Behind what counts is room for whole vectors to be stored, so much that each array begins a cache line: what lies
 * across two is loaded and stored twice. */
#define BURST_ROOM (BURST_MAX + 32)

/* Words of the IP headers that flow hashes need, as they lie in the frames; only where all packets are plain. */
struct burst_words {
    uint32_t v4_src[BURST_ROOM];
    uint32_t v4_id[BURST_ROOM];   /* identification, flags and fragment offset */
    uint32_t v4_ttl[BURST_ROOM];  /* TTL, protocol, checksum */
    uint32_t v6_next[BURST_ROOM]; /* payload length, next header, hop limit */
};

/* The packets of a burst that go by one adjacency. */
struct share {
    uint64_t packets; /* a bit each */
    uint16_t adjacency;
};
#define SHARES_MAX 8

struct burst {
    /* of packet i: */
    _Alignas(64) struct rte_mbuf *mbufs[FAMILIES][BURST_ROOM];
    uint8_t *frames[FAMILIES][BURST_ROOM]; /* where the data starts; only where all packets are plain */
    uint32_t lengths[FAMILIES][BURST_ROOM];
    uint32_t v4_destinations[BURST_ROOM]; /* host byte order */
    uint8_t v6_destinations[BURST_ROOM][16];
    uint32_t path_lists[FAMILIES][BURST_ROOM]; /* set by lookup */
    struct burst_words words;
    uint16_t adjacencies[FAMILIES][BURST_ROOM]; /* set by steer, unless there is one share */
    unsigned int count[FAMILIES];
    /* Set by steer: so many shares are all packets. 0: they were not counted. */
    unsigned int share_count[FAMILIES];
    struct share shares[FAMILIES][SHARES_MAX];
    /* All packets were parsed by plain.c, their TTL is above 1, and none has left the burst since. */
    bool plain[FAMILIES];
    uint64_t padded[FAMILIES]; /* only where all are plain: a bit for each whose frame is longer than it */
    /* Frames that lost a VLAN tag, for the ports that they belong to: bursts of their own, after this one. */
    unsigned int tagged_count;
    uint16_t tagged_ports[BURST_MAX];
    struct rte_mbuf *tagged[BURST_MAX];
};
_Static_assert(BURST_MAX <= 64, "a bit each");

/* One family's packets, without its adjacency. */
static inline struct packet burst_packet(const struct burst *burst, enum family family, unsigned int i)
{
    return (struct packet){.mbuf = burst->mbufs[family][i], .length = (uint16_t)burst->lengths[family][i]};
}

/* Puts a packet into place i, its adjacency included. */
static inline void burst_put(struct burst *burst, enum family family, unsigned int i, const struct packet *packet)
{
    burst->mbufs[family][i] = packet->mbuf;
    burst->lengths[family][i] = packet->length;
    burst->adjacencies[family][i] = packet->adjacency;
}

static inline void burst_set_same(struct burst *burst, enum family family, uint16_t adjacency)
{
    burst->shares[family][0] = (struct share){UINT64_MAX >> (64 - burst->count[family]), adjacency};
    burst->share_count[family] = 1;
}

/* A burst of one packet, of which no more is known. */
static inline void burst_of_one(struct burst *burst, enum family family, const struct packet *packet)
{
    burst->count[family] = 1;
    burst->plain[family] = false;
    burst_put(burst, family, 0, packet);
}

/* Sorts the packets into the burst; drops and punts the others. No frame with two tags comes out as tagged. Returns the
 * bytes of all frames, as they came. */
uint64_t parse_burst(struct pipe *pipe, uint16_t port, struct rte_mbuf *const *mbufs, unsigned int n,
                     struct burst *burst);
/* Sets adjacencies[family][i] from path_lists[family][i], removing from the burst what has nowhere to go, and
 * fragments that wait for the first one of their datagram. */
void steer_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family);
/* The same for a burst of one packet whose flow hash is known already. */
void steer_one_by_hash(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family, uint32_t hash);
/* For one packet that was made here, with that path list; ADJACENCY_NONE if nothing is alive. */
uint16_t steer_one(struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family);
/* What steer_one() would say, without counting. */
uint16_t steer_peek(const struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family);
/* Rewrites the packets and puts them into their lanes; what may not leave is dropped or punted. */
void rewrite_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family);
/* The same for a packet that was made here: it keeps its TTL, and no error is sent about it. */
void rewrite_created(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family);

/* Lookup, steer and rewrite for one packet that parse has let through before. */
void packet_forward(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family);

/* Of several segments. */
void packet_trim_segments(struct rte_mbuf *mbuf, uint32_t keep);

/* Cuts off what is beyond the first bytes: padding. keep is at most the length. */
static inline void packet_trim(struct rte_mbuf *mbuf, uint32_t keep)
{
    if (likely(mbuf->nb_segs == 1)) {
        mbuf->pkt_len = keep;
        mbuf->data_len = (uint16_t)keep;
    } else {
        packet_trim_segments(mbuf, keep);
    }
}

/* Before they are freed. */
static inline void count_drops(struct pipe *pipe, struct rte_mbuf *const *mbufs, unsigned int n,
                               enum drop_reason reason)
{
    counter_add(&pipe->counters->drops[reason], n);
    pipe_show(pipe, WATCH_DROPPED, reason, PIPE_NO_PORT, mbufs, n);
}

static inline void packet_drop(struct pipe *pipe, struct rte_mbuf *mbuf, enum drop_reason reason)
{
    count_drops(pipe, &mbuf, 1, reason);
    rte_pktmbuf_free(mbuf);
}

/* To the kernel, as it was received. */
static inline void packet_punt(struct pipe *pipe, uint16_t port, struct rte_mbuf *mbuf)
{
    uint16_t twin = pipe->ports[port].twin;

    if (twin == PIPE_NO_TWIN) {
        packet_drop(pipe, mbuf, DROP_NO_TWIN);
        return;
    }
    pipe_send(pipe, twin, mbuf);
}

#endif
