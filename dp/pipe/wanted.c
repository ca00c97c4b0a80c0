/* SPDX-License-Identifier: BSD-3-Clause */
#include "wanted.h"
#include "hash.h"
#include <string.h>

static struct wanted *set_of(struct wanted_table *table, const struct datagram_key *key)
{
    return &table->sets[1 + hash_bytes(key, sizeof(*key), 0) % WANTED_SETS * WANTED_WAYS];
}

static struct wanted *find(struct wanted_table *table, const struct datagram_key *key)
{
    struct wanted *set = set_of(table, key);

    for (int way = 0; way < WANTED_WAYS; way++) {
        if (set[way].first != 0 && memcmp(&set[way].key, key, sizeof(*key)) == 0) {
            return &set[way];
        }
    }
    return NULL;
}

static void unlink_wanted(struct wanted_table *table, const struct wanted *wanted)
{
    if (table->asked == (uint16_t)(wanted - table->sets)) {
        table->asked = wanted->newer;
    }
    *(wanted->older != 0 ? &table->sets[wanted->older].newer : &table->oldest) = wanted->newer;
    *(wanted->newer != 0 ? &table->sets[wanted->newer].older : &table->newest) = wanted->older;
}

/* Those that wait for this datagram wait no more. hash: the flow's, NULL if unknown. */
static void release(struct wanted_table *table, struct wanted *wanted, const uint32_t *hash)
{
    while (wanted->first != 0) {
        uint16_t index = wanted->first;
        struct wanted_packet *packet = &table->waits[index];

        wanted->first = packet->next;
        packet->next = table->ready;
        table->ready = index;
        if (hash != NULL) {
            packet->hash = *hash;
            packet->matched = true;
        }
    }
    unlink_wanted(table, wanted);
}

/* A free place, if need be at the cost of the datagram of its set that waits for longest. */
static struct wanted *make_room(struct wanted_table *table, const struct datagram_key *key)
{
    struct wanted *set = set_of(table, key);
    struct wanted *room = &set[0];

    for (int way = 0; way < WANTED_WAYS && room->first != 0; way++) {
        if (set[way].first == 0 || set[way].since < room->since) {
            room = &set[way];
        }
    }
    if (room->first != 0) {
        release(table, room, NULL);
    }
    return room;
}

static struct wanted *want(struct wanted_table *table, const struct datagram_key *key, uint64_t now)
{
    struct wanted *wanted = make_room(table, key);
    uint16_t index = (uint16_t)(wanted - table->sets);

    *wanted = (struct wanted){.key = *key, .since = now, .older = table->newest};
    *(table->newest != 0 ? &table->sets[table->newest].newer : &table->oldest) = index;
    table->newest = index;
    return wanted;
}

/* 0: all are in use. */
static uint16_t take_wait(struct wanted_table *table)
{
    uint16_t index = table->free;

    if (index != 0) {
        table->free = table->waits[index].next;
        return index;
    }
    return table->used < WANTED_PACKETS ? ++table->used : 0;
}

bool wanted_put(struct wanted_table *table, const struct datagram_key *key, const struct wanted_packet *packet,
                uint64_t now)
{
    uint16_t index = take_wait(table);
    struct wanted *wanted;

    if (index == 0) {
        return false;
    }
    wanted = find(table, key);
    if (wanted == NULL) {
        wanted = want(table, key, now);
    }
    table->waits[index] = *packet;
    table->waits[index].matched = false;
    table->waits[index].next = wanted->first;
    wanted->first = index;
    table->waiting++;
    return true;
}

void wanted_found(struct wanted_table *table, const struct datagram_key *key, uint32_t hash)
{
    struct wanted *wanted = table->waiting > 0 ? find(table, key) : NULL;

    if (wanted != NULL) {
        release(table, wanted, &hash);
    }
}

void wanted_ask(struct wanted_table *table, struct datagram_table *known, const struct datagram_times *times,
                uint64_t now)
{
    for (int i = 0; i < WANTED_ASKS && table->oldest != 0; i++) {
        struct wanted *wanted = &table->sets[table->asked != 0 ? table->asked : table->oldest];
        uint32_t hash;

        table->asked = wanted->newer;
        if (datagram_find(known, &wanted->key, times, now, &hash)) {
            release(table, wanted, &hash);
        }
        if (table->asked == 0) {
            return;
        }
    }
}

bool wanted_take(struct wanted_table *table, const struct datagram_times *times, uint64_t now,
                 struct wanted_packet *out)
{
    uint16_t index;

    while (table->oldest != 0 && datagram_elapsed(now, table->sets[table->oldest].since) >= times->wait) {
        release(table, &table->sets[table->oldest], NULL);
    }
    index = table->ready;
    if (index == 0) {
        return false;
    }
    *out = table->waits[index];
    table->ready = out->next;
    table->waits[index].next = table->free;
    table->free = index;
    table->waiting--;
    return true;
}
