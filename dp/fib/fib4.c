/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fib4: two dependent loads for a prefix of up to /24, three beyond.
 *
 * The 2^24 results, one for each /24, are kept as runs of equal ones: a record for each /18 says where among its 64
 * results a new one begins (popcount finds its leaf). A leaf is a value or, with TRIE_DEEPER set, names a group of 256
 * leaves, one for each address of the /24, because a longer prefix lies in there. A record without any change inside
 * needs no run of its own: leaf i holds i for every i below IDENTITIES, and the record points there.
 *
 * The default route is not painted into the table; a lookup that found nothing takes it. So it costs nothing to change.
 *
 * A change repaints the part of the record that its prefix covers, and either stores into the leaves in place (each
 * address then sees the old or the new) or publishes a new run and retires the old one. A change of a prefix shorter
 * than /18 does so record by record.
 *
 * Limits: 32768 groups. Runs cannot run out, so a del cannot fail: each of the 2^18 records has at most one, of at most
 * 64 leaves, and a new one is made before the old one goes.
 */
#include "arena.h"
#include "fib.h"
#include "fib4_record.h"
#include "pages.h"
#include "trie.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS        (1u << 18)
#define RECORD_LENGTH  18
#define SLOT_LENGTH    24
#define SLOTS          64 /* of a record */
#define GROUP_LEAVES   256
#define GROUPS_MAX     TRIE_DEEPER
#define IDENTITIES     0x10000u
#define UNIT_LEAVES    4 /* leaves are allocated by four, enough for the arena's links */
#define IDENTITY_UNITS (IDENTITIES / UNIT_LEAVES)
#define RUN_UNITS_MAX  (SLOTS / UNIT_LEAVES)
#define LEAF_ORDER     14 /* 2^14 units hold the identities */
#define BURST          64

#define ROUTES_DEFAULT 2000000

static_assert(FIB4_RECORD_BYTES == sizeof(struct fib4_record), "as fib4_prefetch() believes");
static_assert(FIB_VALUE_MAX < TRIE_DEEPER, "a value leaves the top bit of a leaf free");
static_assert(1u << LEAF_ORDER >= IDENTITY_UNITS, "the identities are one run");

typedef _Atomic uint16_t leaf;

static_assert(sizeof(leaf) == 2, "a leaf is stored in one");

struct table {
    struct fib4_record *records;
    struct arena leaves;
    struct arena groups;
    struct trie *trie;
    struct rcu *rcu;
    uint16_t *cells; /* one for each record, scratch */
    bool whole;      /* how records are read and written: fib4_record.h */
    _Atomic uint32_t default_value;
};

struct fib4 {
    struct fib_root root; /* first: fib4_prefetch() */
    _Atomic(struct table *) table;
    void (*lookup)(const struct table *table, const uint32_t *dst, uint32_t *out, unsigned int n);
    struct rcu *rcu;
    unsigned int max_routes;
};

static leaf *leaf_at(const struct table *table, uint32_t index)
{
    return (leaf *)table->leaves.memory + index;
}

static leaf *group_at(const struct table *table, uint32_t leaf_value)
{
    return arena_at(&table->groups, leaf_value & (TRIE_DEEPER - 1));
}

static trie_key key_of(uint32_t addr)
{
    return (trie_key)addr << (TRIE_KEY_BITS - 32);
}

/* ---- The table of one content */

static void table_destroy(struct table *table)
{
    if (table == NULL) {
        return;
    }
    trie_destroy(table->trie);
    arena_fini(&table->groups);
    arena_fini(&table->leaves);
    pages_unmap(table->cells, RECORDS * sizeof(*table->cells));
    pages_unmap(table->records, RECORDS * sizeof(struct fib4_record));
    free(table);
}

static struct table *table_create(const struct fib4 *fib)
{
    struct table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->rcu = fib->rcu;
    table->whole = fib4_record_whole_works();
    table->records = pages_map(RECORDS * sizeof(struct fib4_record));
    table->cells = pages_map(RECORDS * sizeof(*table->cells));
    table->trie = trie_create(fib->max_routes);
    if (table->records == NULL || table->cells == NULL || table->trie == NULL ||
        arena_init(&table->groups, GROUP_LEAVES * sizeof(leaf), GROUPS_MAX, 0) != 0 ||
        arena_init(&table->leaves, UNIT_LEAVES * sizeof(leaf), IDENTITY_UNITS + (RECORDS + 1) * RUN_UNITS_MAX,
                   LEAF_ORDER) != 0 ||
        arena_alloc(&table->leaves, IDENTITY_UNITS) != 0) {
        table_destroy(table);
        return NULL;
    }
    for (uint32_t i = 0; i < IDENTITIES; i++) {
        atomic_store_explicit(leaf_at(table, i), (uint16_t)i, memory_order_relaxed);
    }
    return table;
}

/* ---- Runs and groups: made, published, retired */

/* After a failure waits for what is retired, so that only a full arena is full. */
static uint32_t alloc(struct table *table, struct arena *arena, uint32_t units)
{
    uint32_t index = arena_alloc(arena, units);

    if (index == ARENA_FULL) {
        rcu_synchronize(table->rcu);
        index = arena_alloc(arena, units);
    }
    return index;
}

static uint32_t run_units(uint64_t bitmap)
{
    return ((uint32_t)__builtin_popcountll(bitmap) + UNIT_LEAVES) / UNIT_LEAVES;
}

static void reclaim_run(void *owner, void *thing)
{
    arena_free(owner, (uint32_t)((uintptr_t)thing >> 8), (uint32_t)((uintptr_t)thing & 0xff));
}

static void retire_run(struct table *table, struct fib4_run run)
{
    if (run.bitmap != 0) {
        rcu_retire(table->rcu, reclaim_run, &table->leaves,
                   (void *)((uintptr_t)(run.base / UNIT_LEAVES) << 8 | run_units(run.bitmap)));
    }
}

static void retire_group(struct table *table, uint32_t leaf_value)
{
    rcu_retire(table->rcu, reclaim_run, &table->groups, (void *)((uintptr_t)(leaf_value & (TRIE_DEEPER - 1)) << 8 | 1));
}

static void slots_read(const struct table *table, struct fib4_run run, uint16_t *slots)
{
    uint32_t index = run.base;

    for (unsigned int i = 0; i < SLOTS; i++) {
        index += run.bitmap >> i & 1;
        slots[i] = atomic_load_explicit(leaf_at(table, index), memory_order_relaxed);
    }
}

/* Stores what differs. Release: a leaf may name a group that was just made. */
static void leaves_write(leaf *to, const uint16_t *from, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (atomic_load_explicit(&to[i], memory_order_relaxed) != from[i]) {
            atomic_store_explicit(&to[i], from[i], memory_order_release);
        }
    }
}

/* Makes the record answer `slots`. The arena holds one run more than there are records, so there is one to be had. */
static void record_publish(struct table *table, struct fib4_record *record, const uint16_t *slots)
{
    struct fib4_run old = fib4_record_load(record, table->whole);
    struct fib4_run run = {.bitmap = 0, .base = slots[0]};
    uint16_t values[SLOTS] = {slots[0]};
    unsigned int count = 1;

    for (unsigned int i = 1; i < SLOTS; i++) {
        if (slots[i] != slots[i - 1]) {
            run.bitmap |= 1ull << i;
            values[count++] = slots[i];
        }
    }
    if (count > 1 && run.bitmap == old.bitmap) {
        leaves_write(leaf_at(table, old.base), values, count);
        return;
    }
    if (count > 1) {
        uint32_t unit = alloc(table, &table->leaves, run_units(run.bitmap));

        assert(unit != ARENA_FULL);
        run.base = unit * UNIT_LEAVES;
        leaves_write(leaf_at(table, run.base), values, count);
    }
    fib4_record_store(record, run, table->whole);
    retire_run(table, old);
}

/* ---- Painting from the trie */

/* The value of the longest route of 1 to max_length that covers the address. */
static uint32_t covering_value(const struct table *table, uint32_t addr, unsigned int max_length)
{
    unsigned int length;
    uint32_t value;

    return trie_match(table->trie, key_of(addr), max_length, &length, &value) == 0 && length > 0 ? value : FIB_NO_ROUTE;
}

static void group_paint(struct table *table, uint32_t leaf_value, uint32_t addr, unsigned int length)
{
    uint16_t painted[GROUP_LEAVES];

    trie_paint(table->trie, key_of(addr), length, 32, covering_value(table, addr, length), painted);
    leaves_write(group_at(table, leaf_value) + addr % GROUP_LEAVES, painted, 1u << (32 - length));
}

/* A new group for the /24, as a leaf names it, or 0: there are GROUPS_MAX. */
static uint32_t group_create(struct table *table, uint32_t addr)
{
    uint32_t index = alloc(table, &table->groups, 1);

    if (index == ARENA_FULL) {
        return 0;
    }
    group_paint(table, index | TRIE_DEEPER, addr, SLOT_LENGTH);
    return index | TRIE_DEEPER;
}

/* What becomes of a slot that was `old` and is painted `*slot`: groups stay, come (-ENOSPC), or go. */
static int slot_settle(struct table *table, uint32_t addr, uint16_t old, uint16_t *slot)
{
    if (*slot == TRIE_DEEPER && (old & TRIE_DEEPER) == 0) {
        *slot = (uint16_t)group_create(table, addr);
        return *slot == 0 ? -ENOSPC : 0;
    }
    if (*slot == TRIE_DEEPER) {
        *slot = old;
        group_paint(table, old, addr, SLOT_LENGTH);
    }
    return 0;
}

/* Brings the part of one record that lies inside a prefix of /18 to /24 up to the trie. -ENOSPC: a group had to be
 * made, and was not; the record is unchanged. */
static int record_refresh(struct table *table, uint32_t addr, unsigned int length)
{
    struct fib4_record *record = &table->records[addr >> (32 - RECORD_LENGTH)];
    unsigned int first = addr >> (32 - SLOT_LENGTH) & (SLOTS - 1);
    unsigned int count = 1u << (SLOT_LENGTH - length);
    uint16_t slots[SLOTS];
    uint16_t old[SLOTS];

    slots_read(table, fib4_record_load(record, table->whole), slots);
    memcpy(old, slots, sizeof(old));
    trie_paint(table->trie, key_of(addr), length, SLOT_LENGTH, covering_value(table, addr, length), slots + first);
    for (unsigned int i = 0; i < count; i++) {
        if (slot_settle(table, addr + i * GROUP_LEAVES, old[first + i], &slots[first + i]) != 0) {
            return -ENOSPC;
        }
    }
    record_publish(table, record, slots);
    for (unsigned int i = first; i < first + count; i++) {
        if ((old[i] & TRIE_DEEPER) != 0 && slots[i] != old[i]) {
            retire_group(table, old[i]);
        }
    }
    return 0;
}

/* A prefix longer than /24. As long as its /24 has a group and still needs one, only that changes. */
static int group_refresh(struct table *table, uint32_t addr, unsigned int length)
{
    const struct fib4_record *record = &table->records[addr >> (32 - RECORD_LENGTH)];
    uint32_t slot_addr = addr & ~(GROUP_LEAVES - 1u);
    uint16_t slots[SLOTS];
    uint16_t old;
    uint16_t painted;

    slots_read(table, fib4_record_load(record, table->whole), slots);
    old = slots[addr >> (32 - SLOT_LENGTH) & (SLOTS - 1)];
    trie_paint(table->trie, key_of(slot_addr), SLOT_LENGTH, SLOT_LENGTH, FIB_NO_ROUTE, &painted);
    if ((old & TRIE_DEEPER) != 0 && painted == TRIE_DEEPER) {
        group_paint(table, old, addr, length);
        return 0;
    }
    return record_refresh(table, slot_addr, SLOT_LENGTH);
}

static void default_refresh(struct table *table)
{
    unsigned int length;
    uint32_t value = FIB_NO_ROUTE;

    if (trie_match(table->trie, 0, 0, &length, &value) != 0) {
        value = FIB_NO_ROUTE;
    }
    atomic_store_explicit(&table->default_value, value, memory_order_relaxed);
}

/* A prefix shorter than /18. Most of its records are uniform and stay so. */
static int records_refresh(struct table *table, uint32_t addr, unsigned int length)
{
    uint32_t first = addr >> (32 - RECORD_LENGTH);
    uint32_t count = 1u << (RECORD_LENGTH - length);
    int rc = 0;

    trie_paint(table->trie, key_of(addr), length, RECORD_LENGTH, covering_value(table, addr, length), table->cells);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        struct fib4_record *record = &table->records[first + i];

        if (table->cells[i] == TRIE_DEEPER || fib4_record_load(record, table->whole).bitmap != 0) {
            rc = record_refresh(table, (first + i) << (32 - RECORD_LENGTH), RECORD_LENGTH);
        } else {
            fib4_record_store(record, (struct fib4_run){.base = table->cells[i]}, table->whole);
        }
    }
    return rc;
}

/* Brings what the prefix covers up to the trie, after its route was set or deleted. -ENOSPC after a set alone: a prefix
 * longer than /24 needs a group. */
static int refresh(struct table *table, uint32_t addr, unsigned int length)
{
    if (length == 0) {
        default_refresh(table);
        return 0;
    }
    if (length < RECORD_LENGTH) {
        return records_refresh(table, addr, length);
    }
    return length <= SLOT_LENGTH ? record_refresh(table, addr, length) : group_refresh(table, addr, length);
}

/* ---- Lookup */

static inline void burst_lookup(const struct table *table, const uint32_t *dst, uint32_t *out, unsigned int n,
                                bool whole)
{
    uint32_t if_none = atomic_load_explicit(&table->default_value, memory_order_relaxed);
    const leaf *found[BURST];

    for (unsigned int i = 0; i < n; i++) {
        struct fib4_run run = fib4_record_load(&table->records[dst[i] >> (32 - RECORD_LENGTH)], whole);
        unsigned int slot = dst[i] >> (32 - SLOT_LENGTH) & (SLOTS - 1);

        /* the changes up to and with this slot's */
        found[i] = leaf_at(table, run.base + (uint32_t)__builtin_popcountll(run.bitmap << (SLOTS - 1 - slot)));
        __builtin_prefetch((const void *)found[i]);
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t value = atomic_load_explicit(found[i], memory_order_acquire);

        if (__builtin_expect((value & TRIE_DEEPER) != 0, 0)) {
            value = atomic_load_explicit(group_at(table, value) + dst[i] % GROUP_LEAVES, memory_order_relaxed);
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

static void lookup_counted(const struct table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    burst_lookup(table, dst, out, n, false);
}

#if FIB4_RECORD_WHOLE
/* Every CPU with AVX has popcnt, which plain x86-64 lacks. */
__attribute__((target("popcnt"))) static void lookup_whole(const struct table *table, const uint32_t *dst,
                                                           uint32_t *out, unsigned int n)
{
    burst_lookup(table, dst, out, n, true);
}
#endif

/* Where a faster way for a CPU is chosen. */
static void lookup_choose(struct fib4 *fib)
{
    fib->lookup = lookup_counted;
#if FIB4_RECORD_WHOLE
    if (fib4_record_whole_works()) {
        fib->lookup = lookup_whole;
    }
#endif
}

void fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    const struct table *table = atomic_load_explicit(&fib->table, memory_order_acquire);

    for (unsigned int done = 0; done < n; done += BURST) {
        fib->lookup(table, dst + done, out + done, n - done < BURST ? n - done : BURST);
    }
}

/* ---- The handle */

static struct table *writer_table(const struct fib4 *fib)
{
    return atomic_load_explicit(&fib->table, memory_order_relaxed);
}

static void publish(struct fib4 *fib, struct table *table)
{
    atomic_store_explicit(&fib->root.start, (const char *)table->records, memory_order_relaxed);
    atomic_store_explicit(&fib->table, table, memory_order_release);
}

struct fib4 *fib4_create(const struct fib_config *config)
{
    struct fib4 *fib = calloc(1, sizeof(*fib));
    struct table *table;

    if (fib == NULL) {
        return NULL;
    }
    fib->rcu = config->rcu;
    fib->max_routes = config->max_routes != 0 ? config->max_routes : ROUTES_DEFAULT;
    lookup_choose(fib);
    table = table_create(fib);
    if (table == NULL) {
        free(fib);
        return NULL;
    }
    publish(fib, table);
    return fib;
}

void fib4_destroy(struct fib4 *fib)
{
    if (fib == NULL) {
        return;
    }
    rcu_synchronize(fib->rcu);
    table_destroy(writer_table(fib));
    free(fib);
}

static bool prefix_valid(uint32_t addr, unsigned int length)
{
    return length <= 32 && (key_of(addr) & ~trie_mask(length)) == 0;
}

static bool value_valid(uint32_t value)
{
    return value != FIB_NO_ROUTE && value <= FIB_VALUE_MAX;
}

static void undo_set(struct table *table, uint32_t addr, unsigned int length, uint32_t old)
{
    uint32_t unused;
    int rc = old != FIB_NO_ROUTE ? trie_set(table->trie, key_of(addr), length, old, &unused)
                                 : trie_del(table->trie, key_of(addr), length, &unused);

    assert(rc == 0);
    (void)rc;
}

int fib4_set(struct fib4 *fib, uint32_t addr, unsigned int length, uint32_t value)
{
    struct table *table = writer_table(fib);
    uint32_t old;
    int rc;

    if (!prefix_valid(addr, length) || !value_valid(value)) {
        return -EINVAL;
    }
    rc = trie_set(table->trie, key_of(addr), length, value, &old);
    if (rc != 0 || old == value) {
        return rc;
    }
    rc = refresh(table, addr, length);
    if (rc != 0) {
        undo_set(table, addr, length, old);
    }
    return rc;
}

int fib4_del(struct fib4 *fib, uint32_t addr, unsigned int length)
{
    struct table *table = writer_table(fib);
    uint32_t old;
    int rc;

    if (!prefix_valid(addr, length)) {
        return -EINVAL;
    }
    rc = trie_del(table->trie, key_of(addr), length, &old);
    return rc != 0 ? rc : refresh(table, addr, length);
}

static int table_fill(struct table *table, const struct fib4_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t old;
        int rc;

        if (!prefix_valid(routes[i].addr, routes[i].length) || !value_valid(routes[i].value)) {
            return -EINVAL;
        }
        rc = trie_set(table->trie, key_of(routes[i].addr), routes[i].length, routes[i].value, &old);
        if (rc != 0) {
            return rc;
        }
    }
    default_refresh(table);
    return records_refresh(table, 0, 0);
}

static void reclaim_table(void *owner, void *thing)
{
    (void)owner;
    table_destroy(thing);
}

int fib4_load(struct fib4 *fib, const struct fib4_route *routes, size_t count)
{
    struct table *old = writer_table(fib);
    struct table *table = table_create(fib);
    int rc;

    if (table == NULL) {
        return -ENOMEM;
    }
    rc = table_fill(table, routes, count);
    if (rc != 0) {
        table_destroy(table);
        return rc;
    }
    publish(fib, table);
    /* behind the old table's runs, which the queue gives back to it first */
    rcu_retire(fib->rcu, reclaim_table, NULL, old);
    return 0;
}

int fib4_match(const struct fib4 *fib, uint32_t addr, unsigned int *length, uint32_t *value)
{
    return trie_match(writer_table(fib)->trie, key_of(addr), 32, length, value);
}

void fib4_stats(const struct fib4 *fib, struct fib_stats *out)
{
    const struct table *table = writer_table(fib);

    *out = (struct fib_stats){
        .routes = trie_routes(table->trie),
        .bytes = RECORDS * sizeof(struct fib4_record) + arena_bytes(&table->leaves) + arena_bytes(&table->groups),
        .control_bytes = trie_bytes(table->trie) + arena_overhead(&table->leaves) + arena_overhead(&table->groups),
    };
}
