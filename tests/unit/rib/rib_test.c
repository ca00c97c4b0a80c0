/* SPDX-License-Identifier: BSD-3-Clause */
/* Random operations on the rib and on a plain list of candidates, which must agree; then what random runs do not hit.
 */
#include "pool.h"
#include "refuse_memory.h"
#include "rib_list.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
