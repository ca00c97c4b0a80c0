/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AS_PATH (RFC 4271 4.3 and 5.1.2, RFC 5065, RFC 6793: four octets a number), and what the decision asks of it.
 *
 * A path is a view: whoever made it owns the arrays. The functions here take paths in canonical form, which is what
 * attrs_intern() hands out: no empty segment, no two neighbouring sequences of one kind, sets sorted and without
 * duplicates. So the same path is the same words, however a speaker had cut it into segments.
 */
#ifndef AS_PATH_H
#define AS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values of the wire. */
enum as_segment_kind { AS_SET = 1, AS_SEQUENCE = 2, AS_CONFED_SEQUENCE = 3, AS_CONFED_SET = 4 };

struct as_segment {
    uint32_t kind; /* enum as_segment_kind */
    uint32_t n;    /* how many numbers, not limited to the wire's 255 */
};

struct as_path {
    const struct as_segment *segments; /* nearest AS first */
    const uint32_t *asns;              /* those of all segments, one after the other */
    uint32_t n_segments;
};

static inline bool as_segment_is_set(const struct as_segment *segment)
{
    return segment->kind == AS_SET || segment->kind == AS_CONFED_SET;
}

static inline bool as_segment_is_confed(const struct as_segment *segment)
{
    return segment->kind == AS_CONFED_SEQUENCE || segment->kind == AS_CONFED_SET;
}

/* The numbers in `asns`. */
size_t as_path_asns(const struct as_path *path);
/* The length that the decision compares: an AS_SET counts 1 (RFC 4271 9.1.2.2 a), confederation segments 0
 * (RFC 5065 5.3). */
uint32_t as_path_length(const struct as_path *path);
/* The neighbour AS whose MEDs compare (RFC 4271 9.1.2.2 c): the first number, confederation segments skipped. A path
 * that is empty or begins with an AS_SET does not tell: `otherwise`, the AS that the route was received from. */
uint32_t as_path_neighbour_as(const struct as_path *path, uint32_t otherwise);
/* In any segment (RFC 4271 9.1.2, RFC 5065 4): with one's own AS, a loop. */
bool as_path_contains(const struct as_path *path, uint32_t asn);
bool as_path_equal(const struct as_path *a, const struct as_path *b);

#endif
