/* SPDX-License-Identifier: BSD-3-Clause */
#include "rib_list.h"
#include "hash.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static uint64_t random_counter = 1;

uint32_t random_below(uint32_t n)
{
    return (uint32_t)(hash_mix64(random_counter++ * 0x9e3779b97f4a7c15ULL) >> 33) % n;
}

static int compare_prefixes(const void *a, const void *b)
{
    return prefix_compare(a, b);
}

int fixture_setup(void **state)
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

int fixture_teardown(void **state)
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

bool list_is_dirty(const struct list *list, uint32_t prefix)
{
    for (uint32_t i = 0; i < list->n_dirty; i++) {
        if (list->dirty[i] == prefix) {
            return true;
        }
    }
    return false;
}

void list_mark(struct list *list, uint32_t prefix)
{
    if (!list_is_dirty(list, prefix)) {
        list->dirty[list->n_dirty++] = prefix;
    }
}

bool upsert(struct fixture *f, struct change *undo)
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

bool withdraw(struct fixture *f, struct change *undo)
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

size_t list_bulk(struct fixture *f, enum bulk bulk, bool (*selected)(const struct candidate *, const void *),
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

bool chosen(const struct candidate *candidate, const void *argument)
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

struct choice random_choice(void)
{
    return (struct choice){.by_session = random_below(2),
                           .by_peer = random_below(2),
                           .by_target = random_below(2),
                           .by_stale = random_below(2),
                           .by_held = random_below(2),
                           .session_id = (uint16_t)random_below(SESSIONS),
                           .peer_id = (uint16_t)random_below(PEERS),
                           .target = random_target(),
                           .stale = random_below(2),
                           .held = random_below(2)};
}

struct rib_selector selector_of(const struct choice *choice)
{
    return (struct rib_selector){.session_id = choice->by_session ? &choice->session_id : NULL,
                                 .peer_id = choice->by_peer ? &choice->peer_id : NULL,
                                 .target = choice->by_target ? &choice->target : NULL,
                                 .stale = choice->by_stale ? &choice->stale : NULL,
                                 .held = choice->by_held ? &choice->held : NULL};
}

void bulk(struct fixture *f)
{
    size_t (*const functions[])(struct rib *, const struct rib_selector *) = {
        [FLUSH] = rib_flush, [MARK_STALE] = rib_mark_stale, [HOLD] = rib_hold, [MARK_DIRTY] = rib_mark_dirty};
    struct choice choice = random_choice();
    struct rib_selector selector = selector_of(&choice);
    enum bulk which = random_below(4);

    assert_int_equal(functions[which](f->rib, &selector), list_bulk(f, which, chosen, &choice));
}

uint32_t list_count(const struct list *list, uint32_t prefix)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < list->n; i++) {
        n += list->items[i].prefix == prefix;
    }
    return n;
}

void check_entry(struct fixture *f, const struct rib_entry *entry, uint32_t prefix)
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

void check_counts(const struct fixture *f)
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
    /* whose a peer's candidates are may be forgotten only when none is left */
    memcpy(expected->session_of_peer, rib_counts(f->rib)->session_of_peer, sizeof(expected->session_of_peer));
    memcpy(expected->shared_peer, rib_counts(f->rib)->shared_peer, sizeof(expected->shared_peer));
    for (uint32_t i = 0; i < f->list.n; i++) {
        const struct candidate_key *key = &f->list.items[i].candidate.key;

        assert_true(expected->shared_peer[key->peer_id] || expected->session_of_peer[key->peer_id] == key->session_id);
    }
    assert_memory_equal(rib_counts(f->rib), expected, sizeof(*expected));
    free(expected);
}

void check(struct fixture *f)
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
