/* SPDX-License-Identifier: BSD-3-Clause */
#include "bgp_path.h"
#include <string.h>

static bool parse_segment(struct span *bytes, bool as4, struct bgp_path_room *room, size_t *asns,
                          struct as_segment *segment)
{
    uint8_t kind;
    uint8_t n;

    if (!span_u8(bytes, &kind) || !span_u8(bytes, &n) || kind < AS_SET || kind > AS_CONFED_SET || n == 0 ||
        span_left(bytes) < (size_t)n * (as4 ? 4 : 2)) {
        return false;
    }
    *segment = (struct as_segment){kind, n};
    for (unsigned int i = 0; i < n; i++) {
        uint16_t short_number = 0;
        bool read = as4 ? span_u32(bytes, &room->asns[*asns]) : span_u16(bytes, &short_number);

        if (!read) {
            return false;
        }
        room->asns[*asns] = as4 ? room->asns[*asns] : short_number;
        (*asns)++;
    }
    return true;
}

bool bgp_path_parse(struct span bytes, bool as4, struct bgp_path_room *room, struct as_path *out)
{
    size_t asns = 0;

    *out = (struct as_path){.segments = room->segments, .asns = room->asns};
    while (span_left(&bytes) > 0) {
        if (!parse_segment(&bytes, as4, room, &asns, &room->segments[out->n_segments])) {
            return false;
        }
        out->n_segments++;
    }
    return true;
}

/* Takes the beginning of the path that counts `length` in the decision's terms. */
static size_t take_beginning(const struct as_path *path, uint32_t length, struct bgp_path_room *room,
                             struct as_path *out)
{
    size_t asns = 0;

    for (uint32_t i = 0; i < path->n_segments && length > 0; i++) {
        struct as_segment segment = path->segments[i];

        if (segment.kind == AS_SEQUENCE) {
            segment.n = segment.n < length ? segment.n : length;
            length -= segment.n;
        } else if (segment.kind == AS_SET) {
            length--;
        }
        memcpy(&room->asns[asns], &path->asns[asns], segment.n * sizeof(uint32_t));
        room->segments[out->n_segments++] = segment;
        asns += segment.n;
    }
    return asns;
}

void bgp_path_merge(struct as_path *path, const struct as_path *as4, struct bgp_path_room *room)
{
    struct as_path merged = {.segments = room->segments, .asns = room->asns};
    uint32_t length = as_path_length(path);
    uint32_t as4_length = as_path_length(as4);
    size_t asns;
    size_t numbers = 0;

    if (length < as4_length) { /* RFC 6793 4.2.3: then AS4_PATH is to be ignored */
        return;
    }
    asns = take_beginning(path, length - as4_length, room, &merged);
    for (uint32_t i = 0; i < as4->n_segments; i++) {
        const struct as_segment *segment = &as4->segments[i];

        if (!as_segment_is_confed(segment)) { /* they should not be there (RFC 6793 6) */
            memcpy(&room->asns[asns], &as4->asns[numbers], segment->n * sizeof(uint32_t));
            room->segments[merged.n_segments++] = *segment;
            asns += segment->n;
        }
        numbers += segment->n;
    }
    *path = merged;
}
