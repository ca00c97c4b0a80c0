/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"

uint64_t hash_bytes(const void *data, size_t length, uint64_t seed)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325ULL ^ hash_mix64(seed);

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    return hash_mix64(hash);
}
