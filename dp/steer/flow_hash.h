/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow hash: one definition for every place that must agree on it (workers, flow.explain, other forwarders).
 *
 * Routers in front of us spread flows with CRC or Toeplitz, which are linear over GF(2); two multiplications make ours
 * non-linear, so that the flows that one router hash sends here still spread evenly. 64-bit integer arithmetic only, so
 * that BPF computes the same.
 */
#ifndef FLOW_HASH_H
#define FLOW_HASH_H

#include <stdint.h>

/* The multipliers. */
#define FLOW_HASH_FIRST  UINT64_C(0x9e3779b97f4a7c15)
#define FLOW_HASH_SECOND UINT64_C(0xd6e8feb86659fd93)

/* Addresses: as one IPv4 word, source above destination, or folded from IPv6 by flow_hash_fold_v6(). Ports: source
 * above destination, host order, 0 where there are none or they do not count. */
static inline uint32_t flow_hash(uint64_t addresses, uint32_t ports, uint8_t protocol, uint64_t seed)
{
    uint64_t h = (addresses ^ seed) * FLOW_HASH_FIRST;

    h ^= h >> 32;
    h = (h ^ ((uint64_t)ports << 8 | protocol)) * FLOW_HASH_SECOND;
    h ^= h >> 29; /* not 32: the same number twice lets the ports of one client bunch in some rows */
    h *= FLOW_HASH_SECOND;
    return (uint32_t)(h >> 32);
}

/* The four 64-bit halves of source and destination, host order, high half first. */
static inline uint64_t flow_hash_fold_v6(uint64_t src_high, uint64_t src_low, uint64_t dst_high, uint64_t dst_low)
{
    uint64_t h = (src_high ^ (src_low << 1 | src_low >> 63)) * FLOW_HASH_FIRST;

    h ^= h >> 32;
    h = (h ^ dst_high ^ (dst_low << 1 | dst_low >> 63)) * FLOW_HASH_SECOND;
    return h ^ h >> 32;
}

#endif
