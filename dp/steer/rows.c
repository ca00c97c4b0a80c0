/* SPDX-License-Identifier: BSD-3-Clause */
#include "rows.h"
#include "hash.h"

uint32_t rows_count(const struct path_list_spec *spec)
{
    for (unsigned int t = 0; t < spec->tier_count; t++) {
        if (spec->tiers[t] > 1) {
            return ROWS_SHARED;
        }
    }
    return 1;
}

/* -log2(u / 2^64) with 24 fractional bits, for u > 0: the integer part from the leading zeros, the fraction bit by bit
 * by squaring. */
static uint64_t negative_log2(uint64_t u)
{
    unsigned int zeros = (unsigned int)__builtin_clzll(u);
    uint64_t mantissa = (u << zeros) >> 32; /* in [2^31, 2^32): 1.0 to 2.0 with 31 fractional bits */
    uint64_t fraction = 0;

    for (int bit = 23; bit >= 0; bit--) {
        mantissa = (mantissa * mantissa) >> 31;
        if (mantissa >> 32 != 0) {
            fraction |= UINT64_C(1) << bit;
            mantissa >>= 1;
        }
    }
    return ((uint64_t)(zeros + 1) << 24) - fraction;
}

struct draw {
    uint64_t number; /* uniform */
    uint64_t cost;   /* -log2 of it: exponential, to be divided by the weight; the least wins */
    const struct path *path;
};

static struct draw draw(const struct path *path, uint32_t row)
{
    uint64_t number = hash_mix64(path->hash ^ hash_mix64(row + 1)) | 1;

    return (struct draw){number, negative_log2(number), path};
}

/* a before b; equal costs (24 bits) are told apart by the whole number, equal numbers by the hash. */
static int draw_precedes(const struct draw *a, const struct draw *b)
{
    uint64_t left = a->cost * b->path->weight;
    uint64_t right = b->cost * a->path->weight;

    if (left != right) {
        return left < right;
    }
    return a->number != b->number ? a->number > b->number : a->path->hash < b->path->hash;
}

/* The best `want` of a tier in order, by insertion into a short list: want is at most ROW_PLACES. */
static unsigned int tier_best(const struct path *paths, unsigned int n, uint32_t row, unsigned int want,
                              struct draw *best)
{
    unsigned int have = 0;

    for (unsigned int i = 0; i < n; i++) {
        struct draw d = draw(&paths[i], row);
        unsigned int at = have < want ? have++ : want;

        while (at > 0 && draw_precedes(&d, &best[at - 1])) {
            if (at < want) {
                best[at] = best[at - 1];
            }
            at--;
        }
        if (at < want) {
            best[at] = d;
        }
    }
    return have;
}

static row_t row_build(const struct path_list_spec *spec, uint32_t index)
{
    const struct path *paths = spec->paths;
    struct draw best[ROW_PLACES];
    unsigned int place = 0;
    row_t row = 0;

    for (unsigned int t = 0; t < spec->tier_count && place < ROW_PLACES; paths += spec->tiers[t++]) {
        unsigned int last = t + 1 < spec->tier_count && place < ROW_PLACES - 1 ? ROW_PLACES - 1 : ROW_PLACES;
        unsigned int n = tier_best(paths, spec->tiers[t], index, last - place, best);

        for (unsigned int i = 0; i < n; i++) {
            row |= (row_t)best[i].path->adjacency << (16 * place++);
        }
    }
    return row;
}

void rows_build(const struct path_list_spec *spec, row_t *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = row_build(spec, i);
    }
}
