/* SPDX-License-Identifier: BSD-3-Clause */
#include "as_path.h"

size_t as_path_asns(const struct as_path *path)
{
    size_t n = 0;

    for (uint32_t i = 0; i < path->n_segments; i++) {
        n += path->segments[i].n;
    }
    return n;
}

uint32_t as_path_length(const struct as_path *path)
{
    uint32_t length = 0;

    for (uint32_t i = 0; i < path->n_segments; i++) {
        const struct as_segment *segment = &path->segments[i];

        if (!as_segment_is_confed(segment)) {
            length += as_segment_is_set(segment) ? 1 : segment->n;
        }
    }
    return length;
}

uint32_t as_path_neighbour_as(const struct as_path *path, uint32_t otherwise)
{
    const uint32_t *asns = path->asns;

    for (uint32_t i = 0; i < path->n_segments; i++) {
        if (!as_segment_is_confed(&path->segments[i])) {
            return path->segments[i].kind == AS_SEQUENCE ? asns[0] : otherwise;
        }
        asns += path->segments[i].n;
    }
    return otherwise;
}

bool as_path_contains(const struct as_path *path, uint32_t asn)
{
    size_t n = as_path_asns(path);

    for (size_t i = 0; i < n; i++) {
        if (path->asns[i] == asn) {
            return true;
        }
    }
    return false;
}

bool as_path_equal(const struct as_path *a, const struct as_path *b)
{
    size_t n = as_path_asns(a);

    if (a->n_segments != b->n_segments || n != as_path_asns(b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_segments; i++) {
        if (a->segments[i].kind != b->segments[i].kind || a->segments[i].n != b->segments[i].n) {
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (a->asns[i] != b->asns[i]) {
            return false;
        }
    }
    return true;
}
