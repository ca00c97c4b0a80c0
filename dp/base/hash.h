/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashing of bytes and of words. The results are part of our contracts (rows must come out the same on every forwarder
 * of a site group), so they depend on neither byte order nor CPU, and a test pins them.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection in which every input bit reaches every
 * output bit. */
static inline uint64_t hash_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* For tables in memory: eight bytes at a time, each mixed, some six times faster than hash_bytes(). Depends on the byte
 * order, so it is no part of any contract. A secret seed keeps strangers from choosing what collides. */
uint64_t hash_table(const void *data, size_t length, uint64_t seed);

/* FNV-1a over the bytes, then mixed. Not for input chosen by an attacker unless the seed is secret. */
uint64_t hash_bytes(const void *data, size_t length, uint64_t seed);

#endif
