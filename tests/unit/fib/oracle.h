/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a forwarding table must answer: a plain list of routes, walked. Shares nothing with dp/fib. Keys are 128 bits;
 * an IPv4 address is the top 32 of them.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 oracle_key;

struct oracle_route {
    oracle_key key;
    unsigned int length;
    uint32_t value;
};

#define ORACLE_MAX 4096

struct oracle {
    size_t count;
    struct oracle_route routes[ORACLE_MAX];
};

/* The errors of fib.h; -ENOSPC: ORACLE_MAX are in. */
int oracle_set(struct oracle *oracle, oracle_key key, unsigned int length, uint32_t value);
int oracle_del(struct oracle *oracle, oracle_key key, unsigned int length);
/* The longest route that covers the key, or NULL. */
const struct oracle_route *oracle_match(const struct oracle *oracle, oracle_key key);

static inline oracle_key oracle_mask(unsigned int length)
{
    return length == 0 ? 0 : ~(oracle_key)0 << (128 - length);
}

#endif
