/* SPDX-License-Identifier: BSD-3-Clause */
#include "datagram.h"
#include "hash.h"
#include <string.h>

static uint64_t elapsed(uint64_t now, uint64_t since)
{
    return now > since ? now - since : 0; /* a loop's time is taken at its begin, a packet's later */
}

static struct datagram *set_of(struct datagram_table *table, const struct datagram_key *key)
{
    return &table->sets[1 + hash_bytes(key, sizeof(*key), 0) % DATAGRAM_SETS * DATAGRAM_WAYS];
}

static struct datagram *find(struct datagram_table *table, const struct datagram_key *key)
{
    struct datagram *set = set_of(table, key);

    for (int way = 0; way < DATAGRAM_WAYS; way++) {
        if (set[way].state != DATAGRAM_FREE && memcmp(&set[way].key, key, sizeof(*key)) == 0) {
            return &set[way];
        }
    }
    return NULL;
}

static void unlink_wanted(struct datagram_table *table, const struct datagram *datagram)
{
    *(datagram->older != 0 ? &table->sets[datagram->older].newer : &table->oldest) = datagram->newer;
    *(datagram->newer != 0 ? &table->sets[datagram->newer].older : &table->newest) = datagram->older;
}

/* Those that wait for this datagram wait no more; the datagram is forgotten. hash: the flow's, NULL if unknown. */
static void release(struct datagram_table *table, struct datagram *datagram, const uint32_t *hash)
{
    while (datagram->first != 0) {
        uint16_t index = datagram->first;
        struct fragment_waiting *packet = &table->waits[index];

        datagram->first = packet->next;
        packet->next = table->ready;
        table->ready = index;
        if (hash != NULL) {
            packet->hash = *hash;
            packet->matched = true;
        }
    }
    if (datagram->state == DATAGRAM_WANTED) {
        unlink_wanted(table, datagram);
    }
    datagram->state = DATAGRAM_FREE;
}

/* A free place for the key, at the cost of the datagram of its set that was quiet for longest. */
static struct datagram *make_room(struct datagram_table *table, const struct datagram_key *key)
{
    struct datagram *set = set_of(table, key);
    struct datagram *room = &set[0];

    for (int way = 0; way < DATAGRAM_WAYS && room->state != DATAGRAM_FREE; way++) {
        if (set[way].state == DATAGRAM_FREE || set[way].since < room->since) {
            room = &set[way];
        }
    }
    release(table, room, NULL);
    return room;
}

void datagram_learn(struct datagram_table *table, const struct datagram_key *key, uint32_t hash, uint64_t now)
{
    struct datagram *datagram = find(table, key);

    if (datagram != NULL) {
        release(table, datagram, &hash);
    } else {
        datagram = make_room(table, key);
    }
    *datagram = (struct datagram){.key = *key, .since = now, .hash = hash, .state = DATAGRAM_KNOWN};
}

bool datagram_find(struct datagram_table *table, const struct datagram_key *key, const struct datagram_times *times,
                   uint64_t now, uint32_t *hash)
{
    struct datagram *datagram = find(table, key);

    if (datagram == NULL || datagram->state != DATAGRAM_KNOWN) {
        return false;
    }
    if (elapsed(now, datagram->since) >= times->memory) {
        datagram->state = DATAGRAM_FREE;
        return false;
    }
    datagram->since = now;
    *hash = datagram->hash;
    return true;
}

static struct datagram *want(struct datagram_table *table, const struct datagram_key *key, uint64_t now)
{
    struct datagram *datagram = make_room(table, key);
    uint16_t index = (uint16_t)(datagram - table->sets);

    *datagram = (struct datagram){.key = *key, .since = now, .older = table->newest, .state = DATAGRAM_WANTED};
    *(table->newest != 0 ? &table->sets[table->newest].newer : &table->oldest) = index;
    table->newest = index;
    return datagram;
}

/* 0: all are in use. */
static uint16_t take_wait(struct datagram_table *table)
{
    uint16_t index = table->free;

    if (index != 0) {
        table->free = table->waits[index].next;
        return index;
    }
    return table->used < DATAGRAM_WAITING ? ++table->used : 0;
}

bool datagram_wait(struct datagram_table *table, const struct datagram_key *key, const struct fragment_waiting *packet,
                   uint64_t now)
{
    uint16_t index = take_wait(table);
    struct datagram *datagram;

    if (index == 0) {
        return false;
    }
    datagram = find(table, key);
    if (datagram == NULL) {
        datagram = want(table, key, now);
    }
    table->waits[index] = *packet;
    table->waits[index].matched = false;
    table->waits[index].next = datagram->first;
    datagram->first = index;
    table->waiting++;
    return true;
}

bool datagram_take(struct datagram_table *table, const struct datagram_times *times, uint64_t now,
                   struct fragment_waiting *out)
{
    uint16_t index;

    while (table->oldest != 0 && elapsed(now, table->sets[table->oldest].since) >= times->wait) {
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
