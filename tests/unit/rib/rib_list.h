/* SPDX-License-Identifier: BSD-3-Clause */
/* A rib and a plain list of candidates, which must agree: random operations do to both what they should. */
#ifndef RIB_LIST_H
#define RIB_LIST_H

#include "rib.h"

#define PREFIXES 40
#define SESSIONS 3
#define PEERS    4
#define PATHS    3
#define SETS     6
#define LIST_MAX (PREFIXES * SESSIONS * PEERS * PATHS)

struct listed {
    uint32_t prefix; /* index */
    struct candidate candidate;
};

/* The oracle: what is there, in no order, and the prefixes that are dirty, oldest first. */
struct list {
    struct listed items[LIST_MAX];
    uint32_t n;
    uint32_t dirty[PREFIXES];
    uint32_t n_dirty;
};

struct fixture {
    struct attrs_table *table;
    struct rib *rib;
    struct prefix prefixes[PREFIXES]; /* ascending */
    const struct attrs *sets[SETS];   /* one reference each */
    struct list list;
};

/* One change as it was made, to undo it. */
struct change {
    uint32_t prefix;
    bool added;
    struct candidate candidate; /* the one added, or the one that was there before */
};

enum bulk { FLUSH, MARK_STALE, HOLD, MARK_DIRTY };

/* The selector's own meaning, told again: a pair of session and peer, each of which may be any. */
struct choice {
    bool by_session, by_peer, by_target, by_stale, by_held;
    uint16_t session_id, peer_id;
    struct target target;
    bool stale, held;
};

uint32_t random_below(uint32_t n);
int fixture_setup(void **state);
/* Also judges the references: with the rib and the test's own gone, there must be none. */
int fixture_teardown(void **state);
bool list_is_dirty(const struct list *list, uint32_t prefix);
struct choice random_choice(void);
struct rib_selector selector_of(const struct choice *choice);
bool chosen(const struct candidate *candidate, const void *argument);
bool upsert(struct fixture *f, struct change *undo);
bool withdraw(struct fixture *f, struct change *undo);
/* Applies to the list what the selection does, prefix by prefix and in each from the last candidate on, and returns
 * what the rib's function should. */
size_t list_bulk(struct fixture *f, enum bulk bulk, bool (*selected)(const struct candidate *, const void *),
                 const void *argument);
void bulk(struct fixture *f);
uint32_t list_count(const struct list *list, uint32_t prefix);
void list_mark(struct list *list, uint32_t prefix);
/* Every candidate of the entry is listed, they ascend, and there are as many as listed. */
void check_entry(struct fixture *f, const struct rib_entry *entry, uint32_t prefix);
void check_counts(const struct fixture *f);
/* Walks each family and meets, in order, just the prefixes that have candidates or are dirty. */
void check(struct fixture *f);

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
