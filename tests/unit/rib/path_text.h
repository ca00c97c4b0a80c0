/* SPDX-License-Identifier: BSD-3-Clause */
/* AS paths as people write them: "65001 65010 {1 2} (3 4) [5 6]" is a sequence, a set, a confederation sequence and a
 * confederation set. "|" starts a new segment of the same kind. */
#ifndef PATH_TEXT_H
#define PATH_TEXT_H

#include "as_path.h"
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct path_text {
    struct as_segment segments[16];
    uint32_t asns[64];
    struct as_path path; /* points into the above; as cut, not canonical */
};

static inline struct as_path *path_read(const char *text, struct path_text *out)
{
    static const char brackets[] = "{([})]";
    static const uint32_t kinds[] = {AS_SET, AS_CONFED_SEQUENCE, AS_CONFED_SET, AS_SEQUENCE, AS_SEQUENCE, AS_SEQUENCE};
    uint32_t kind = AS_SEQUENCE;
    uint32_t n_asns = 0;
    bool open = false;

    *out = (struct path_text){.path = {out->segments, out->asns, 0}};
    for (; *text != '\0'; text++) {
        const char *bracket = strchr(brackets, *text);

        if (isdigit((unsigned char)*text)) {
            if (!open) {
                assert(out->path.n_segments < 16);
                out->segments[out->path.n_segments++].kind = kind;
                open = true;
            }
            assert(n_asns < 64);
            out->segments[out->path.n_segments - 1].n++;
            out->asns[n_asns++] = (uint32_t)strtoul(text, (char **)&text, 10);
            text--;
        } else if (*text == '|') {
            open = false;
        } else if (bracket != NULL) {
            kind = kinds[bracket - brackets];
            open = false;
        }
    }
    return &out->path;
}

#endif
