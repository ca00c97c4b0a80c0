/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routing tables of the size and shape of the internet's, for tests and benchmarks. Read from ../shared/data where that
 * is (made of data by RouteViews, the RIRs and DB-IP, CC-BY-4.0), else made from a seed with as many routes of each
 * length, nested as often.
 */
#ifndef FULL_TABLE_H
#define FULL_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 table_key;

struct table_route {
    table_key key; /* an IPv4 address is the top 32 bits */
    unsigned int length;
    uint32_t value; /* 1 to TABLE_VALUES, by a Zipf distribution: few next hops have most of the routes */
};

#define TABLE_VALUES 254

struct table {
    struct table_route *routes; /* each prefix once, in random order, so that the first n are a sample of all */
    size_t count;
    const char *source; /* for people */
};

/* bits: 32 or 128. Ends the process if there is no memory. */
void table_read(struct table *table, unsigned int bits);
void table_free(struct table *table);

/* A good generator that is the same everywhere (SplitMix64). */
uint64_t table_random(uint64_t *state);

/* The rank, from 0, of a Zipf(1) distribution over `count`: cumulative[i] = the sum of 1 / (j + 1) for j <= i. */
double *table_zipf_create(size_t count);
size_t table_zipf(const double *cumulative, size_t count, uint64_t *state);

static inline table_key table_mask(unsigned int length)
{
    return length == 0 ? 0 : ~(table_key)0 << (128 - length);
}

#endif
