/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"
#include "hash.h"

void request_put(struct request_ring *ring, const struct request *request, uint64_t now, uint64_t interval)
{
    uint64_t key = hash_bytes(&request->destination, sizeof(request->destination), request->adjacency) | 1;
    uint32_t at = (uint32_t)key / 2 % REQUEST_RECENT;
    uint32_t head = ring->head;

    if (ring->recent[at].key == key && now < ring->recent[at].until) {
        return;
    }
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == REQUEST_RING) {
        return;
    }
    ring->recent[at].key = key;
    ring->recent[at].until = now + interval;
    ring->slots[head % REQUEST_RING] = *request;
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

bool request_take(struct request_ring *ring, struct request *out)
{
    uint32_t tail = ring->tail;

    if (tail == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *out = ring->slots[tail % REQUEST_RING];
    __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}
