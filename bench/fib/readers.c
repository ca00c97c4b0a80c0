/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our lookups in one thread, as a worker does them, in peace and while another thread changes a full table 100,000
 * times a second. A result must be the value of a route that covers the address, or none; and where no route that
 * comes and goes covers it, the longest one's.
 */
#include "cases.h"
#include "forward.h"
#include "full_lists.h"
#include "pattern.h"
#include "rcu.h"
#include <pthread.h>
#include <rte_cycles.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CHURN            10  /* one route of so many comes and goes */
#define AWAY             500 /* so many are away at a time */
#define CHANGES_A_SECOND 100000
#define READER           0 /* its id */
#define PARTS            64
#define PASSES           32 /* over all parts, in a measurement */
#define LOOKUPS          ((size_t)PARTS * MEASURE_EACH)

/* The values that a lookup may give, a bit each. */
struct allowed {
    uint64_t bits[4];
};

struct contest {
    const struct engine *engine;
    const struct engines *engines;
    const struct table *table;
    struct rcu *rcu;
    void *fib;
    void *addresses;
    struct allowed *allowed; /* for each address */
    atomic_bool stop;
    uint64_t changes;
    uint64_t refused;
    uint64_t wrong;
};

/* ---- The writer */

static void change(struct contest *contest, int (*how)(void *fib, const struct table_route *route), size_t i,
                   uint64_t *next)
{
    while (rte_rdtsc() < *next) {
    }
    *next += (uint64_t)(tsc_per_second() / CHANGES_A_SECOND);
    contest->refused += how(contest->fib, &contest->table->routes[i]) != 0;
    contest->changes++;
}

/* One goes, one that went before comes back. */
static void *change_until_stopped(void *arg)
{
    struct contest *contest = arg;
    const struct engine_functions *functions = contest->engine->functions;
    size_t count = contest->table->count / CHURN;
    uint64_t next = rte_rdtsc();

    for (size_t i = 0; !atomic_load_explicit(&contest->stop, memory_order_relaxed); i++) {
        change(contest, functions->del, i % count, &next);
        if (i >= AWAY) {
            change(contest, functions->set, (i - AWAY) % count, &next);
        }
    }
    for (size_t i = 0; i < count; i++) {
        contest->refused += functions->set(contest->fib, &contest->table->routes[i]) != 0;
    }
    return NULL;
}

static void writer_start(struct contest *contest, pthread_t *writer)
{
    cpu_set_t first;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    atomic_store(&contest->stop, false);
    contest->changes = 0;
    if (pthread_create(writer, NULL, change_until_stopped, contest) != 0 ||
        pthread_setaffinity_np(*writer, sizeof(first), &first) != 0) {
        abort();
    }
}

/* ---- What is right */

static table_key key_at(const struct contest *contest, size_t i)
{
    const uint8_t *bytes = (const uint8_t *)contest->addresses + i * contest->engines->address_bytes;
    table_key key = 0;

    if (contest->engines->bits == 32) {
        return (table_key)((const uint32_t *)contest->addresses)[i] << 96;
    }
    for (unsigned int byte = 0; byte < 16; byte++) {
        key = key << 8 | bytes[byte];
    }
    return key;
}

static void allow(struct allowed *allowed, uint32_t value)
{
    allowed->bits[value / 64] |= 1ull << value % 64;
}

/* From the longest route on, down to the first that stays. */
static struct allowed allowed_at(const struct full_lists *all, const struct full_lists *coming, table_key key,
                                 unsigned int bits)
{
    struct allowed allowed = {{0}};

    for (unsigned int length = bits + 1; length-- > 0;) {
        const uint32_t *value = full_lists_value(all, key, length);

        if (value != NULL) {
            allow(&allowed, *value);
            if (full_lists_value(coming, key, length) == NULL) {
                return allowed;
            }
        }
    }
    allow(&allowed, 0);
    return allowed;
}

static void allowed_make(struct contest *contest)
{
    struct table first = {.routes = contest->table->routes, .count = contest->table->count / CHURN};
    struct full_lists *all = full_lists_create(contest->table);
    struct full_lists *coming = full_lists_create(&first);

    for (size_t i = 0; i < LOOKUPS; i++) {
        contest->allowed[i] = allowed_at(all, coming, key_at(contest, i), contest->engines->bits);
    }
    full_lists_destroy(coming);
    full_lists_destroy(all);
}

/* ---- The reader */

static uint64_t part_measure(struct contest *contest, size_t part)
{
    static uint32_t hops[MEASURE_EACH];
    size_t first = part * MEASURE_EACH;
    const char *addresses = (const char *)contest->addresses + first * contest->engines->address_bytes;
    uint64_t start = rte_rdtsc();
    uint64_t cycles;

    for (size_t i = 0; i < MEASURE_EACH; i += BURST) {
        contest->engine->functions->lookup(contest->fib, addresses + i * contest->engines->address_bytes, hops + i,
                                           BURST);
        rcu_quiescent(contest->rcu, READER);
    }
    cycles = rte_rdtsc() - start;
    for (size_t i = 0; i < MEASURE_EACH; i++) {
        contest->wrong +=
            hops[i] > UINT8_MAX || (contest->allowed[first + i].bits[hops[i] / 64] >> hops[i] % 64 & 1) == 0;
    }
    return cycles;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static double passes_measure(struct contest *contest)
{
    static uint64_t cycles[PARTS * PASSES];

    rcu_reader_online(contest->rcu, READER);
    for (size_t i = 0; i < PARTS * PASSES; i++) {
        cycles[i] = part_measure(contest, i % PARTS);
    }
    rcu_reader_offline(contest->rcu, READER);
    qsort(cycles, PARTS * PASSES, sizeof(cycles[0]), compare);
    return (double)cycles[PARTS * PASSES / 2] / MEASURE_EACH;
}

static void round_measure(struct contest *contest, const char *name)
{
    pthread_t writer;
    uint64_t start;
    double rate;
    double busy;

    sample_print(name, "anyfwd", "cycles/lookup", passes_measure(contest));
    start = rte_rdtsc();
    writer_start(contest, &writer);
    busy = passes_measure(contest);
    rate = (double)contest->changes / ((double)(rte_rdtsc() - start) / tsc_per_second());
    atomic_store(&contest->stop, true);
    pthread_join(writer, NULL);
    sample_print(name, "anyfwd, while it changes", "cycles/lookup", busy);
    sample_print(name, "anyfwd, while it changes", "changes/s", rate);
}

void reader_cases(const struct bench_options *options, const struct engines *engines, const struct table *table)
{
    const char *name = engines->bits == 32 ? "v4 1M readers" : "v6 242k readers";
    struct contest contest = {.engine = &engines->list[0], .engines = engines, .table = table, .rcu = ours_rcu()};

    if (!bench_wanted(options, name)) {
        return;
    }
    contest.fib = contest.engine->functions->create(contest.engine, table->routes, table->count);
    contest.addresses = pattern_create(PATTERN_PREFIXES, engines, table->routes, table->count, LOOKUPS);
    contest.allowed = malloc(LOOKUPS * sizeof(*contest.allowed));
    if (contest.fib == NULL || contest.allowed == NULL) {
        abort();
    }
    allowed_make(&contest);
    for (unsigned int round = 0; round < options->rounds; round++) {
        round_measure(&contest, name);
    }
    sample_print(name, "anyfwd, while it changes", "wrong results", (double)(contest.wrong + contest.refused));
    contest.engine->functions->destroy(contest.fib);
    free(contest.allowed);
    free(contest.addresses);
}
