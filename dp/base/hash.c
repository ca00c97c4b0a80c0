/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include <string.h>

uint64_t hash_bytes(const void *data, size_t length, uint64_t seed)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325ULL ^ hash_mix64(seed);

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    return hash_mix64(hash);
}

uint64_t hash_table(const void *data, size_t length, uint64_t seed)
{
    const uint8_t *bytes = data;
    uint64_t hash = seed ^ length;
    uint64_t word;

    for (; length >= sizeof(word); length -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = hash_mix64(hash ^ word);
    }
    word = 0;
    memcpy(&word, bytes, length);
    return hash_mix64(hash ^ word);
}
