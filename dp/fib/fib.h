/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forwarding tables: destination address -> path-list id, by longest prefix match.
 *
 * One writer, the control thread; any number of readers, the workers, which never lock or wait. A reader that meets a
 * change sees the result from before or from after it, never a third one. Memory that a change replaces is retired
 * through dp/rcu, so a worker must be an online reader of the table's rcu and report quiescent states.
 *
 * IPv4 addresses are uint32_t in host byte order, IPv6 addresses 16 bytes in network byte order. A value is a path-list
 * id, 1 to FIB_VALUE_MAX. The prefix of length 0 is an ordinary route.
 *
 * Functions that return int return 0 or -errno; a failure changes nothing. Writer only unless told otherwise.
 */
#ifndef FIB_H
#define FIB_H

#include "attributes.h"
#include "rcu.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIB_NO_ROUTE  0u
#define FIB_VALUE_MAX 0x7fffu

/* Which instructions lookups use. */
enum fib_isa {
    FIB_ISA_BEST, /* the last of these that the CPU has */
    FIB_ISA_PORTABLE,
    FIB_ISA_AVX,
    FIB_ISA_AVX512, /* with VPOPCNTDQ: AMD Zen 4, Intel Ice Lake and later */
};

struct fib_config {
    struct rcu *rcu;         /* not owned, outlives the table */
    unsigned int max_routes; /* 0 = 2 million for IPv4, half a million for IPv6 */
    enum fib_isa isa;        /* for tests and benchmarks; what the CPU lacks is taken as FIB_ISA_BEST */
};

struct fib_stats {
    uint64_t routes;
    uint64_t bytes;         /* what the workers read */
    uint64_t control_bytes; /* what only the writer reads: the routes themselves, free lists */
};

struct fib4_route {
    uint32_t addr;
    uint32_t length;
    uint32_t value;
};

struct fib6_route {
    uint8_t addr[16];
    uint32_t length;
    uint32_t value;
};

struct fib4;
struct fib6;

/* Whether this CPU, and this build, can. */
bool fib_isa_works(enum fib_isa isa);
/* "portable", "AVX", "AVX-512"; of FIB_ISA_BEST, what that is here. */
const char *fib_isa_name(enum fib_isa isa);

/* NULL: no memory. */
struct fib4 *fib4_create(const struct fib_config *config);
struct fib6 *fib6_create(const struct fib_config *config);
/* No reader may be inside a lookup any more; waits for the rcu's readers. NULL is fine. */
void fib4_destroy(struct fib4 *fib);
void fib6_destroy(struct fib6 *fib);

/* Adds the route, or gives it another value. -EINVAL: length, host bits, or value out of range. -ENOSPC: max_routes are
 * in, or the structure's own limit (fib4.c, fib6.c) is reached. */
int fib4_set(struct fib4 *fib, uint32_t addr, unsigned int length, uint32_t value) MUST_USE;
int fib6_set(struct fib6 *fib, const uint8_t addr[16], unsigned int length, uint32_t value) MUST_USE;

/* -EINVAL: length or host bits. -ENOENT: no such route. -ENOSPC, IPv6 alone: no room for the nodes that the change
 * needs. */
int fib4_del(struct fib4 *fib, uint32_t addr, unsigned int length) MUST_USE;
int fib6_del(struct fib6 *fib, const uint8_t addr[16], unsigned int length) MUST_USE;

/* While held, the readers may not see a change before it is published, so that what many changes touch is rebuilt once.
 * What is set or deleted is so for the writer at once, and fails then or not at all. Ending the hold publishes. IPv6
 * changes never wait. */
void fib4_hold(struct fib4 *fib, bool hold);
void fib4_publish(struct fib4 *fib);

/* Replaces the whole table by `count` routes, in any order (of two for one prefix the later counts), at once for all
 * readers of a burst. The errors of set, and -ENOMEM. */
int fib4_load(struct fib4 *fib, const struct fib4_route *routes, size_t count) MUST_USE;
int fib6_load(struct fib6 *fib, const struct fib6_route *routes, size_t count) MUST_USE;

/* The longest route that covers the address: its length and value. -ENOENT: none. Slow; for people who ask. */
int fib4_match(const struct fib4 *fib, uint32_t addr, unsigned int *length, uint32_t *value) MUST_USE;
int fib6_match(const struct fib6 *fib, const uint8_t addr[16], unsigned int *length, uint32_t *value) MUST_USE;

void fib4_stats(const struct fib4 *fib, struct fib_stats *out);
void fib6_stats(const struct fib6 *fib, struct fib_stats *out);

/* Readers: out[i] = the value of the longest route that covers dst[i], or FIB_NO_ROUTE. Any n. Never fails. */
void fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n);
void fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);

/* What the prefetches see of a table: the first member of struct fib4 and of struct fib6. */
struct fib_root {
    _Atomic(const char *) start;
};

#define FIB4_RECORD_BYTES 16 /* one for each /18 */
#define FIB6_ENTRY_BYTES  4  /* one for each /24 of 2000::/3 */

/* Readers: a hint, as soon as the destination is known, that it will be looked up. */
static inline void fib4_prefetch(const struct fib4 *fib, uint32_t dst)
{
    const struct fib_root *root = (const struct fib_root *)fib;

    /* somewhere in the record, (dst >> 14) * FIB4_RECORD_BYTES and on */
    __builtin_prefetch(atomic_load_explicit(&root->start, memory_order_relaxed) + (dst >> 10));
}

/* The same; outside 2000::/3 it prefetches in vain. */
static inline void fib6_prefetch(const struct fib6 *fib, const uint8_t dst[16])
{
    const struct fib_root *root = (const struct fib_root *)fib;
    uint32_t first;
    size_t bucket;

    __builtin_memcpy(&first, dst, sizeof(first));
    bucket = __builtin_bswap32(first) >> 8 & 0x1fffff; /* little-endian or not, it is a hint */
    __builtin_prefetch(atomic_load_explicit(&root->start, memory_order_relaxed) + bucket * FIB6_ENTRY_BYTES);
}

#endif
