/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 802.1Q tags. They exist at the edges alone: parse takes them off, the transmit lane of a sub-interface puts them on,
 * and every stage between sees untagged frames. Private to dp/pipe.
 */
#ifndef VLAN_H
#define VLAN_H

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VLAN_VID_MASK 0xfff

/* Both lie between the MAC addresses and the EtherType of what is tagged. */
static inline bool vlan_is_tag(uint16_t ether_type_be)
{
    return ether_type_be == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) ||
           ether_type_be == rte_cpu_to_be_16(RTE_ETHER_TYPE_QINQ);
}

/* The tag's bytes are in the first segment. */
static inline void vlan_pop(struct rte_mbuf *mbuf)
{
    uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);

    memmove(rte_pktmbuf_adj(mbuf, sizeof(struct rte_vlan_hdr)), frame, 2 * RTE_ETHER_ADDR_LEN);
}

/* False: no headroom; then nothing has changed. */
static inline bool vlan_push(struct rte_mbuf *mbuf, uint16_t tci)
{
    uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(mbuf, sizeof(struct rte_vlan_hdr));
    uint16_t tag[2] = {rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(tci)};

    if (frame == NULL) {
        return false;
    }
    memmove(frame, frame + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
    memcpy(frame + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
    return true;
}

#endif
