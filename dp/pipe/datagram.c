/* SPDX-License-Identifier: BSD-3-Clause */
#include "datagram.h"
#include "hash.h"
#include <string.h>

#define TRIES 4 /* to write; each time another worker was quicker with that entry */

static struct datagram *set_of(struct datagram_table *table, const struct datagram_key *key)
{
    return &table->sets[hash_bytes(key, sizeof(*key), 0) % DATAGRAM_SETS * DATAGRAM_WAYS];
}

/* A copy that is whole. False: nothing was ever written there, or something is just now. */
static bool entry_read(const struct datagram *entry, struct datagram *out)
{
    out->sequence = __atomic_load_n(&entry->sequence, __ATOMIC_ACQUIRE);
    if (out->sequence == 0 || out->sequence % 2 != 0) {
        return false;
    }
    out->since = __atomic_load_n(&entry->since, __ATOMIC_RELAXED);
    out->hash = __atomic_load_n(&entry->hash, __ATOMIC_RELAXED);
    for (unsigned int i = 0; i < DATAGRAM_KEY_WORDS; i++) {
        out->key[i] = __atomic_load_n(&entry->key[i], __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* all of it before the sequence is looked at again */
    return __atomic_load_n(&entry->sequence, __ATOMIC_RELAXED) == out->sequence;
}

/* False: another worker writes there. */
static bool entry_write(struct datagram *entry, const struct datagram_key *key, uint32_t hash, uint64_t now)
{
    uint64_t sequence = __atomic_load_n(&entry->sequence, __ATOMIC_RELAXED);
    uint64_t words[DATAGRAM_KEY_WORDS];

    if (sequence % 2 != 0 || !__atomic_compare_exchange_n(&entry->sequence, &sequence, sequence + 1, false,
                                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return false;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE); /* a reader that sees some of it sees the odd number as well */
    memcpy(words, key, sizeof(words));
    __atomic_store_n(&entry->since, now, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->hash, hash, __ATOMIC_RELAXED);
    for (unsigned int i = 0; i < DATAGRAM_KEY_WORDS; i++) {
        __atomic_store_n(&entry->key[i], words[i], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&entry->sequence, sequence + 2, __ATOMIC_RELEASE);
    return true;
}

static struct datagram *find(struct datagram_table *table, const struct datagram_key *key, struct datagram *copy)
{
    struct datagram *set = set_of(table, key);

    for (int way = 0; way < DATAGRAM_WAYS; way++) {
        if (entry_read(&set[way], copy) && memcmp(copy->key, key, sizeof(*key)) == 0) {
            return &set[way];
        }
    }
    return NULL;
}

/* The key's own place; else a free one, or that of the datagram of its set that was quiet for longest. */
static struct datagram *place_for(struct datagram_table *table, const struct datagram_key *key)
{
    struct datagram *set = set_of(table, key);
    struct datagram copy;
    struct datagram *place = find(table, key, &copy);
    uint64_t oldest = UINT64_MAX;

    for (int way = 0; way < DATAGRAM_WAYS && place == NULL; way++) {
        if (__atomic_load_n(&set[way].sequence, __ATOMIC_RELAXED) == 0) {
            place = &set[way];
        }
    }
    if (place != NULL) {
        return place;
    }
    for (int way = 0; way < DATAGRAM_WAYS; way++) {
        if (entry_read(&set[way], &copy) && copy.since < oldest) {
            oldest = copy.since;
            place = &set[way];
        }
    }
    return place;
}

void datagram_learn(struct datagram_table *table, const struct datagram_key *key, uint32_t hash, uint64_t now)
{
    for (int try = 0; try < TRIES; try++) {
        struct datagram *place = place_for(table, key);

        if (place != NULL && entry_write(place, key, hash, now)) {
            return;
        }
    }
}

bool datagram_find(struct datagram_table *table, const struct datagram_key *key, const struct datagram_times *times,
                   uint64_t now, uint32_t *hash)
{
    struct datagram copy;
    struct datagram *datagram = find(table, key, &copy);

    if (datagram == NULL || datagram_elapsed(now, copy.since) >= times->memory) {
        return false;
    }
    /* should the entry have become another datagram's meanwhile, that one is remembered a little longer */
    __atomic_store_n(&datagram->since, now, __ATOMIC_RELAXED);
    *hash = (uint32_t)copy.hash;
    return true;
}
