/* SPDX-License-Identifier: BSD-3-Clause */
/* What the workers would do with a packet, found by the same hash, rows and choice. */
#include "dp_private.h"
#include "flow_hash.h"
#include "select.h"
#include <errno.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <string.h>

static uint64_t word_of(const struct ip_addr *addr, unsigned int half)
{
    uint64_t word;

    memcpy(&word, addr->bytes + 8 * half, sizeof(word));
    return rte_be_to_cpu_64(word);
}

static uint64_t flow_addresses_of(const struct dp_flow *flow)
{
    if (flow->dst.family == FAMILY_V4) {
        return (uint64_t)ip_addr_to_u32(&flow->src) << 32 | ip_addr_to_u32(&flow->dst);
    }
    return flow_hash_fold_v6(word_of(&flow->src, 0), word_of(&flow->src, 1), word_of(&flow->dst, 0),
                             word_of(&flow->dst, 1));
}

static uint32_t hash_of(const struct dp *dp, const struct dp_flow *flow, enum hash_mode mode)
{
    bool has_ports = flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP || flow->protocol == IPPROTO_SCTP;
    uint32_t ports = has_ports ? (uint32_t)flow->src_port << 16 | flow->dst_port : 0;
    bool addresses_alone = mode == HASH_ADDRESSES;

    return flow_hash(flow_addresses_of(flow), addresses_alone ? 0 : ports, addresses_alone ? 0 : flow->protocol,
                     dp->workers[0]->pipe.hash_seed);
}

int dp_flow_choose(const struct dp *dp, const struct dp_flow *flow, struct dp_flow_choice *out)
{
    const struct adjacency *adjacencies = dp->workers[0]->pipe.adjacencies;
    const struct path_list *list;
    struct selection selection;
    row_t row;
    int result = dp_route_lookup(dp, &flow->dst, &out->prefix, &out->path_list);

    if (result != 0) {
        return result;
    }
    list = path_list_load(dp->workers[0]->pipe.path_lists, out->path_list);
    out->rows = list->row_mask + 1;
    out->hash = list->row_mask == 0 ? 0 : hash_of(dp, flow, (enum hash_mode)list->hash_mode);
    out->row = out->hash & list->row_mask;
    row = list->rows[out->row];
    for (unsigned int place = 0; place < ROW_PLACES; place++) {
        out->places[place] = row_place(row, place);
    }
    selection = adjacency_state(&adjacencies[out->places[0]]) == 0 ? (struct selection){.adjacency = out->places[0]}
                                                                   : select_backup(list, row, adjacencies);
    out->adjacency = selection.adjacency;
    out->failed_open = selection.failed_open;
    return 0;
}
