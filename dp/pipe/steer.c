/* SPDX-License-Identifier: BSD-3-Clause */
/* The third stage: flow hash -> row -> the first adjacency that is alive. */
#include "burst.h"
#include "flow.h"
#include "fragments.h"
#include "icmp.h"
#include "select.h"
#include "steer_plain.h"
#include <rte_branch_prediction.h>
#include <rte_cycles.h>

/* The row's first choice is dead. */
static __attribute__((noinline)) uint16_t steer_backup(struct pipe *pipe, const struct path_list *list, row_t row)
{
    struct selection selection = select_backup(list, row, pipe->adjacencies);

    counter_add(&pipe->counters->failed_open, selection.failed_open);
    if (takeover_is_armed(pipe->takeovers)) { /* the loop's clock may be from before the flip */
        takeover_note(pipe->takeovers, row, selection.adjacency, rte_rdtsc(), pipe->before);
    }
    return selection.adjacency;
}

/* The hash of a packet that is not plain. False: it waits for its first fragment, and is taken over. */
static __attribute__((noinline)) bool rare_hash(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                enum family family, enum hash_mode mode, uint32_t *hash)
{
    struct flow flow;

    flow_read(packet, family, mode, pipe->hash_seed, &flow);
    counter_add(&pipe->counters->flows_incomplete, flow.incomplete);
    if (mode == HASH_PORTS && flow.known && flow.upper.fragment) {
        return fragment_hash(pipe, port, packet, family, &flow, hash);
    }
    *hash = flow.hash;
    return true;
}

/* Of packet i of a burst. known: what is known of its hashes, or NULL. */
static inline bool steer_hash(struct pipe *pipe, uint16_t port, const struct path_list *list,
                              const struct packet *packet, enum family family, const struct hashes *known,
                              unsigned int i, uint32_t *hash)
{
    enum hash_mode mode = (enum hash_mode)list->hash_mode;

    *hash = 0;
    if (known != NULL && (known->known[mode] >> i & 1) != 0) {
        *hash = known->value[i];
        return true;
    }
    return list->row_mask == 0 || likely(flow_hash_plain(packet, family, mode, pipe->hash_seed, hash)) ||
           rare_hash(pipe, port, packet, family, mode, hash);
}

/* What steer_hash() says, or has said of this packet an instant ago, without counting or keeping the packet. */
static uint32_t peek_hash(const struct pipe *pipe, const struct path_list *list, const struct packet *packet,
                          enum family family)
{
    enum hash_mode mode = (enum hash_mode)list->hash_mode;
    struct flow flow;

    if (list->row_mask == 0) {
        return 0;
    }
    if (!flow_hash_plain(packet, family, mode, pipe->hash_seed, &flow.hash)) {
        flow_read(packet, family, mode, pipe->hash_seed, &flow);
        if (mode == HASH_PORTS && flow.known && flow.upper.later_fragment) {
            (void)fragment_known(pipe, packet, family, &flow, &flow.hash);
        }
    }
    return flow.hash;
}

/* Somebody watches: what was found for this packet. */
static __attribute__((noinline, cold)) void show_choice(const struct pipe *pipe, uint32_t path_list,
                                                        const struct packet *packet, uint16_t chosen,
                                                        enum family family, const uint32_t *given)
{
    const struct path_list *list = path_list_load(pipe->path_lists, path_list);
    uint32_t hash = given != NULL ? *given : peek_hash(pipe, list, packet, family);
    struct watch_choice choice = {
        .path_list = path_list,
        .hash = hash,
        .row = hash & list->row_mask,
        .row_mask = list->row_mask,
        .state = adjacency_state(&pipe->adjacencies[chosen]),
        .adjacency = chosen,
    };
    struct rte_mbuf *mbuf = packet->mbuf;

    for (unsigned int place = 0; place < ROW_PLACES; place++) {
        choice.places[place] = row_place(list->rows[choice.row], place);
        choice.states[place] = adjacency_state(&pipe->adjacencies[choice.places[place]]);
    }
    watches_tell(pipe_watches(pipe),
                 &(struct watch_event){WATCH_STEERED, DROP_REASONS, PIPE_NO_PORT, pipe->now, &choice, NULL}, &mbuf, 1);
}

static __attribute__((noinline, cold)) void show_choices(const struct pipe *pipe, const struct burst *burst,
                                                         enum family family, const uint32_t *given)
{
    for (unsigned int i = 0; i < burst->count[family]; i++) {
        struct packet packet = burst_packet(burst, family, i);

        show_choice(pipe, burst->path_lists[family][i], &packet, burst->adjacencies[family][i], family, given);
    }
}

/* The adjacency for that hash, ADJACENCY_NONE if there is none alive. */
static inline uint16_t steer_row(struct pipe *pipe, const struct path_list *list, uint32_t hash)
{
    uint16_t id = path_list_first(list, hash);

    if (unlikely(adjacency_state(&pipe->adjacencies[id]) != 0)) {
        return steer_backup(pipe, list, list->rows[hash & list->row_mask]);
    }
    return id;
}

/* Whether senders hear of it is the prefix's setting. */
static __attribute__((noinline)) void no_instance(struct pipe *pipe, uint16_t port, uint32_t path_list,
                                                  const struct packet *packet, enum family family,
                                                  const uint32_t *given)
{
    const struct path_list *list = path_list_load(pipe->path_lists, path_list);

    if (unlikely(pipe_watches(pipe) != NULL)) {
        show_choice(pipe, path_list, packet, ADJACENCY_NONE, family, given);
    }
    if (list->tell_no_instance) {
        packet_refuse(pipe, port, packet, family, DROP_NO_INSTANCE, 0);
    } else {
        packet_drop(pipe, packet->mbuf, DROP_NO_INSTANCE);
    }
}

/* Where all packets have one path list with a choice of one: the adjacency for all; else ADJACENCY_NONE. */
static inline uint16_t steer_same(struct pipe *pipe, const uint32_t *ids, unsigned int n)
{
    const struct path_list *list;
    uint32_t differ = 0;

    for (unsigned int i = 0; i < n; i++) {
        differ |= ids[i] ^ ids[0];
    }
    if (differ != 0 || ids[0] == PATH_LIST_NONE) {
        return ADJACENCY_NONE;
    }
    list = path_list_load(pipe->path_lists, ids[0]);
    return list->row_mask == 0 && adjacency_state(&pipe->adjacencies[path_list_first(list, 0)]) == 0
               ? path_list_first(list, 0)
               : ADJACENCY_NONE;
}

/* Packets that leave the burst go out of it here, and are not watched any more. */
static inline void steer_each(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family,
                              const struct hashes *known)
{
    uint32_t *ids = burst->path_lists[family];
    unsigned int kept = 0;

    for (unsigned int i = 0; i < burst->count[family]; i++) {
        struct packet packet = burst_packet(burst, family, i);
        const struct path_list *list;
        uint32_t hash;

        if (unlikely(ids[i] == PATH_LIST_NONE)) {
            packet_refuse(pipe, port, &packet, family, DROP_NO_ROUTE, 0);
            continue;
        }
        list = path_list_load(pipe->path_lists, ids[i]);
        if (unlikely(!steer_hash(pipe, port, list, &packet, family, known, i, &hash))) {
            continue;
        }
        packet.adjacency = steer_row(pipe, list, hash);
        if (unlikely(packet.adjacency == ADJACENCY_NONE)) {
            no_instance(pipe, port, ids[i], &packet, family, known != NULL ? &hash : NULL);
            continue;
        }
        burst_put(burst, family, kept, &packet);
        ids[kept++] = ids[i];
    }
    burst->plain[family] &= kept == burst->count[family];
    burst->count[family] = kept;
}

static inline __attribute__((always_inline)) void steer_family(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                               enum family family)
{
    bool watched = pipe_watches(pipe) != NULL;
    struct hashes hashes;
    uint16_t same;

    burst->share_count[family] = 0;
    if (likely(!watched)) {
        if (likely(burst->plain[family])) {
            hashes.known[HASH_PORTS] = 0;
            hashes.known[HASH_ADDRESSES] = 0;
            if (unlikely(!steer_plain(pipe, burst, family, &hashes))) {
                burst->share_count[family] = 0;
                steer_each(pipe, port, burst, family, &hashes);
            }
            return;
        }
        same = steer_same(pipe, burst->path_lists[family], burst->count[family]);
        if (same != ADJACENCY_NONE) {
            burst_set_same(burst, family, same);
            return;
        }
    }
    steer_each(pipe, port, burst, family, NULL);
    if (unlikely(watched)) {
        show_choices(pipe, burst, family, NULL);
    }
}

void steer_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (family == FAMILY_V4) {
        steer_family(pipe, port, burst, FAMILY_V4);
    } else {
        steer_family(pipe, port, burst, FAMILY_V6);
    }
}

void steer_one_by_hash(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family, uint32_t hash)
{
    const struct hashes hashes = {.known = {1, 1}, .value = {hash}};

    burst->share_count[family] = 0;
    steer_each(pipe, port, burst, family, &hashes);
    if (unlikely(pipe_watches(pipe) != NULL)) {
        show_choices(pipe, burst, family, &hash);
    }
}

uint16_t steer_one(struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family)
{
    const struct path_list *list = path_list_load(pipe->path_lists, path_list);
    uint16_t chosen =
        steer_row(pipe, list, flow_hash_packet(packet, family, (enum hash_mode)list->hash_mode, pipe->hash_seed));

    if (unlikely(pipe_watches(pipe) != NULL)) {
        show_choice(pipe, path_list, packet, chosen, family, NULL);
    }
    return chosen;
}

uint16_t steer_peek(const struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family)
{
    const struct path_list *list = path_list_load(pipe->path_lists, path_list);
    uint32_t hash = peek_hash(pipe, list, packet, family);

    return select_backup(list, list->rows[hash & list->row_mask], pipe->adjacencies).adjacency;
}
