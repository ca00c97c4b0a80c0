/* SPDX-License-Identifier: BSD-3-Clause */
#include "pending.h"
#include "hash.h"

static bool same_neighbour(const struct pending_queue *queue, const struct pending_key *key, enum family family)
{
    return queue->count > 0 && queue->key.adjacency == key->adjacency && queue->key.glean == key->glean &&
           queue->family == family && ip_addr_equal(&queue->key.destination, &key->destination);
}

/* The neighbour's queue, else a free one, else NULL. */
static struct pending_queue *find(struct pending *pending, const struct pending_key *key, enum family family)
{
    uint64_t hash = hash_bytes(&key->destination, sizeof(key->destination), key->adjacency);
    struct pending_queue *set = &pending->queues[hash % (PENDING_MAX / PENDING_WAYS) * PENDING_WAYS];
    struct pending_queue *room = NULL;

    for (int i = 0; i < PENDING_WAYS; i++) {
        if (same_neighbour(&set[i], key, family)) {
            return &set[i];
        }
        if (set[i].count == 0) {
            room = &set[i];
        }
    }
    return room;
}

bool pending_put(struct pending *pending, const struct pending_key *key, enum family family,
                 const struct pending_packet *packet, uint64_t until)
{
    struct pending_queue *queue = find(pending, key, family);

    if (queue == NULL || queue->count == PENDING_DEPTH) {
        return false;
    }
    if (queue->count == 0) {
        queue->key = *key;
        queue->family = (uint8_t)family;
        queue->until = until;
        queue->at = (uint16_t)pending->active_count++;
        pending->active[queue->at] = (uint16_t)(queue - pending->queues);
    }
    queue->packets[queue->count++] = *packet;
    return true;
}

struct pending_queue *pending_next(struct pending *pending)
{
    if (pending->active_count == 0) {
        return NULL;
    }
    if (++pending->cursor >= pending->active_count) {
        pending->cursor = 0;
    }
    return &pending->queues[pending->active[pending->cursor]];
}

unsigned int pending_take(struct pending *pending, struct pending_queue *queue,
                          struct pending_packet packets[PENDING_DEPTH])
{
    uint16_t last = pending->active[--pending->active_count];
    unsigned int count = queue->count;

    for (unsigned int i = 0; i < count; i++) {
        packets[i] = queue->packets[i];
    }
    pending->active[queue->at] = last;
    pending->queues[last].at = queue->at;
    queue->count = 0;
    return count;
}
