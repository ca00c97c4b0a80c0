/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks in parts, among random operations on the rib: whoever looks finds them done, as in a plain list. */
#include "refuse_memory.h"
#include "rib_list.h"
#include "unit.h"
#include <string.h>

/* What the works do to an entry. */
static void visit(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector, enum bulk which)
{
    if (which == FLUSH) {
        rib_flush_entry(rib, entry, selector);
    } else if (which == MARK_STALE) {
        rib_stale_entry(rib, entry, selector);
    }
    for (uint32_t i = 0; i < entry->n_candidates && which >= HOLD; i++) {
        if (rib_selects(selector, &entry->candidates[i]) && which == MARK_DIRTY) {
            rib_mark_entry(rib, entry);
        } else if (rib_selects(selector, &entry->candidates[i])) {
            rib_hold_one(rib, entry, &entry->candidates[i].key);
        }
    }
}

#define VISIT(name, which)                                                                      \
    static void name(void *owner, struct rib_entry *entry, const struct rib_selector *selector) \
    {                                                                                           \
        visit(owner, entry, selector, which);                                                   \
    }
VISIT(visit_flush, FLUSH)
VISIT(visit_stale, MARK_STALE)
VISIT(visit_hold, HOLD)
VISIT(visit_dirty, MARK_DIRTY)

/* The list has it done at once. */
static void begin_walk(struct fixture *f)
{
    void (*const visits[])(void *, struct rib_entry *, const struct rib_selector *) = {
        [FLUSH] = visit_flush, [MARK_STALE] = visit_stale, [HOLD] = visit_hold, [MARK_DIRTY] = visit_dirty};
    struct choice choice = random_choice();
    struct rib_selector selector = selector_of(&choice);
    enum bulk which = random_below(4);
    size_t selected = 0;

    for (uint32_t i = 0; i < f->list.n; i++) {
        selected += chosen(&f->list.items[i].candidate, &choice);
    }
    assert_true(rib_may_select(f->rib, &selector) || selected == 0);
    if (random_below(4) == 0) {
        assert_int_equal(rib_count_selected(f->rib, &selector), selected);
    }
    memory_left = random_below(8) == 0 ? 0 : -1; /* then at once */
    rib_walk(f->rib, &(struct rib_work){visits[which], f->rib, selector, which != MARK_DIRTY});
    memory_left = -1;
    list_bulk(f, which, chosen, &choice);
    memset(&choice, 0xff, sizeof(choice)); /* nobody looks at it any more */
}

static void look_at_one(struct fixture *f)
{
    uint32_t prefix = random_below(PREFIXES);
    const struct rib_entry *entry = rib_find(f->rib, &f->prefixes[prefix]);

    assert_int_equal(entry != NULL, list_count(&f->list, prefix) > 0 || list_is_dirty(&f->list, prefix));
    if (entry != NULL) {
        check_entry(f, entry, prefix);
    }
}

/* Takes some off a list of dirty ones, in whatever order. */
static void decide_some(struct fixture *f, uint32_t most)
{
    struct rib_entry *entry;

    while (most-- > 0 && (entry = rib_next_of(f->rib, random_below(2) == 0 ? RIB_NOW : RIB_BULK)) != NULL) {
        uint32_t i = 0;

        while (i < f->list.n_dirty && !prefix_equal(&entry->prefix, &f->prefixes[f->list.dirty[i]])) {
            i++;
        }
        assert_true(i < f->list.n_dirty);
        assert_int_equal(entry->n_candidates, list_count(&f->list, f->list.dirty[i]));
        f->list.dirty[i] = f->list.dirty[--f->list.n_dirty];
        rib_release(f->rib, entry);
    }
}

static void a_walk_in_parts_is_seen_as_done_by_whoever_looks(void **state)
{
    struct fixture *f = *state;

    for (uint32_t step = 0; step < 30000; step++) {
        uint32_t dice = random_below(100);

        if (dice < 40) {
            upsert(f, NULL);
        } else if (dice < 55) {
            withdraw(f, NULL);
        } else if (dice < 60) {
            begin_walk(f);
        } else if (dice < 75) {
            (void)rib_walk_part(f->rib, random_below(10));
        } else if (dice < 85) {
            look_at_one(f);
        } else if (dice < 87) {
            bulk(f);
        } else {
            decide_some(f, random_below(10));
        }
        if (step % 256 == 0) {
            rib_walk_finish(f->rib);
            assert_false(rib_walk_part(f->rib, 1) || rib_walk_concerns(f->rib, 0));
            check_counts(f);
        }
        if (step % 256 == 128) {
            check(f);
        }
    }
    begin_walk(f); /* one that is never done: nothing leaks */
}

static void a_session_is_concerned_by_what_is_to_be_done_to_its_candidates(void **state)
{
    struct fixture *f = *state;
    const uint16_t session_id = 1, peer_id = 2;
    struct candidate candidate = {.attrs = f->sets[0], .key = {session_id, peer_id, 0}};
    struct rib_work work = {.visit = visit_flush, .owner = f->rib, .selector = {.peer_id = &peer_id}, .counted = true};

    assert_int_equal(rib_upsert(f->rib, &f->prefixes[3], &candidate, NULL), RIB_ADDED);
    rib_walk(f->rib, &work);
    assert_true(rib_walk_concerns(f->rib, session_id));
    assert_false(rib_walk_concerns(f->rib, 0)); /* the peer's candidates are all of one session */
    rib_walk_finish(f->rib);
    assert_int_equal(rib_counts(f->rib)->of_peer[peer_id], 0);

    assert_int_equal(rib_upsert(f->rib, &f->prefixes[3], &candidate, NULL), RIB_ADDED);
    candidate.key.session_id = 0;
    assert_int_equal(rib_upsert(f->rib, &f->prefixes[4], &candidate, NULL), RIB_ADDED);
    rib_walk(f->rib, &work);
    assert_true(rib_walk_concerns(f->rib, session_id) && rib_walk_concerns(f->rib, 0));
    assert_int_equal(rib_counts(f->rib)->of_peer[peer_id], 2); /* not yet */
    rib_walk_finish(f->rib);
    assert_int_equal(rib_counts(f->rib)->of_peer[peer_id], 0);

    work = (struct rib_work){.visit = visit_dirty, .owner = f->rib};
    rib_walk(f->rib, &work);
    assert_false(rib_walk_concerns(f->rib, session_id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_walk_in_parts_is_seen_as_done_by_whoever_looks),
        WITH_FIXTURE(a_session_is_concerned_by_what_is_to_be_done_to_its_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
