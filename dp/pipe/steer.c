/* SPDX-License-Identifier: BSD-3-Clause */
/* The third stage: flow hash -> row -> the first adjacency that is alive. */
#include "burst.h"
#include "flow.h"
#include "icmp.h"
#include "select.h"
#include <rte_branch_prediction.h>

/* The row's first choice is dead. */
static __attribute__((noinline)) uint16_t steer_backup(struct pipe *pipe, const struct path_list *list, row_t row)
{
    struct selection selection = select_backup(list, row, pipe->adjacencies);

    counter_add(&pipe->counters->failed_open, selection.failed_open);
    return selection.adjacency;
}

static inline row_t steer_row(const struct path_list *list, const struct packet *packet, enum family family,
                              uint64_t seed)
{
    uint32_t hash;

    if (list->row_mask == 0) {
        return list->rows[0];
    }
    hash =
        family == FAMILY_V4 ? flow_hash_v4(packet, list->hash_mode, seed) : flow_hash_v6(packet, list->hash_mode, seed);
    return list->rows[hash & list->row_mask];
}

/* The adjacency of one packet, ADJACENCY_NONE if there is none alive. */
static inline uint16_t steer_packet(struct pipe *pipe, const struct path_list *list, const struct packet *packet,
                                    enum family family)
{
    row_t row = steer_row(list, packet, family, pipe->hash_seed);
    uint16_t id = row_place(row, 0);

    if (unlikely(adjacency_state(&pipe->adjacencies[id]) != 0)) {
        return steer_backup(pipe, list, row);
    }
    return id;
}

/* Whether senders hear of it is the prefix's setting. */
static __attribute__((noinline)) void no_instance(struct pipe *pipe, uint16_t port, const struct path_list *list,
                                                  const struct packet *packet, enum family family)
{
    if (list->tell_no_instance) {
        packet_refuse(pipe, port, packet, family, DROP_NO_INSTANCE, 0);
    } else {
        packet_drop(pipe, packet->mbuf, DROP_NO_INSTANCE);
    }
}

static inline __attribute__((always_inline)) void steer_family(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                               enum family family)
{
    struct packet *packets = burst->packets[family];
    const uint32_t *ids = burst->path_lists[family];
    unsigned int kept = 0;

    for (unsigned int i = 0; i < burst->count[family]; i++) {
        struct packet packet = packets[i];
        const struct path_list *list;

        if (unlikely(ids[i] == PATH_LIST_NONE)) {
            packet_refuse(pipe, port, &packet, family, DROP_NO_ROUTE, 0);
            continue;
        }
        list = path_list_load(pipe->path_lists, ids[i]);
        packet.adjacency = steer_packet(pipe, list, &packet, family);
        if (unlikely(packet.adjacency == ADJACENCY_NONE)) {
            no_instance(pipe, port, list, &packet, family);
            continue;
        }
        packets[kept++] = packet;
    }
    burst->count[family] = kept;
}

void steer_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (family == FAMILY_V4) {
        steer_family(pipe, port, burst, FAMILY_V4);
    } else {
        steer_family(pipe, port, burst, FAMILY_V6);
    }
}

uint16_t steer_one(struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family)
{
    return steer_packet(pipe, path_list_load(pipe->path_lists, path_list), packet, family);
}

uint16_t steer_peek(const struct pipe *pipe, const struct packet *packet, uint32_t path_list, enum family family)
{
    const struct path_list *list = path_list_load(pipe->path_lists, path_list);

    return select_backup(list, steer_row(list, packet, family, pipe->hash_seed), pipe->adjacencies).adjacency;
}
