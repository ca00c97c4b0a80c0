/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookups, bare and in the loop, by size of the table and by pattern of the addresses; and what the tables take. */
#include "attributes.h"
#include "cases.h"
#include "forward.h"
#include "pattern.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const bare_unit = "cycles/lookup";
static const char *const loop_unit = "cycles/packet";

struct size {
    const char *name;
    size_t count; /* 0: all */
};

static const struct size sizes_v4[] = {{"1k", 1000}, {"10k", 10000}, {"100k", 100000}, {"200k", 200000}, {"1M", 0}};
static const struct size sizes_v6[] = {{"1k", 1000}, {"10k", 10000}, {"100k", 100000}, {"242k", 0}};

struct contest {
    const struct bench_options *options;
    const struct engines *engines;
    const struct table_route *routes;
    size_t count;
    const char *size;
    void *fibs[ENGINES_MAX]; /* NULL: not possible */
    void *addresses[PATTERNS];
};

static void case_name(char *out, size_t room, const struct contest *contest, const char *what)
{
    snprintf(out, room, "v%d %s %s", contest->engines->bits == 32 ? 4 : 6, contest->size, what);
}

static bool wanted(const struct contest *contest, const char *what)
{
    char name[64];

    case_name(name, sizeof(name), contest, what);
    return bench_wanted(contest->options, name);
}

static bool pattern_wanted(const struct contest *contest, enum pattern pattern)
{
    return (pattern != PATTERN_UNIFORM || contest->engines->bits == 32) && wanted(contest, pattern_names[pattern]);
}

static bool anything_wanted(const struct contest *contest)
{
    bool any = wanted(contest, "memory");

    for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
        any = any || pattern_wanted(contest, pattern);
    }
    return any;
}

/* Whether the engine, or the next one that shares its table, is. */
static bool wanted_with_shares(const struct contest *contest, unsigned int i)
{
    const struct engine *list = contest->engines->list;

    return bench_impl_wanted(contest->options, list[i].name) ||
           (i + 1 < contest->engines->count && list[i + 1].shares && wanted_with_shares(contest, i + 1));
}

static void create(struct contest *contest)
{
    for (unsigned int i = 0; i < contest->engines->count; i++) {
        const struct engine *engine = &contest->engines->list[i];

        if (engine->shares) {
            contest->fibs[i] = contest->fibs[i - 1];
        } else if (!wanted_with_shares(contest, i)) {
            contest->fibs[i] = NULL;
        } else if (engine->most == 0 || contest->count <= engine->most) {
            contest->fibs[i] = engine->functions->create(engine, contest->routes, contest->count);
        } else {
            fprintf(stderr, "%s: a table of %zu routes takes minutes\n", engine->name, contest->count);
        }
    }
    for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
        if (pattern_wanted(contest, pattern)) {
            contest->addresses[pattern] =
                pattern_create(pattern, contest->engines, contest->routes, contest->count, MEASURE_LOOKUPS);
        }
    }
}

static void destroy(struct contest *contest)
{
    for (unsigned int i = 0; i < contest->engines->count; i++) {
        const struct engine *engine = &contest->engines->list[i];

        if (contest->fibs[i] != NULL && !engine->shares) {
            engine->functions->destroy(contest->fibs[i]);
        }
    }
    for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
        free(contest->addresses[pattern]);
    }
}

static void measure(const struct contest *contest, unsigned int i, enum pattern pattern)
{
    const struct engine *engine = &contest->engines->list[i];
    const void *addresses = contest->addresses[pattern];
    void *fib = contest->fibs[i];
    char name[64];

    if (!bench_impl_wanted(contest->options, engine->name)) {
        return;
    }
    case_name(name, sizeof(name), contest, pattern_names[pattern]);
    if (fib == NULL || (engine->functions->select != NULL && engine->functions->select(engine, fib) != 0)) {
        sample_print_impossible(name, engine->name, bare_unit, "no such table, or not by this CPU");
        sample_print_impossible(name, engine->name, loop_unit, "no such table, or not by this CPU");
        return;
    }
    /* once to warm up */
    (void)bare_measure(engine, fib, contest->engines, addresses);
    sample_print(name, engine->name, bare_unit, bare_measure(engine, fib, contest->engines, addresses));
    sample_print(name, engine->name, loop_unit, forward_measure(engine, fib, contest->engines, addresses));
}

static void print_memory(const struct contest *contest)
{
    char name[64];

    case_name(name, sizeof(name), contest, "memory");
    for (unsigned int i = 0; bench_wanted(contest->options, name) && i < contest->engines->count; i++) {
        const struct engine *engine = &contest->engines->list[i];

        if (contest->fibs[i] != NULL && !engine->shares) {
            sample_print(name, engine->name, "MB",
                         engine->functions->bytes(engine, contest->fibs[i], contest->routes, contest->count) / 1e6);
        }
    }
}

static void contest_run(struct contest *contest)
{
    if (!anything_wanted(contest)) {
        return;
    }
    create(contest);
    for (unsigned int round = 0; round < contest->options->rounds; round++) {
        for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
            for (unsigned int i = 0; contest->addresses[pattern] != NULL && i < contest->engines->count; i++) {
                measure(contest, i, pattern);
            }
        }
    }
    print_memory(contest);
    destroy(contest);
}

void lookup_cases(const struct bench_options *options, const struct engines *engines, const struct table *table)
{
    const struct size *sizes = engines->bits == 32 ? sizes_v4 : sizes_v6;
    size_t count = engines->bits == 32 ? ARRAY_SIZE(sizes_v4) : ARRAY_SIZE(sizes_v6);

    for (size_t i = 0; i < count; i++) {
        contest_run(&(struct contest){
            .options = options,
            .engines = engines,
            .routes = table->routes,
            .count = sizes[i].count != 0 && sizes[i].count < table->count ? sizes[i].count : table->count,
            .size = sizes[i].name,
        });
    }
}
