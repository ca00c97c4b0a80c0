/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files that read the entries of route.update share. */
#ifndef CANDIDATE_ENTRY_H
#define CANDIDATE_ENTRY_H

#include "api_params.h"
#include "candidate_scan.h"

#define AS_PATH_MAX     1024 /* numbers */
#define COMMUNITIES_MAX 1024

/* An entry in the making. Of what is wrong with it the first is told; the rest is read all the same. */
struct entry {
    const struct control *control;
    struct json_scan *scan;
    struct error *error;
    int code;       /* 0: nothing is wrong yet */
    uint64_t given; /* bits of the keys that were there */
    bool has_prefix;
    bool has_peer;
    struct prefix prefix;
    int peer;
    unsigned int ways; /* instance, next_hop, action: there must be one */
    struct target target;
    struct attrs attrs;
    uint32_t path_id;
    /* for attrs */
    struct as_segment segments[AS_PATH_MAX];
    uint32_t asns[AS_PATH_MAX];
    uint32_t communities[COMMUNITIES_MAX];
    struct large_community large[COMMUNITIES_MAX];
    uint32_t clusters[COMMUNITIES_MAX];
    size_t n_asns;
};

#define refuse(entry, why, ...) \
    ((void)((entry)->code == 0 ? (entry)->code = error_set((entry)->error, why, __VA_ARGS__) : 0))

/* Each reads a value of the kind that it is named after. False: it is something else, which was skipped and is refused;
 * or no JSON. */
bool take_text(struct entry *entry, const char *key, const char *what, struct json_text *text);
bool take_number(struct entry *entry, const char *key, uint32_t *out);
bool take_address(struct entry *entry, const char *key, struct ip_addr *out);

/* candidate_lists.c: the values of these keys, into entry->attrs. */
void take_as_path(struct entry *entry);
void take_communities(struct entry *entry);
void take_large_communities(struct entry *entry);
void take_clusters(struct entry *entry);

#endif
