/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward.h"
#include "fib.h"
#include <arpa/inet.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#define ADJACENCIES 256
#define MACS_BYTES  12
#define RING        1024 /* mbufs that take turns, as those of a NIC's descriptors do */

struct frame4 {
    struct rte_ether_hdr ether;
    struct rte_ipv4_hdr ip;
    uint8_t payload[64 - sizeof(struct rte_ether_hdr) - sizeof(struct rte_ipv4_hdr)];
} __attribute__((packed, aligned(2)));

struct frame6 {
    struct rte_ether_hdr ether;
    struct rte_ipv6_hdr ip;
    uint8_t payload[64 - sizeof(struct rte_ether_hdr) - sizeof(struct rte_ipv6_hdr)];
} __attribute__((packed, aligned(2)));

union frame {
    _Alignas(64) struct frame4 v4;
    struct frame6 v6;
};

static_assert(sizeof(union frame) == 64, "as short as they come");

struct forwarder {
    const struct engine *engine;
    void *fib;
    unsigned int bits;
    union frame template;
    struct rte_mbuf *ring[RING];
    struct rte_mbuf **burst;       /* in it */
    uint8_t macs[ADJACENCIES][16]; /* the old addresses' place, by next hop */
    union {
        uint32_t v4[BURST];
        uint8_t v6[BURST][16];
    } dst;
    uint64_t hops[BURST]; /* of 4 or 8 bytes each */
    uint64_t refused;
};

/* rte_pktmbuf_pool_create() would, without huge pages, begin each mbuf at a page, and all of them would fight for the
 * same few lines of the first-level cache. */
static struct rte_mempool *mbufs(void)
{
    static struct rte_mempool *pool;
    struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE};

    if (pool != NULL) {
        return pool;
    }
    pool = rte_mempool_create_empty("bench", RING, sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, 0,
                                    sizeof(private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    if (pool == NULL) {
        return NULL;
    }
    rte_pktmbuf_pool_init(pool, &private);
    if (rte_mempool_populate_default(pool) < 0) {
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

static void forwarder_init(struct forwarder *forwarder)
{
    union frame *template = &forwarder->template;

    if (mbufs() == NULL || rte_pktmbuf_alloc_bulk(mbufs(), forwarder->ring, RING) != 0) {
        abort();
    }
    memset(forwarder->macs, 2, sizeof(forwarder->macs));
    if (forwarder->bits == 32) {
        template->v4.ether.ether_type = htons(RTE_ETHER_TYPE_IPV4);
        template->v4.ip = (struct rte_ipv4_hdr){.version_ihl = 0x45, .total_length = htons(46), .time_to_live = 64};
    } else {
        template->v6.ether.ether_type = htons(RTE_ETHER_TYPE_IPV6);
        template->v6.ip = (struct rte_ipv6_hdr){.vtc_flow = htonl(6u << 28), .payload_len = htons(6), .hop_limits = 64};
    }
}

/* As a driver does it: the mbuf's fields, and the data that the NIC would have written. */
static inline union frame *receive(struct forwarder *forwarder, unsigned int i)
{
    struct rte_mbuf *mbuf = forwarder->burst[i];
    union frame *frame = (union frame *)((char *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM);

    mbuf->data_off = RTE_PKTMBUF_HEADROOM;
    mbuf->ol_flags = 0;
    mbuf->data_len = sizeof(*frame);
    mbuf->pkt_len = sizeof(*frame);
    *frame = forwarder->template;
    return frame;
}

static inline union frame *frame_of(const struct forwarder *forwarder, unsigned int i)
{
    return rte_pktmbuf_mtod(forwarder->burst[i], union frame *);
}

/* ---- One family's part */

static inline void receive4(struct forwarder *forwarder, const uint32_t *addresses)
{
    for (unsigned int i = 0; i < BURST; i++) {
        receive(forwarder, i)->v4.ip.dst_addr = __builtin_bswap32(addresses[i]);
    }
}

static inline void parse4(struct forwarder *forwarder, bool prefetches)
{
    for (unsigned int i = 0; i < BURST; i++) {
        const struct frame4 *frame = &frame_of(forwarder, i)->v4;

        if (frame->ether.ether_type != htons(RTE_ETHER_TYPE_IPV4) || frame->ip.version_ihl != 0x45 ||
            frame->ip.time_to_live <= 1 || ntohs(frame->ip.total_length) > sizeof(*frame) - sizeof(frame->ether)) {
            forwarder->refused++;
        }
        forwarder->dst.v4[i] = __builtin_bswap32(frame->ip.dst_addr);
        if (prefetches) {
            fib4_prefetch(forwarder->fib, forwarder->dst.v4[i]);
        }
    }
}

static inline void receive6(struct forwarder *forwarder, const uint8_t (*addresses)[16])
{
    for (unsigned int i = 0; i < BURST; i++) {
        memcpy(receive(forwarder, i)->v6.ip.dst_addr, addresses[i], 16);
    }
}

static inline void parse6(struct forwarder *forwarder, bool prefetches)
{
    for (unsigned int i = 0; i < BURST; i++) {
        const struct frame6 *frame = &frame_of(forwarder, i)->v6;

        if (frame->ether.ether_type != htons(RTE_ETHER_TYPE_IPV6) ||
            (frame->ip.vtc_flow & htonl(0xfu << 28)) != htonl(6u << 28) || frame->ip.hop_limits <= 1 ||
            ntohs(frame->ip.payload_len) > forwarder->burst[i]->data_len - offsetof(struct frame6, payload)) {
            forwarder->refused++;
        }
        memcpy(forwarder->dst.v6[i], frame->ip.dst_addr, 16);
        if (prefetches) {
            fib6_prefetch(forwarder->fib, forwarder->dst.v6[i]);
        }
    }
}

/* RFC 1624, for a TTL that is one less. */
static inline void age(union frame *frame, bool v4)
{
    if (v4) {
        uint32_t sum = frame->v4.ip.hdr_checksum + (uint32_t)htons(0x0100);

        frame->v4.ip.time_to_live--;
        frame->v4.ip.hdr_checksum = (uint16_t)(sum + (sum >> 16));
    } else {
        frame->v6.ip.hop_limits--;
    }
}

static inline void rewrite(struct forwarder *forwarder, bool v4, bool wide_hops)
{
    for (unsigned int i = 0; i < BURST; i++) {
        uint32_t hop = wide_hops ? (uint32_t)forwarder->hops[i] : ((const uint32_t *)forwarder->hops)[i];

        union frame *frame = frame_of(forwarder, i);

        age(frame, v4);
        memcpy(frame, forwarder->macs[hop % ADJACENCIES], MACS_BYTES);
    }
}

/* ---- All of it */

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Cycles of each of these parts; the median is not bothered by the few in which this thread was interrupted. */
struct parts {
    uint64_t cycles[MEASURE_PARTS];
    uint64_t start;
    unsigned int count;
};

static inline void parts_start(struct parts *parts)
{
    parts->start = rte_rdtsc();
}

static inline void parts_end(struct parts *parts)
{
    parts->cycles[parts->count++] = rte_rdtsc() - parts->start;
}

static double parts_median(struct parts *parts, size_t each)
{
    qsort(parts->cycles, parts->count, sizeof(parts->cycles[0]), compare);
    return (double)parts->cycles[parts->count / 2] / (double)each;
}

static inline __attribute__((always_inline)) void run(struct forwarder *forwarder, const void *addresses, size_t n,
                                                      bool v4, bool prefetches, bool wide_hops)
{
    for (size_t i = 0; i < n; i += BURST) {
        forwarder->burst = &forwarder->ring[i % RING];
        if (v4) {
            receive4(forwarder, (const uint32_t *)addresses + i);
            parse4(forwarder, prefetches);
        } else {
            receive6(forwarder, (const uint8_t(*)[16])addresses + i);
            parse6(forwarder, prefetches);
        }
        forwarder->engine->functions->lookup(forwarder->fib, &forwarder->dst, forwarder->hops, BURST);
        rewrite(forwarder, v4, wide_hops);
        __asm__ volatile("" : : "r"(forwarder->burst) : "memory"); /* sent */
    }
}

static void run_engine(struct forwarder *forwarder, const void *addresses, size_t n)
{
    bool wide_hops = forwarder->engine->hop_bytes == 8;

    if (forwarder->bits == 32 && forwarder->engine->prefetches) {
        run(forwarder, addresses, n, true, true, false);
    } else if (forwarder->bits == 32) {
        wide_hops ? run(forwarder, addresses, n, true, false, true) : run(forwarder, addresses, n, true, false, false);
    } else if (forwarder->engine->prefetches) {
        run(forwarder, addresses, n, false, true, false);
    } else {
        wide_hops ? run(forwarder, addresses, n, false, false, true)
                  : run(forwarder, addresses, n, false, false, false);
    }
}

double forward_measure(const struct engine *engine, void *fib, const struct engines *engines, const void *addresses)
{
    static struct forwarder forwarder;
    struct parts parts = {.count = 0};

    forwarder = (struct forwarder){.engine = engine, .fib = fib, .bits = engines->bits};
    forwarder_init(&forwarder);
    while (parts.count < MEASURE_PARTS) {
        const char *own = (const char *)addresses + (size_t)parts.count * MEASURE_EACH * engines->address_bytes;

        parts_start(&parts);
        run_engine(&forwarder, own, MEASURE_EACH);
        parts_end(&parts);
    }
    rte_pktmbuf_free_bulk(forwarder.ring, RING);
    return parts_median(&parts, MEASURE_EACH);
}

double bare_measure(const struct engine *engine, void *fib, const struct engines *engines, const void *addresses)
{
    struct parts parts = {.count = 0};
    uint64_t hops[BURST];

    while (parts.count < MEASURE_PARTS) {
        const char *own = (const char *)addresses + (size_t)parts.count * MEASURE_EACH * engines->address_bytes;

        parts_start(&parts);
        for (size_t i = 0; i < MEASURE_EACH; i += BURST) {
            engine->functions->lookup(fib, own + i * engines->address_bytes, hops, BURST);
            __asm__ volatile("" : : "r"(hops) : "memory");
        }
        parts_end(&parts);
    }
    return parts_median(&parts, MEASURE_EACH);
}
