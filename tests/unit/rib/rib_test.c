/* SPDX-License-Identifier: BSD-3-Clause */
/* Random operations on the rib and on a plain list of candidates, which must agree; then what random runs do not hit.
 */
#include "hash.h"
#include "pool.h"
#include "refuse_memory.h"
#include "rib.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIXES 40
#define SESSIONS 3
#define PEERS    4
#define PATHS    3
#define SETS     6
#define LIST_MAX (PREFIXES * SESSIONS * PEERS * PATHS)

static uint64_t random_counter = 1;

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(hash_mix64(random_counter++ * 0x9e3779b97f4a7c15ULL) >> 33) % n;
}

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

static int compare_prefixes(const void *a, const void *b)
{
    return prefix_compare(a, b);
}

static int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->table = attrs_table_create(0);
    f->rib = rib_create(f->table);
    assert_non_null(f->rib);
    for (uint32_t i = 0; i < PREFIXES; i++) { /* the default routes, and below them prefixes that nest */
        struct ip_addr addr = {.family = (uint8_t)(i % FAMILIES), .bytes = {32, 1, 0xfe, 0xff}};

        f->prefixes[i] = prefix_of(&addr, i / FAMILIES);
    }
    qsort(f->prefixes, PREFIXES, sizeof(f->prefixes[0]), compare_prefixes);
    for (uint32_t i = 0; i < SETS; i++) {
        f->sets[i] = attrs_intern(f->table, &(struct attrs){.med = i, .has_med = true});
        assert_non_null(f->sets[i]);
    }
    *state = f;
    return 0;
}

/* Also judges the references: with the rib and the test's own gone, there must be none. */
static int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    size_t leaked;

    rib_destroy(f->rib);
    for (uint32_t i = 0; i < SETS; i++) {
        attrs_unref(f->table, f->sets[i]);
    }
    leaked = attrs_table_count(f->table);
    attrs_table_destroy(f->table);
    free(f);
    return leaked == 0 ? 0 : -1;
}

static struct target random_target(void)
{
    struct target target = {.kind = (uint8_t)random_below(4)};

    if (target.kind == TARGET_INSTANCE) {
        target.instance_id = random_below(3);
    } else if (target.kind == TARGET_NEXT_HOP) {
        target.next_hop = ip_addr_v4(random_below(3));
    }
    return target;
}

static struct candidate_key random_key(void)
{
    return (struct candidate_key){.session_id = (uint16_t)random_below(SESSIONS),
                                  .peer_id = (uint16_t)random_below(PEERS),
                                  .path_id = random_below(PATHS)};
}

static struct candidate random_candidate(const struct fixture *f)
{
    return (struct candidate){.attrs = f->sets[random_below(SETS)],
                              .key = random_key(),
                              .target = random_target(),
                              .stale = random_below(8) == 0,
                              .held = random_below(8) == 0};
}

static bool key_equal(const struct candidate_key *a, const struct candidate_key *b)
{
    return a->session_id == b->session_id && a->peer_id == b->peer_id && a->path_id == b->path_id;
}

static bool candidate_equal(const struct candidate *a, const struct candidate *b)
{
    return key_equal(&a->key, &b->key) && a->attrs == b->attrs && a->stale == b->stale && a->held == b->held &&
           target_equal(&a->target, &b->target);
}

static struct listed *list_find(struct list *list, uint32_t prefix, const struct candidate_key *key)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i].prefix == prefix && key_equal(&list->items[i].candidate.key, key)) {
            return &list->items[i];
        }
    }
    return NULL;
}

static bool list_is_dirty(const struct list *list, uint32_t prefix)
{
    for (uint32_t i = 0; i < list->n_dirty; i++) {
        if (list->dirty[i] == prefix) {
            return true;
        }
    }
    return false;
}

static void list_mark(struct list *list, uint32_t prefix)
{
    if (!list_is_dirty(list, prefix)) {
        list->dirty[list->n_dirty++] = prefix;
    }
}

/* One change as it was made, to undo it. */
struct change {
    uint32_t prefix;
    bool added;
    struct candidate candidate; /* the one added, or the one that was there before */
};

static bool upsert(struct fixture *f, struct change *undo)
{
    uint32_t prefix = random_below(PREFIXES);
    struct candidate candidate = random_candidate(f);
    struct listed *known = list_find(&f->list, prefix, &candidate.key);
    enum rib_change expected = RIB_ADDED;
    int change;

    if (known != NULL && random_below(3) == 0) {
        candidate = known->candidate; /* the same again, perhaps no longer stale */
        candidate.stale = random_below(2);
    }
    if (known != NULL) {
        bool same =
            known->candidate.attrs == candidate.attrs && target_equal(&known->candidate.target, &candidate.target);

        expected = same ? RIB_UNCHANGED : RIB_REPLACED;
    }
    change = rib_upsert(f->rib, &f->prefixes[prefix], &candidate, undo != NULL ? &undo->candidate : NULL);
    assert_int_equal(change, expected);
    if (undo != NULL) {
        undo->prefix = prefix;
        undo->added = change == RIB_ADDED;
        assert_true(known == NULL || candidate_equal(&undo->candidate, &known->candidate));
        undo->candidate = known == NULL ? candidate : undo->candidate;
    }
    if (known == NULL) {
        known = &f->list.items[f->list.n++];
    }
    *known = (struct listed){prefix, candidate};
    if (change != RIB_UNCHANGED) {
        list_mark(&f->list, prefix);
    }
    return true;
}

static bool withdraw(struct fixture *f, struct change *undo)
{
    uint32_t prefix = random_below(PREFIXES);
    struct candidate_key key = random_key();
    struct listed *known = list_find(&f->list, prefix, &key);
    bool gone = rib_withdraw(f->rib, &f->prefixes[prefix], &key, undo != NULL ? &undo->candidate : NULL);

    assert_int_equal(gone, known != NULL);
    if (known == NULL) {
        return false;
    }
    if (undo != NULL) {
        undo->prefix = prefix;
        undo->added = false;
        assert_true(candidate_equal(&undo->candidate, &known->candidate));
    }
    *known = f->list.items[--f->list.n];
    list_mark(&f->list, prefix);
    return true;
}

enum bulk { FLUSH, MARK_STALE, HOLD, MARK_DIRTY };

/* Applies to the list what the selection does, prefix by prefix and in each from the last candidate on, and returns
 * what the rib's function should. */
static size_t list_bulk(struct fixture *f, enum bulk bulk, bool (*selected)(const struct candidate *, const void *),
                        const void *argument)
{
    struct list *list = &f->list;
    size_t n = 0;

    for (uint32_t prefix = 0; prefix < PREFIXES; prefix++) {
        for (uint32_t i = list->n; i-- > 0;) {
            if (list->items[i].prefix != prefix || !selected(&list->items[i].candidate, argument)) {
                continue;
            }
            if (bulk == MARK_STALE || bulk == HOLD) {
                n += bulk == HOLD ? !list->items[i].candidate.held : !list->items[i].candidate.stale;
                list->items[i].candidate.stale = true;
                list->items[i].candidate.held |= bulk == HOLD;
                continue;
            }
            n += bulk == FLUSH || !list_is_dirty(list, prefix);
            list_mark(list, prefix);
            if (bulk == FLUSH) {
                list->items[i] = list->items[--list->n];
            }
        }
    }
    return n;
}

/* The selector's own meaning, told again: a pair of session and peer, each of which may be any. */
struct choice {
    bool by_session, by_peer, by_target, by_stale, by_held;
    uint16_t session_id, peer_id;
    struct target target;
    bool stale, held;
};

static bool chosen(const struct candidate *candidate, const void *argument)
{
    const struct choice *choice = argument;

    if (choice->by_session && candidate->key.session_id != choice->session_id) {
        return false;
    }
    if (choice->by_peer && candidate->key.peer_id != choice->peer_id) {
        return false;
    }
    if (choice->by_target && !target_equal(&candidate->target, &choice->target)) {
        return false;
    }
    return (!choice->by_stale || candidate->stale == choice->stale) &&
           (!choice->by_held || candidate->held == choice->held);
}

static void bulk(struct fixture *f)
{
    size_t (*const functions[])(struct rib *, const struct rib_selector *) = {
        [FLUSH] = rib_flush, [MARK_STALE] = rib_mark_stale, [HOLD] = rib_hold, [MARK_DIRTY] = rib_mark_dirty};
    struct choice choice = {.by_session = random_below(2),
                            .by_peer = random_below(2),
                            .by_target = random_below(2),
                            .by_stale = random_below(2),
                            .by_held = random_below(2),
                            .session_id = (uint16_t)random_below(SESSIONS),
                            .peer_id = (uint16_t)random_below(PEERS),
                            .target = random_target(),
                            .stale = random_below(2),
                            .held = random_below(2)};
    struct rib_selector selector = {.session_id = choice.by_session ? &choice.session_id : NULL,
                                    .peer_id = choice.by_peer ? &choice.peer_id : NULL,
                                    .target = choice.by_target ? &choice.target : NULL,
                                    .stale = choice.by_stale ? &choice.stale : NULL,
                                    .held = choice.by_held ? &choice.held : NULL};
    enum bulk which = random_below(4);

    assert_int_equal(functions[which](f->rib, &selector), list_bulk(f, which, chosen, &choice));
}

static uint32_t list_count(const struct list *list, uint32_t prefix)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < list->n; i++) {
        n += list->items[i].prefix == prefix;
    }
    return n;
}

/* Pops some: in the order in which they became dirty, each once, also those with nothing left, which then go. */
static void dirty_pass(struct fixture *f, uint32_t most)
{
    struct rib_entry *entry;

    while (most-- > 0 && (entry = rib_next_dirty(f->rib)) != NULL) {
        uint32_t prefix = f->list.dirty[0];

        assert_true(f->list.n_dirty > 0);
        memmove(f->list.dirty, f->list.dirty + 1, --f->list.n_dirty * sizeof(f->list.dirty[0]));
        assert_true(prefix_equal(&entry->prefix, &f->prefixes[prefix]));
        assert_int_equal(entry->n_candidates, list_count(&f->list, prefix));
        if (random_below(8) == 0) {
            rib_mark_entry(f->rib, entry); /* not now */
            list_mark(&f->list, prefix);
        }
        rib_release(f->rib, entry);
    }
}

/* Every candidate of the entry is listed, they ascend, and there are as many as listed. */
static void check_entry(struct fixture *f, const struct rib_entry *entry, uint32_t prefix)
{
    assert_int_equal(entry->n_candidates, list_count(&f->list, prefix));
    assert_int_equal(entry->dirty, list_is_dirty(&f->list, prefix));
    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        const struct candidate *candidate = &entry->candidates[i];
        const struct listed *listed = list_find(&f->list, prefix, &candidate->key);

        assert_non_null(listed);
        assert_true(candidate_equal(candidate, &listed->candidate));
        if (i > 0) {
            const struct candidate_key *a = &candidate[-1].key;
            const struct candidate_key *b = &candidate->key;

            assert_true(a->session_id != b->session_id ? a->session_id < b->session_id
                        : a->peer_id != b->peer_id     ? a->peer_id < b->peer_id
                                                       : a->path_id < b->path_id);
        }
    }
}

static bool list_has_session(const struct list *list, uint32_t prefix, uint32_t session_id)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i].prefix == prefix && list->items[i].candidate.key.session_id == session_id) {
            return true;
        }
    }
    return false;
}

static void check_counts(const struct fixture *f)
{
    struct rib_counts *expected = calloc(1, sizeof(*expected));

    assert_non_null(expected);
    for (uint32_t i = 0; i < f->list.n; i++) {
        const struct listed *listed = &f->list.items[i];

        expected->candidates[f->prefixes[listed->prefix].addr.family]++;
        expected->of_session[listed->candidate.key.session_id]++;
        expected->of_peer[listed->candidate.key.peer_id]++;
        expected->stale_of_session[listed->candidate.key.session_id] += listed->candidate.stale;
        expected->held_of_session[listed->candidate.key.session_id] += listed->candidate.held;
    }
    for (uint32_t i = 0; i < PREFIXES; i++) {
        expected->prefixes[f->prefixes[i].addr.family] += list_count(&f->list, i) > 0;
        for (uint32_t session_id = 0; session_id < SESSIONS; session_id++) {
            expected->prefixes_of_session[session_id] += list_has_session(&f->list, i, session_id);
        }
    }
    assert_memory_equal(rib_counts(f->rib), expected, sizeof(*expected));
    free(expected);
}

/* Walks each family and meets, in order, just the prefixes that have candidates or are dirty. */
static void check(struct fixture *f)
{
    uint32_t prefix = 0;

    for (unsigned int family = 0; family < FAMILIES; family++) {
        const struct rib_entry *entry = rib_seek(f->rib, &(const struct prefix){.addr.family = (uint8_t)family});

        for (; prefix < PREFIXES && f->prefixes[prefix].addr.family == family; prefix++) {
            bool there = list_count(&f->list, prefix) > 0 || list_is_dirty(&f->list, prefix);

            assert_ptr_equal(rib_find(f->rib, &f->prefixes[prefix]), there ? entry : NULL);
            if (there) {
                assert_ptr_equal(rib_seek(f->rib, &f->prefixes[prefix]), entry);
                check_entry(f, entry, prefix);
                entry = rib_next(f->rib, entry);
            }
        }
        assert_null(entry);
    }
    check_counts(f);
}

static void the_rib_agrees_with_a_plain_list(void **state)
{
    struct fixture *f = *state;

    for (uint32_t step = 0; step < 30000; step++) {
        uint32_t dice = random_below(100);

        if (dice < 45) {
            upsert(f, NULL);
        } else if (dice < 90) {
            withdraw(f, NULL);
        } else if (dice < 92) {
            bulk(f);
        } else {
            dirty_pass(f, random_below(10));
        }
        if (step % 64 == 0) {
            check(f);
        }
    }
    dirty_pass(f, UINT32_MAX);
    check(f);
}

/* Without any memory: what was there fits back in. */
static void undo_all(struct fixture *f, const struct change *changes, uint32_t n)
{
    memory_left = 0;
    while (n-- > 0) {
        const struct change *change = &changes[n];
        const struct prefix *prefix = &f->prefixes[change->prefix];

        if (change->added) {
            assert_true(rib_withdraw(f->rib, prefix, &change->candidate.key, NULL));
        } else {
            assert_true(rib_upsert(f->rib, prefix, &change->candidate, NULL) >= 0);
            attrs_unref(f->table, change->candidate.attrs);
        }
    }
    memory_left = -1;
}

static void changes_undone_in_reverse_leave_no_trace_and_need_no_memory(void **state)
{
    struct fixture *f = *state;
    struct list *before = malloc(sizeof(*before));

    assert_non_null(before);
    for (uint32_t round = 0; round < 300; round++) {
        struct change changes[64];
        uint32_t n = 0;

        for (uint32_t i = 0; i < 20; i++) { /* something to start from, some of it dirty and gone */
            upsert(f, NULL);
            withdraw(f, NULL);
        }
        dirty_pass(f, random_below(PREFIXES));
        memcpy(before, &f->list, sizeof(*before));
        for (uint32_t i = 0; i < 64; i++) {
            n += random_below(2) == 0 ? upsert(f, &changes[n]) : withdraw(f, &changes[n]);
        }
        undo_all(f, changes, n);
        memcpy(f->list.items, before->items, sizeof(before->items)); /* but dirty is dirty */
        f->list.n = before->n;
        check(f);
    }
    free(before);
}

static void upsert_without_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct prefix host = prefix_host(&(const struct ip_addr){.family = FAMILY_V6, .bytes = {0xff}});
    struct candidate candidate = {.attrs = f->sets[0]};
    struct candidate old;
    int change;
    long needed[3] = {0};

    for (uint32_t path = 0; path < 3; path++) { /* a new prefix, a second candidate, a third */
        candidate.key.path_id = path;
        do {
            memory_left = needed[path]++;
            change = rib_upsert(f->rib, &host, &candidate, &old);
            memory_left = -1;
            if (change == -ENOMEM && path == 0) {
                assert_null(rib_find(f->rib, &host));
                check(f);
            } else if (change == -ENOMEM) {
                assert_int_equal(rib_find(f->rib, &host)->n_candidates, path);
            }
        } while (change == -ENOMEM);
        assert_int_equal(change, RIB_ADDED);
    }
#if POOL_EACH_ALONE                 /* else there is room for thousands, or there is none */
    assert_int_equal(needed[0], 5); /* entry, candidate, and of the set a block and the index: refused in turn */
    assert_int_equal(needed[1], 2);
    assert_int_equal(needed[2], 2);
#endif
    assert_int_equal(rib_find(f->rib, &host)->n_candidates, 3);
}

static void create_without_memory_returns_null(void **state)
{
    struct fixture *f = *state;

    memory_left = 0;
    assert_null(rib_create(f->table));
    memory_left = -1;
}

static void the_outcome_outlives_the_last_candidate_until_the_dirty_pass(void **state)
{
    struct fixture *f = *state;
    const struct candidate candidate = {.attrs = f->sets[0]};
    struct rib_entry *entry;

    assert_int_equal(rib_upsert(f->rib, &f->prefixes[3], &candidate, NULL), RIB_ADDED);
    entry = rib_next_dirty(f->rib);
    assert_int_equal(entry->outcome.path_list_id, 0);
    assert_int_equal(entry->outcome.best_mark, 0);
    entry->outcome = (struct rib_outcome){.path_list_id = 7, .best_mark = 9};
    rib_release(f->rib, entry);

    assert_true(rib_withdraw(f->rib, &f->prefixes[3], &candidate.key, NULL));
    assert_ptr_equal(rib_find(f->rib, &f->prefixes[3]), entry);
    assert_int_equal(rib_counts(f->rib)->prefixes[FAMILY_V4], 0);
    rib_release(f->rib, entry); /* too early: still dirty */
    assert_ptr_equal(rib_next_dirty(f->rib), entry);
    assert_int_equal(entry->outcome.path_list_id, 7);
    rib_release(f->rib, entry);
    assert_null(rib_find(f->rib, &f->prefixes[3]));
    assert_null(rib_next_dirty(f->rib));
}

static void a_stale_candidate_offered_again_is_fresh_and_its_prefix_clean(void **state)
{
    struct fixture *f = *state;
    const struct candidate candidate = {.attrs = f->sets[0], .key = {.session_id = 2}};
    const uint16_t session = 2;
    struct rib_entry *entry;

    assert_int_equal(rib_upsert(f->rib, &f->prefixes[0], &candidate, NULL), RIB_ADDED);
    entry = rib_next_dirty(f->rib);
    assert_int_equal(rib_mark_stale(f->rib, &(struct rib_selector){.session_id = &session}), 1);
    assert_true(entry->candidates[0].stale);
    assert_int_equal(rib_upsert(f->rib, &f->prefixes[0], &candidate, NULL), RIB_UNCHANGED);
    assert_false(entry->candidates[0].stale);
    assert_null(rib_next_dirty(f->rib));
}

static void targets_are_equal_in_kind_and_value(void **state)
{
    const struct ip_addr one = ip_addr_v4(1);
    const struct ip_addr two = ip_addr_v4(2);
    const struct target targets[] = {
        {.kind = TARGET_INSTANCE, .instance_id = 1},
        {.kind = TARGET_INSTANCE, .instance_id = 2},
        {.kind = TARGET_NEXT_HOP, .next_hop = one},
        {.kind = TARGET_NEXT_HOP, .next_hop = two},
        {.kind = TARGET_BLACKHOLE},
        {.kind = TARGET_REJECT},
    };
    const struct target blackhole = {.kind = TARGET_BLACKHOLE, .instance_id = 5}; /* means nothing */

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(targets); k++) {
            assert_int_equal(target_equal(&targets[i], &targets[k]), i == k);
        }
    }
    assert_true(target_equal(&targets[4], &blackhole));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(the_rib_agrees_with_a_plain_list),
        WITH_FIXTURE(changes_undone_in_reverse_leave_no_trace_and_need_no_memory),
        WITH_FIXTURE(upsert_without_memory_changes_nothing),
        WITH_FIXTURE(create_without_memory_returns_null),
        WITH_FIXTURE(the_outcome_outlives_the_last_candidate_until_the_dirty_pass),
        WITH_FIXTURE(a_stale_candidate_offered_again_is_fresh_and_its_prefix_clean),
        cmocka_unit_test(targets_are_equal_in_kind_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
