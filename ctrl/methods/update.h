/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files of route.update share. */
#ifndef UPDATE_H
#define UPDATE_H

#include "candidate_scan.h"
#include "methods.h"

enum update_list { LIST_NONE, LIST_ADD, LIST_DEL };

/* A candidate that is to be added, with its attributes; or, once it was changed, what was there before. */
struct change {
    struct prefix prefix;
    uint64_t births; /* of the site, when its ids were what they are */
    bool had_before;
    uint8_t list; /* enum update_list, and the place in it */
    uint32_t index;
    struct candidate candidate;
    unsigned int *counted; /* as what: in struct update */
};

struct deletion {
    struct candidate_selection selection;
    uint32_t index;
};

enum update_stage { STAGE_CHECK, STAGE_DEL, STAGE_ADD, STAGE_COMMIT, STAGE_END };

struct update {
    struct control *control;
    const char *method;
    uint16_t session;
    uint64_t births; /* when it was that */
    /* how far it is read */
    bool opened;
    bool first_key;
    bool first_item;
    uint64_t seen; /* which keys were there */
    enum update_list list;
    uint32_t index;
    /* what was read */
    bool atomic;
    bool strict;
    struct change *adds;
    size_t add_count;
    size_t add_room;
    struct deletion *dels;
    size_t del_count;
    size_t del_room;
    int params_code; /* what is wrong with the parameters as such, and how it is said */
    struct error params_error;
    json_t *errors; /* of entries */
    int first_code;
    struct error first_error;
    /* how far it is done */
    enum update_stage stage;
    bool bulk;         /* so large that it is done in parts */
    bool applying;     /* in parts: counted in `appliers` */
    uint64_t failures; /* site_failures() before it began */
    bool held;         /* part of a transaction: applied, but not decided */
    size_t next;
    uint32_t had_prefixes; /* of the session, before it is applied */
    struct change *undo;   /* in the order in which they were made */
    size_t undo_count;
    size_t undo_room;
    unsigned int added, replaced, unchanged, deleted;
};

/* A part of the work, in milliseconds, and how many entries are done between two looks at the clock. */
#define UPDATE_PART_MS 3
#define UPDATE_STRIDE  32
#define UPDATE_COMMIT  256 /* prefixes: the same, and what is published together */

/* Every 10 ms: decides on what is left of updates whose clients have gone, and of walks over a large table. */
void update_tick(struct site *site);
/* The reader's read(). */
int update_read(void *state, struct json_scan *scan);
/* Remembers what is wrong with an entry. */
void update_refuse(struct update *update, enum update_list list, uint32_t index, int code, const struct error *error);
/* Makes a candidate again what it was before the change, but for what is no longer there. To be committed. */
void change_take_back(struct site *site, const struct change *undo);
/* Room for one more element at the end; -ENOMEM. */
int update_reserve(void *array, size_t size, size_t count, size_t *room) MUST_USE;

#endif
