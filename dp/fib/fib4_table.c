/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib4_table.h"
#include "pages.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITIES     0x10000u
#define UNIT_LEAVES    4 /* leaves are allocated by four, enough for the arena's links */
#define IDENTITY_UNITS (IDENTITIES / UNIT_LEAVES)
#define RUN_UNITS_MAX  (FIB4_SLOTS / UNIT_LEAVES)
/* Room for a run of every record, a gap too small for one beside each, and one run more. */
#define LEAF_UNITS     (IDENTITY_UNITS + FIB4_RECORDS * (2 * RUN_UNITS_MAX - 1) + 2 * RUN_UNITS_MAX)
#define ROUTES_DEFAULT 2000000
#define FAR_BYTES      (512u << 10)

static_assert(FIB4_RECORD_BYTES == sizeof(struct fib4_record) &&
                  FIB4_RECORD_BYTES << (32 - FIB4_RECORD_LENGTH) == 4 << 16,
              "as fib4_prefetch() believes");

static trie_key key_of(uint32_t addr)
{
    return (trie_key)addr << (TRIE_KEY_BITS - 32);
}

static void destroy(struct fib_table *base)
{
    struct fib4_table *table = (struct fib4_table *)base;

    arena_fini(&table->groups);
    arena_fini(&table->leaves);
    pages_unmap(table->cells, FIB4_RECORDS * sizeof(*table->cells));
    pages_unmap(table->records, FIB4_RECORDS * sizeof(*table->records));
    free(table);
}

/* A record of zeros points at the identity of FIB_NO_ROUTE. */
static struct fib_table *create(const struct fib *fib, struct trie *trie)
{
    struct fib4_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->whole = FIB4_RECORD_WHOLE && fib->isa != FIB_ISA_PORTABLE;
    table->records = pages_map(FIB4_RECORDS * sizeof(*table->records));
    table->cells = pages_map(FIB4_RECORDS * sizeof(*table->cells));
    table->base = (struct fib_table){.trie = trie, .rcu = fib->rcu, .start = (const char *)table->records};
    if (table->records == NULL || table->cells == NULL ||
        arena_init(&table->groups, FIB4_GROUP_LEAVES * sizeof(fib4_leaf), FIB4_GROUPS) != 0 ||
        arena_init(&table->leaves, UNIT_LEAVES * sizeof(fib4_leaf), LEAF_UNITS) != 0 ||
        arena_alloc(&table->leaves, IDENTITY_UNITS) != 0) {
        destroy(&table->base);
        return NULL;
    }
    for (uint32_t i = 0; i < IDENTITIES; i++) {
        atomic_store_explicit(fib4_leaf_at(table, i), (uint16_t)i, memory_order_relaxed);
    }
    return &table->base;
}

static void stats(const struct fib_table *base, struct fib_stats *out)
{
    const struct fib4_table *table = (const struct fib4_table *)base;

    out->bytes += FIB4_RECORDS * sizeof(*table->records) + arena_bytes(&table->leaves) + arena_bytes(&table->groups);
    out->control_bytes += arena_overhead(&table->leaves) + arena_overhead(&table->groups);
}

/* ---- Runs and groups: made, published, retired */

/* After a failure waits for what is retired, so that only a full arena is full. */
static uint32_t alloc(struct fib4_table *table, struct arena *arena, uint32_t units)
{
    uint32_t index = arena_alloc(arena, units);

    if (index == ARENA_FULL) {
        rcu_synchronize(table->base.rcu);
        index = arena_alloc(arena, units);
    }
    return index;
}

static void reclaim(void *owner, void *thing)
{
    arena_free(owner, (uint32_t)((uintptr_t)thing >> 8), (uint32_t)((uintptr_t)thing & 0xff));
}

static void retire(struct fib4_table *table, struct arena *arena, uint32_t index, uint32_t units)
{
    rcu_retire(table->base.rcu, reclaim, arena, (void *)((uintptr_t)index << 8 | units));
}

static uint32_t run_units(uint64_t bitmap)
{
    return ((uint32_t)__builtin_popcountll(bitmap) + UNIT_LEAVES) / UNIT_LEAVES;
}

static void slots_read(const struct fib4_table *table, struct fib4_run run, uint16_t *slots)
{
    uint32_t index = run.base;

    for (unsigned int i = 0; i < FIB4_SLOTS; i++) {
        index += run.bitmap >> i & 1;
        slots[i] = atomic_load_explicit(fib4_leaf_at(table, index), memory_order_relaxed);
    }
}

/* Stores what differs. Release: a leaf may name a group that was just made. */
static void leaves_write(fib4_leaf *to, const uint16_t *from, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (atomic_load_explicit(&to[i], memory_order_relaxed) != from[i]) {
            atomic_store_explicit(&to[i], from[i], memory_order_release);
        }
    }
}

/* Makes the record answer `slots`. */
static void record_publish(struct fib4_table *table, struct fib4_record *record, const uint16_t *slots)
{
    struct fib4_run old = fib4_record_load(record, table->whole);
    struct fib4_run run = {.bitmap = 0, .base = slots[0]};
    uint16_t values[FIB4_SLOTS] = {slots[0]};
    unsigned int count = 1;

    for (unsigned int i = 1; i < FIB4_SLOTS; i++) {
        if (slots[i] != slots[i - 1]) {
            run.bitmap |= 1ull << i;
            values[count++] = slots[i];
        }
    }
    if (count > 1 && run.bitmap == old.bitmap) {
        leaves_write(fib4_leaf_at(table, old.base), values, count);
        return;
    }
    if (count > 1) {
        uint32_t unit = alloc(table, &table->leaves, run_units(run.bitmap));

        if (arena_bytes(&table->leaves) > FAR_BYTES) {
            atomic_store_explicit(&table->far, true, memory_order_relaxed);
        }
        assert(unit != ARENA_FULL); /* see LEAF_UNITS */
        run.base = unit * UNIT_LEAVES;
        leaves_write(fib4_leaf_at(table, run.base), values, count);
    }
    fib4_record_store(record, run, table->whole);
    if (old.bitmap != 0) {
        retire(table, &table->leaves, old.base / UNIT_LEAVES, run_units(old.bitmap));
    }
}

/* ---- Painting from the trie */

static void paint(const struct fib4_table *table, uint32_t addr, unsigned int length, unsigned int max_length,
                  uint16_t *cells)
{
    trie_key key = key_of(addr);

    trie_paint(table->base.trie, key, length, max_length, fib_covering_value(table->base.trie, key, length), cells);
}

static void group_paint(struct fib4_table *table, uint32_t leaf, uint32_t addr, unsigned int length)
{
    uint16_t painted[FIB4_GROUP_LEAVES];

    paint(table, addr, length, 32, painted);
    leaves_write(fib4_group_at(table, leaf) + addr % FIB4_GROUP_LEAVES, painted, 1u << (32 - length));
}

/* What becomes of a slot that was `old` and is painted `*slot`: its group stays, or one is made (-ENOSPC). */
static int slot_settle(struct fib4_table *table, uint32_t addr, uint16_t old, uint16_t *slot)
{
    if (*slot != TRIE_DEEPER) {
        return 0;
    }
    if ((old & TRIE_DEEPER) != 0) {
        *slot = old;
    } else {
        uint32_t index = alloc(table, &table->groups, 1);

        if (index == ARENA_FULL) {
            return -ENOSPC;
        }
        *slot = (uint16_t)(TRIE_DEEPER | index);
    }
    group_paint(table, *slot, addr, FIB4_SLOT_LENGTH);
    return 0;
}

/* Brings the part of one record that lies inside a prefix of /18 to /24 up to the trie. -ENOSPC: a group had to be
 * made, and was not; the record is unchanged. */
static int record_refresh(struct fib4_table *table, uint32_t addr, unsigned int length)
{
    struct fib4_record *record = fib4_record_of(table, addr);
    unsigned int first = fib4_slot_of(addr);
    unsigned int count = 1u << (FIB4_SLOT_LENGTH - length);
    uint16_t slots[FIB4_SLOTS];
    uint16_t old[FIB4_SLOTS];

    slots_read(table, fib4_record_load(record, table->whole), slots);
    memcpy(old, slots, sizeof(old));
    paint(table, addr, length, FIB4_SLOT_LENGTH, slots + first);
    for (unsigned int i = 0; i < count; i++) {
        int rc = slot_settle(table, addr + i * FIB4_GROUP_LEAVES, old[first + i], &slots[first + i]);

        if (rc != 0) {
            return rc;
        }
    }
    record_publish(table, record, slots);
    for (unsigned int i = first; i < first + count; i++) {
        if ((old[i] & TRIE_DEEPER) != 0 && slots[i] != old[i]) {
            retire(table, &table->groups, old[i] & (TRIE_DEEPER - 1), 1);
        }
    }
    return 0;
}

/* A prefix longer than /24. As long as its /24 has a group and still needs one, only that changes. */
static int group_refresh(struct fib4_table *table, uint32_t addr, unsigned int length)
{
    uint32_t slot_addr = addr & ~(FIB4_GROUP_LEAVES - 1u);
    uint16_t slots[FIB4_SLOTS];
    uint16_t painted;
    uint16_t old;

    slots_read(table, fib4_record_load(fib4_record_of(table, addr), table->whole), slots);
    old = slots[fib4_slot_of(addr)];
    paint(table, slot_addr, FIB4_SLOT_LENGTH, FIB4_SLOT_LENGTH, &painted);
    if ((old & TRIE_DEEPER) != 0 && painted == TRIE_DEEPER) {
        group_paint(table, old, addr, length);
        return 0;
    }
    return record_refresh(table, slot_addr, FIB4_SLOT_LENGTH);
}

/* A prefix shorter than /18. Most of its records are uniform and stay so. */
static int records_refresh(struct fib4_table *table, uint32_t addr, unsigned int length)
{
    uint32_t count = 1u << (FIB4_RECORD_LENGTH - length);
    int rc = 0;

    paint(table, addr, length, FIB4_RECORD_LENGTH, table->cells);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        uint32_t own = addr + (i << (32 - FIB4_RECORD_LENGTH));
        struct fib4_record *record = fib4_record_of(table, own);

        if (table->cells[i] == TRIE_DEEPER || fib4_record_load(record, table->whole).bitmap != 0) {
            rc = record_refresh(table, own, FIB4_RECORD_LENGTH);
        } else {
            fib4_record_store(record, (struct fib4_run){.base = table->cells[i]}, table->whole);
        }
    }
    return rc;
}

static int refresh(struct fib_table *base, trie_key key, unsigned int length)
{
    struct fib4_table *table = (struct fib4_table *)base;
    uint32_t addr = (uint32_t)(key >> (TRIE_KEY_BITS - 32));

    if (length < FIB4_RECORD_LENGTH) {
        return records_refresh(table, addr, length);
    }
    return length <= FIB4_SLOT_LENGTH ? record_refresh(table, addr, length) : group_refresh(table, addr, length);
}

static void publish(struct fib_table *base)
{
    struct fib4_table *table = (struct fib4_table *)base;

    (void)rcu_reclaim(table->base.rcu);
    for (unsigned int i = 0; i < table->waiting_count; i++) {
        uint32_t addr = table->waiting[i];
        uint32_t number = addr >> (32 - FIB4_RECORD_LENGTH);
        int rc = record_refresh(table, addr, FIB4_RECORD_LENGTH);

        assert(rc == 0); /* the groups that it needs were made with their routes */
        (void)rc;
        table->waits[number / 64] &= ~(UINT64_C(1) << number % 64);
    }
    table->waiting_count = 0;
}

static bool defer(struct fib_table *base, trie_key key, unsigned int length)
{
    struct fib4_table *table = (struct fib4_table *)base;
    uint32_t addr = (uint32_t)(key >> (TRIE_KEY_BITS - 32));
    uint32_t number = addr >> (32 - FIB4_RECORD_LENGTH);
    uint64_t bit = UINT64_C(1) << number % 64;

    if (length < FIB4_RECORD_LENGTH || length > FIB4_SLOT_LENGTH) {
        return false;
    }
    if ((table->waits[number / 64] & bit) == 0) {
        if (table->waiting_count == FIB4_WAITING_MAX) {
            publish(base);
        }
        table->waits[number / 64] |= bit;
        table->waiting[table->waiting_count++] = number << (32 - FIB4_RECORD_LENGTH);
    }
    return true;
}

const struct fib_family fib4_family = {
    .bits = 32,
    .max_routes = ROUTES_DEFAULT,
    .create = create,
    .destroy = destroy,
    .refresh = refresh,
    .defer = defer,
    .publish = publish,
    .stats = stats,
};
