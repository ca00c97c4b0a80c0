/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker asks of the control thread: resolve the neighbour that packets want. A bounded ring with one writer
 * (the worker) and one reader (the control thread), and a small memory of recent wishes so that a flow asks once and
 * not for every packet. A full ring loses wishes, never packets: the next packet asks again.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "addr.h"
#include <stdbool.h>
#include <stdint.h>

#define REQUEST_RING   256 /* a power of two */
#define REQUEST_RECENT 256 /* a power of two */

struct request {
    uint16_t adjacency;         /* that was not resolved */
    struct ip_addr destination; /* REWRITE_GLEAN: the packet's, which is the neighbour itself; else all zero */
};

struct request_ring {
    uint32_t head; /* written by the worker */
    struct {
        uint64_t key;
        uint64_t until; /* TSC */
    } recent[REQUEST_RECENT];
    struct request slots[REQUEST_RING];
    uint32_t tail __attribute__((aligned(64))); /* written by the control thread */
};

/* Worker. now and interval in TSC cycles: the same wish is not told again within the interval. */
void request_put(struct request_ring *ring, const struct request *request, uint64_t now, uint64_t interval);
/* Control thread: false when there is none. */
bool request_take(struct request_ring *ring, struct request *out);

#endif
