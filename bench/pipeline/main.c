/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-pipeline: TSC cycles a packet of the daemon's worker, beside those of a loop that only receives and sends, and
 * beside the same worker with other tables' lookups in the place of ours.
 */
#include "attributes.h"
#include "engine.h"
#include "huge.h"
#include "sample.h"
#include "site.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT "cycles/packet"
/* A round's figure is the median of slices too short for the machine to interrupt many of them. */
#define WARM   (1u << 18) /* packets */
#define SLICE  (1u << 15)
#define SLICES 101

static const struct site_case cases[] = {
    {"v4 hot, one next hop", 0, FAMILY_V4, DESTINATIONS_HOT, 1, 1, 32, 64, 0},
    {"v4 hot, 2 egress ports, 4 instances", 0, FAMILY_V4, DESTINATIONS_HOT, 4, 2, 32, 64, 0},
    {"v4 random, few routes", 0, FAMILY_V4, DESTINATIONS_RANDOM, 1, 1, 32, 64, 0},
    {"v4 random, 200,000 routes", 200000, FAMILY_V4, DESTINATIONS_RANDOM, 1, 1, 32, 64, 0},
    {"v4 over prefixes, full table", SIZE_MAX, FAMILY_V4, DESTINATIONS_PREFIXES, 1, 1, 32, 64, 0},
    {"v6 few /64s", 0, FAMILY_V6, DESTINATIONS_HOT, 1, 1, 32, 64, 0},
    {"v6 over prefixes, full table", SIZE_MAX, FAMILY_V6, DESTINATIONS_PREFIXES, 1, 1, 32, 64, 0},
};

/* Whose lookups the worker uses: engine NULL for ours. */
static struct peer {
    const struct engine *engine;
    void *table;
} peers[FAMILIES];

void __real_fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n);
void __real_fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);
void __wrap_fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n);
void __wrap_fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);

/* Eight-byte next hops become four-byte ones. */
static void peer_lookup(const struct peer *peer, const void *dst, uint32_t *out, unsigned int n)
{
    uint64_t hops[BURST_MAX];

    if (peer->engine->hop_bytes == sizeof(*out)) {
        peer->engine->functions->lookup(peer->table, dst, out, n);
        return;
    }
    peer->engine->functions->lookup(peer->table, dst, hops, n);
    for (unsigned int i = 0; i < n; i++) {
        out[i] = (uint32_t)hops[i];
    }
}

/* What the linker puts in the place of the lookups in the pipe's calls (--wrap). */
void __wrap_fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    if (peers[FAMILY_V4].engine == NULL) {
        __real_fib4_lookup(fib, dst, out, n);
    } else {
        peer_lookup(&peers[FAMILY_V4], dst, out, n);
    }
}

void __wrap_fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    if (peers[FAMILY_V6].engine == NULL) {
        __real_fib6_lookup(fib, dst, out, n);
    } else {
        peer_lookup(&peers[FAMILY_V6], dst, out, n);
    }
}

/* ---- Who takes turns */

#define WAYS_MAX 4
#define OURS     1

struct way {
    const char *name;
    const char *engines[FAMILIES]; /* of the lookups; NULL: there is no pipeline */
};

static const struct way ways[WAYS_MAX] = {
    {"io", {NULL, NULL}},
    {"anyfwd", {"anyfwd", "anyfwd"}},
    {"rte_lpm", {"rte_lpm", "rte_lpm6"}},
    {"rte_fib", {"rte_fib 2 B AVX-512", "rte_fib6 2 B AVX-512"}},
};

static const struct engines *const families[FAMILIES] = {[FAMILY_V4] = &engines_v4, [FAMILY_V6] = &engines_v6};

/* The tables of a way, loaded with the routes of the case. */
struct loaded {
    const struct engine *engines[FAMILIES];
    void *tables[FAMILIES];
    bool possible;
};

static const struct engine *find_engine(const struct engines *engines, const char *name)
{
    for (unsigned int i = 0; i < engines->count; i++) {
        if (strcmp(engines->list[i].name, name) == 0) {
            return &engines->list[i];
        }
    }
    return NULL;
}

static bool load_family(struct loaded *loaded, const struct site *site, enum family family, const char *name)
{
    const struct engine *engine = find_engine(families[family], name);
    size_t count = site->route_count[family];

    if (engine == NULL || (engine->most > 0 && count > engine->most)) {
        return false;
    }
    loaded->engines[family] = engine;
    loaded->tables[family] = engine->functions->create(engine, site->routes[family], count);
    return loaded->tables[family] != NULL &&
           (engine->functions->select == NULL || engine->functions->select(engine, loaded->tables[family]) == 0);
}

static void load(struct loaded *loaded, const struct way *way, const struct site *site)
{
    *loaded = (struct loaded){.possible = true};
    for (int family = 0; family < FAMILIES && way->engines[family] != NULL; family++) {
        if (site->route_count[family] > 0 && !load_family(loaded, site, (enum family)family, way->engines[family])) {
            loaded->possible = false;
        }
    }
}

static void unload(struct loaded *loaded)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (loaded->tables[family] != NULL) {
            loaded->engines[family]->functions->destroy(loaded->tables[family]);
        }
    }
}

static double run(struct site *site, const struct way *way, const struct loaded *own, const struct loaded *loaded,
                  uint64_t packets)
{
    struct pipe *pipe = &site->dp->workers[0]->pipe;

    if (way->engines[0] == NULL) {
        return site_run_io(site, packets);
    }
    /* ours are there for all, as what parse prefetches */
    pipe->fib4 = own->tables[FAMILY_V4] != NULL ? own->tables[FAMILY_V4] : site->dp->fib4;
    pipe->fib6 = own->tables[FAMILY_V6] != NULL ? own->tables[FAMILY_V6] : site->dp->fib6;
    for (int family = 0; family < FAMILIES; family++) {
        bool ours = loaded == own || loaded->tables[family] == NULL;

        peers[family] = ours ? (struct peer){0} : (struct peer){loaded->engines[family], loaded->tables[family]};
    }
    return site_run_worker(site, packets);
}

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

/* Negative: packets went astray. */
static double figure(struct site *site, const struct way *way, const struct loaded *own, const struct loaded *loaded)
{
    double cycles[SLICES];

    run(site, way, own, loaded, WARM);
    for (unsigned int i = 0; i < SLICES; i++) {
        cycles[i] = run(site, way, own, loaded, SLICE);
        if (cycles[i] < 0) {
            return cycles[i];
        }
    }
    qsort(cycles, SLICES, sizeof(cycles[0]), compare);
    return cycles[SLICES / 2];
}

static void measure_round(struct site *site, const struct bench_options *options, const struct site_case *one,
                          const struct loaded loaded[WAYS_MAX])
{
    for (unsigned int i = 0; i < WAYS_MAX; i++) {
        double cycles;

        if (!bench_impl_wanted(options, ways[i].name)) {
            continue;
        }
        if (!loaded[i].possible) {
            sample_print_impossible(one->name, ways[i].name, UNIT, "the table does not take these routes");
            continue;
        }
        cycles = figure(site, &ways[i], &loaded[OURS], &loaded[i]);
        if (cycles < 0) {
            sample_print_impossible(one->name, ways[i].name, UNIT, "packets went astray");
        } else {
            sample_print(one->name, ways[i].name, UNIT, cycles);
        }
    }
}

static void measure(struct site *site, const struct bench_options *options, const struct site_case *one)
{
    struct loaded loaded[WAYS_MAX];

    if (!bench_wanted(options, one->name)) {
        return;
    }
    if (site_set_up(site, one) != 0) {
        sample_print_impossible(one->name, ways[OURS].name, UNIT, "no memory");
        return;
    }
    for (unsigned int i = 0; i < WAYS_MAX; i++) {
        loaded[i] = (struct loaded){0};
        if (i == OURS || bench_impl_wanted(options, ways[i].name)) {
            load(&loaded[i], &ways[i], site);
        }
    }
    for (unsigned int round = 0; round < options->rounds; round++) {
        measure_round(site, options, one, loaded);
    }
    for (unsigned int i = 0; i < WAYS_MAX; i++) {
        unload(&loaded[i]);
    }
    site_clear(site);
}

/* ---- How the cost grows */

#define SWEEP_MAX 8

struct sweep {
    const char *format; /* of the name of a case */
    void (*set)(struct site_case *one, unsigned int value);
    unsigned int values[SWEEP_MAX]; /* up to the first 0, but for one at the front */
};

static void set_routes(struct site_case *one, unsigned int value)
{
    one->routes = value;
    one->destinations = DESTINATIONS_PREFIXES;
}

static void set_instances(struct site_case *one, unsigned int value)
{
    one->instances = value;
}

static void set_burst(struct site_case *one, unsigned int value)
{
    one->burst = value;
}

static void set_length(struct site_case *one, unsigned int value)
{
    one->length = value;
}

static void set_v6_percent(struct site_case *one, unsigned int value)
{
    one->v6_percent = value;
}

static const struct sweep sweeps[] = {
    {"grow: routes %u", set_routes, {1, 10, 100, 1000, 10000, 100000, 1000000}},
    {"grow: instances %u", set_instances, {1, 2, 4, 16, 64, 256, 1000}},
    {"grow: burst %u", set_burst, {1, 2, 4, 8, 16, 32, 64}},
    {"grow: frame bytes %u", set_length, {64, 128, 256, 512, 1024, 1518}},
    {"grow: v6 percent %u", set_v6_percent, {0, 25, 50, 75, 100}},
};

static void measure_sweep(struct site *site, const struct bench_options *options, const struct sweep *sweep)
{
    for (unsigned int i = 0; i < SWEEP_MAX && (i == 0 || sweep->values[i] != 0); i++) {
        struct site_case one = cases[0];
        char name[64];

        snprintf(name, sizeof(name), sweep->format, sweep->values[i]);
        one.name = name;
        sweep->set(&one, sweep->values[i]);
        measure(site, options, &one);
    }
}

int main(int argc, char **argv)
{
    static struct site site;
    struct bench_options options;
    struct table tables[FAMILIES];

    if (bench_options_parse(&options, argc, argv) != argc) {
        fprintf(stderr, "%s: too many arguments\n", argv[0]);
        return 2;
    }
    table_read(&tables[FAMILY_V4], 32);
    table_read(&tables[FAMILY_V6], 128);
    site_create(&site, tables);
    huge_pages_use();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        measure(&site, &options, &cases[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++) {
        measure_sweep(&site, &options, &sweeps[i]);
    }
    site_destroy(&site);
    table_free(&tables[FAMILY_V4]);
    table_free(&tables[FAMILY_V6]);
    return 0;
}
