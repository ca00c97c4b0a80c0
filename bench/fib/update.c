/* SPDX-License-Identifier: BSD-3-Clause */
/* Full tables built whole, and changed: a tenth of the routes deleted and set again, each time in another order. */
#include "cases.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHURN 10 /* one route of so many */

static const char *size_name(const struct engines *engines)
{
    return engines->bits == 32 ? "v4 1M" : "v6 242k";
}

/* Of this thread's CPU time: building and changing wait for nothing, and what else runs on the CPU does not count. */
static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void shuffle(struct table_route *routes, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = table_random(state) % i;
        struct table_route route = routes[i - 1];

        routes[i - 1] = routes[other];
        routes[other] = route;
    }
}

static void changes_measure(const struct engine *engine, void *fib, const char *name, struct table_route *routes,
                            size_t count, int (*change)(void *fib, const struct table_route *route))
{
    double start = seconds_now();
    size_t failed = 0;
    double seconds;
    char why[64];

    for (size_t i = 0; i < count; i++) {
        failed += change(fib, &routes[i]) != 0;
    }
    seconds = seconds_now() - start;
    if (failed == 0) {
        sample_print(name, engine->name, "us", seconds * 1e6 / (double)count);
    } else {
        snprintf(why, sizeof(why), "%zu of %zu changes refused", failed, count);
        sample_print_impossible(name, engine->name, "us", why);
    }
}

/* One round of one engine. */
static void engine_measure(const struct bench_options *options, const struct engine *engine, const char *const names[3],
                           const struct table *table, uint64_t *state)
{
    size_t count = table->count / CHURN;
    struct table_route *changed = malloc(count * sizeof(*changed));
    double start = seconds_now();
    void *fib = engine->functions->create(engine, table->routes, table->count);
    double seconds = seconds_now() - start;

    if (changed == NULL || fib == NULL) {
        sample_print_impossible(names[0], engine->name, "s", "no such table");
        free(changed);
        return;
    }
    sample_print(names[0], engine->name, "s", seconds);
    if (engine->functions->del != NULL && bench_wanted(options, names[1])) {
        memcpy(changed, table->routes, count * sizeof(*changed));
        shuffle(changed, count, state);
        changes_measure(engine, fib, names[1], changed, count, engine->functions->del);
        shuffle(changed, count, state);
        changes_measure(engine, fib, names[2], changed, count, engine->functions->set);
    }
    engine->functions->destroy(fib);
    free(changed);
}

void update_cases(const struct bench_options *options, const struct engines *engines, const struct table *table)
{
    static const char *const what[3] = {"build", "del", "set"};
    char texts[3][64];
    const char *const names[3] = {texts[0], texts[1], texts[2]};
    bool wanted = false;
    uint64_t state = 1;

    for (unsigned int i = 0; i < 3; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s %s", size_name(engines), what[i]);
        wanted = wanted || bench_wanted(options, names[i]);
    }
    for (unsigned int round = 0; wanted && round < options->rounds; round++) {
        for (unsigned int i = 0; i < engines->count; i++) {
            const struct engine *engine = &engines->list[i];

            if (!engine->shares && engine->most == 0 && bench_impl_wanted(options, engine->name)) {
                engine_measure(options, engine, names, table, &state);
            }
        }
    }
}
