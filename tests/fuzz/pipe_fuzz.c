/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst of any frames through the whole pipe, in the small world of tests/packet: no read beyond a frame, no buffer
 * lost, the accounts add up, also when what waited has gone on, and what is sent is no larger than its way allows. A
 * trace and a capture may watch it. Seeds: pipe_corpus, made by pipe_corpus.py.
 *
 * Input: a byte for the burst, then for each frame a byte of flags, its length (two bytes, big endian), and its bytes.
 */
#include "attributes.h"
#include "capture.h"
#include "trace.h"
#include "tunnel.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>

#define FRAME_LENGTH_MAX 3000

/* Of the burst. */
enum {
    BURST_SPEAKS = 1,    /* the port has addresses: ICMP errors are sent */
    BURST_LON1_DEAD = 2, /* and so on: instances that are not alive */
    BURST_LON2_DEAD = 4,
    BURST_NY1_DEAD = 8,
    BURST_CLASS_E = 16, /* 240/4 is ordinary */
    BURST_UNSEEN = 32,  /* nobody watches, as usual */
};

/* Of a frame. */
enum {
    FRAME_OURS = 1,     /* to our MAC address, from a sound one */
    FRAME_CHECKSUM = 2, /* the IPv4 checksum is made right */
    FRAME_CUT = 4,      /* in two segments, the second after 60 bytes */
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world;
static struct watch *watches;  /* the world's, and before it: */
static struct trace trace;     /* of everything */
static struct capture capture; /* of DNS, so that filters read the headers */

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The narrow and the tagged way lead through tunnels here, which leaves their packets less than the world says. */
static void lead_through_tunnels(void)
{
    static const struct {
        enum way way;
        struct tunnel tunnel;
    } rows[] = {
        {TO_NARROW, {TUNNEL_IPIP, {FAMILY_V4, {10, 0, 0, 1}}, {FAMILY_V4, {10, 0, 0, 2}}}},
        {TO_TAGGED, {TUNNEL_GUE, {FAMILY_V6, {0xfd, [15] = 1}}, {FAMILY_V6, {0xfd, [15] = 2}}}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows) * FAMILIES; i++) {
        enum family inner = (enum family)(i % FAMILIES);
        struct rewrite rewrite = world_rewrite(rows[i / FAMILIES].way, inner);

        tunnel_add_header(&rows[i / FAMILIES].tunnel, inner, &rewrite);
        check(adjacency_set_rewrite(world->adjacencies, world_adjacency(rows[i / FAMILIES].way, inner), &rewrite) == 0);
    }
}

static void watch(void)
{
    const struct trace_settings all = {.reason = DROP_REASONS, .limit = UINT64_MAX};
    const struct capture_settings dns = {.filter = {.fields = FILTER_PORT, .port = 53},
                                         .points = (1 << WATCH_POINTS) - 1,
                                         .reason = DROP_REASONS,
                                         .snaplen = 128,
                                         .limit = UINT64_MAX};
    struct record_ring *traced = record_ring_create(1 << 20);
    struct record_ring *captured = record_ring_create(1 << 18);

    check(traced != NULL && captured != NULL);
    trace_set_up(&trace, &all, traced);
    capture_set_up(&capture, &dns, captured);
    watch_publish(&world->pipe.watches, &trace.watch);
    watch_publish(&world->pipe.watches, &capture.watch);
    watches = world->pipe.watches;
}

static void check_watches(void)
{
    const struct trace_record *record;

    while ((record = record_ring_peek(trace.ring)) != NULL) {
        check(record->count > 0 && record->count <= TRACE_STEPS && record->origin < record->id);
        record_ring_consume(trace.ring);
    }
    while (record_ring_peek(capture.ring) != NULL) {
        record_ring_consume(capture.ring);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    world = world_create();
    check(world != NULL);
    lead_through_tunnels();
    watch();
    return 0;
}

static void prepare(struct frame *frame, uint8_t flags)
{
    if ((flags & FRAME_OURS) != 0 && frame->length >= IP) {
        memcpy(frame->bytes + ETHER_DST, world_mac(PORT_UP), 6);
        memcpy(frame->bytes + ETHER_SRC, (const uint8_t[]){0x02, 0, 0, 0, 0x77, 0x01}, 6);
    }
    if ((flags & FRAME_CHECKSUM) != 0 && frame->length >= V4_PAYLOAD &&
        IP + (frame->bytes[V4_IHL] & 0xfu) * 4 <= frame->length) {
        frame_set_checksum(frame);
    }
}

/* The next frame of the input, NULL at its end. */
static struct rte_mbuf *take_packet(const uint8_t **data, size_t *size)
{
    static struct frame frame;
    uint8_t flags;
    size_t length;

    if (*size < 3) {
        return NULL;
    }
    flags = (*data)[0];
    length = (size_t)((*data)[1] << 8 | (*data)[2]) % FRAME_LENGTH_MAX;
    *data += 3;
    *size -= 3;
    length = length < *size ? length : *size;
    memcpy(frame.bytes, *data, length);
    frame.length = (unsigned int)length;
    *data += length;
    *size -= length;
    prepare(&frame, flags);
    return world_packet(world, &frame, (flags & FRAME_CUT) != 0 ? (const unsigned int[]){60, 0} : NULL);
}

static void set_up(uint8_t flags)
{
    static const enum way instances[] = {TO_LON1, TO_LON2, TO_NY1};

    world_reset(world);
    world_hold(world, 1);
    world->pipe.watches = (flags & BURST_UNSEEN) == 0 ? watches : NULL;
    world->pipe.drop_class_e = (flags & BURST_CLASS_E) == 0;
    if ((flags & BURST_SPEAKS) != 0) {
        world_speak(world, PORT_UP, BURST_MAX);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(instances); i++) {
        if ((flags & (BURST_LON1_DEAD << i)) != 0) {
            world_set_state(world, instances[i], ADJACENCY_PROBE, ADJACENCY_SUSPECT);
            world_set_state(world, instances[i], ADJACENCY_ADMIN, (enum adjacency_health)(flags >> 6));
        }
    }
}

static void check_world(void)
{
    check(world_adds_up(world));
    check(world_lost_mbufs(world) == 0);
    check_watches();
    for (unsigned int port = 0; port < WORLD_PORTS; port++) {
        for (unsigned int i = 0; i < world->outlets[port].count; i++) {
            struct rte_mbuf *mbuf = world->outlets[port].mbufs[i];

            check(rte_mbuf_check(mbuf, 1, &(const char *){NULL}) == 0);
            check(mbuf->pkt_len >= V4_PAYLOAD && mbuf->pkt_len <= 9000 + 18);
        }
    }
    world_clear(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rte_mbuf *mbufs[BURST_MAX];
    unsigned int n = 0;

    if (size == 0) {
        return 0;
    }
    set_up(*data++);
    size--;
    while (n < BURST_MAX && (mbufs[n] = take_packet(&data, &size)) != NULL) {
        n++;
    }
    world_receive(world, PORT_UP, mbufs, n);
    check_world();
    world_wait(world);
    check(world->counters.held == 0);
    check_world();
    return 0;
}
