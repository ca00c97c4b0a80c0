/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace.h"
#include "hash.h"
#include <string.h>

static struct trace_packet *set_of(struct trace *trace, const struct rte_mbuf *mbuf)
{
    return &trace->packets[hash_mix64((uintptr_t)mbuf) % (TRACE_OPEN / TRACE_WAYS) * TRACE_WAYS];
}

/* NULL: it is not followed. */
static struct trace_packet *find(struct trace *trace, const struct rte_mbuf *mbuf)
{
    struct trace_packet *set = set_of(trace, mbuf);

    for (int way = 0; way < TRACE_WAYS; way++) {
        if (set[way].state != TRACE_FREE && set[way].mbuf == mbuf) {
            return &set[way];
        }
    }
    return NULL;
}

static void copy_bytes(struct trace_bytes *to, const struct rte_mbuf *mbuf)
{
    const void *bytes;

    to->length = mbuf->pkt_len;
    to->captured = RTE_MIN(mbuf->pkt_len, (uint32_t)TRACE_BYTES);
    bytes = rte_pktmbuf_read(mbuf, 0, to->captured, to->bytes);
    if (bytes != NULL && bytes != to->bytes) {
        memcpy(to->bytes, bytes, to->captured);
    }
}

static void add_step(struct trace_record *record, const struct watch_event *event)
{
    struct trace_step *step;

    if (record->count == TRACE_STEPS) {
        record->count--; /* how it ended matters more than how it came there */
        record->shortened = true;
    }
    step = &record->steps[record->count++];
    *step = (struct trace_step){
        .point = (uint8_t)event->point, .reason = (uint8_t)event->reason, .lane = event->lane, .now = event->now};
    if (event->choice != NULL) {
        step->choice = *event->choice;
    }
}

/* A place for the packet, at the cost of one that has left. NULL, and counted: so many cannot be followed. */
static struct trace_packet *make_room(struct trace *trace, const struct rte_mbuf *mbuf)
{
    struct trace_packet *set = set_of(trace, mbuf);

    for (int way = 0; way < TRACE_WAYS; way++) {
        if (set[way].state != TRACE_FOLLOWED) {
            return &set[way];
        }
    }
    record_ring_lose(trace->ring);
    return NULL;
}

static void begin(struct trace *trace, const struct watch_event *event, const struct rte_mbuf *mbuf, uint32_t origin)
{
    struct trace_packet *packet = make_room(trace, mbuf);

    if (packet == NULL) {
        return;
    }
    packet->mbuf = mbuf;
    packet->state = TRACE_FOLLOWED;
    packet->record = (struct trace_record){.id = ++trace->ids, .origin = origin, .device = mbuf->port};
    copy_bytes(&packet->record.first, mbuf);
    add_step(&packet->record, event);
}

/* With a reason asked for, packets count when they are told: no packet knows at its begin how it will end. */
static bool wanted(const struct trace *trace, const struct rte_mbuf *mbuf)
{
    return trace->begun < trace->settings.limit && filter_matches(&trace->settings.filter, mbuf);
}

static void on_received(struct trace *trace, const struct watch_event *event, const struct rte_mbuf *mbuf)
{
    struct trace_packet *before = find(trace, mbuf);

    if (before != NULL) {
        before->state = TRACE_FREE; /* another packet, in the same buffer */
    }
    if (wanted(trace, mbuf)) {
        begin(trace, event, mbuf, 0);
        trace->begun += trace->settings.reason == DROP_REASONS;
    }
}

static bool tells_all(const struct trace *trace, const struct trace_record *record)
{
    return trace->settings.reason == DROP_REASONS || record->origin != 0;
}

static void tell(struct trace *trace, const struct trace_record *record)
{
    struct trace_record *to = record_ring_reserve(trace->ring, sizeof(*to));

    if (to != NULL) {
        *to = *record;
        record_ring_commit(trace->ring);
    }
}

/* What is made of it next is its own. */
static void end(struct trace *trace, struct trace_packet *packet, uint64_t now)
{
    trace->origin = (struct trace_origin){packet->mbuf, packet->record.id, now};
    packet->state = TRACE_FREE;
}

static void on_dropped(struct trace *trace, const struct watch_event *event, struct trace_packet *packet)
{
    bool left = packet->state == TRACE_LEFT;

    if (left && packet->record.steps[packet->record.count - 1].now != event->now) {
        packet->state = TRACE_FREE; /* another packet, in the same buffer */
        return;
    }
    add_step(&packet->record, event);
    copy_bytes(&packet->record.last, packet->mbuf);
    if (tells_all(trace, &packet->record)) {
        tell(trace, &packet->record);
        end(trace, packet, event->now);
    } else if (event->reason == trace->settings.reason && trace->begun < trace->settings.limit) {
        trace->begun++;
        tell(trace, &packet->record);
        end(trace, packet, event->now);
    } else {
        packet->state = TRACE_FREE;
    }
}

/* It has left the pipe, or waits in it. */
static void on_way_out(struct trace *trace, const struct watch_event *event, struct trace_packet *packet)
{
    bool waits = event->point == WATCH_HELD_FRAGMENT || event->point == WATCH_HELD_NEIGHBOUR;

    add_step(&packet->record, event);
    if (!waits) {
        copy_bytes(&packet->record.last, packet->mbuf);
        packet->state = TRACE_LEFT;
    }
    if (tells_all(trace, &packet->record)) {
        tell(trace, &packet->record);
    }
}

/* Followed until now, and now in pieces. */
static void on_cut(struct trace *trace, const struct watch_event *event, struct trace_packet *packet)
{
    add_step(&packet->record, event);
    if (tells_all(trace, &packet->record)) {
        tell(trace, &packet->record);
        end(trace, packet, event->now);
    } else {
        packet->state = TRACE_FREE;
    }
}

/* mbuf: made of event->origin. */
static void on_made(struct trace *trace, const struct watch_event *event, const struct rte_mbuf *mbuf)
{
    struct trace_packet *origin = find(trace, event->origin);
    struct trace_packet *before;

    if (origin != NULL && origin->state == TRACE_FOLLOWED) {
        on_cut(trace, event, origin);
    }
    before = find(trace, mbuf);
    if (before != NULL) {
        before->state = TRACE_FREE;
    }
    if (trace->origin.mbuf == event->origin && trace->origin.now == event->now) {
        begin(trace, event, mbuf, trace->origin.id);
    }
}

static void saw_one(struct trace *trace, const struct watch_event *event, const struct rte_mbuf *mbuf)
{
    struct trace_packet *packet;

    if (event->point == WATCH_RECEIVED) {
        on_received(trace, event, mbuf);
        return;
    }
    if (event->point == WATCH_MADE) {
        on_made(trace, event, mbuf);
        return;
    }
    packet = find(trace, mbuf);
    if (packet == NULL) {
        return;
    }
    if (event->point == WATCH_DROPPED) {
        on_dropped(trace, event, packet);
    } else if (packet->state != TRACE_FOLLOWED) {
        packet->state = TRACE_FREE; /* another packet, in the same buffer */
    } else if (event->point == WATCH_STEERED) {
        add_step(&packet->record, event);
    } else {
        on_way_out(trace, event, packet);
    }
}

static void saw(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n)
{
    struct trace *trace = (struct trace *)watch; /* its first member */

    for (unsigned int i = 0; i < n; i++) {
        saw_one(trace, event, mbufs[i]);
    }
}

void trace_set_up(struct trace *trace, const struct trace_settings *settings, struct record_ring *ring)
{
    trace->watch.saw = saw;
    trace->settings = *settings;
    trace->ring = ring;
}
