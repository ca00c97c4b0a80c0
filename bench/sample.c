/* SPDX-License-Identifier: BSD-3-Clause */
#include "sample.h"
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALIBRATION_NS 50000000

static void usage(const char *program)
{
    fprintf(stderr, "usage: %s [--rounds N] [--cases REGEX] [--impls REGEX] [OPTION]...\n", program);
    exit(2);
}

int bench_options_parse(struct bench_options *options, int argc, char **argv)
{
    const char *cases = "";
    const char *impls = "";
    int next = 1;

    options->rounds = 1;
    for (; next + 1 < argc; next += 2) {
        if (strcmp(argv[next], "--rounds") == 0) {
            options->rounds = (unsigned int)strtoul(argv[next + 1], NULL, 10);
        } else if (strcmp(argv[next], "--cases") == 0) {
            cases = argv[next + 1];
        } else if (strcmp(argv[next], "--impls") == 0) {
            impls = argv[next + 1];
        } else {
            break;
        }
    }
    if (options->rounds == 0 || regcomp(&options->cases, cases, REG_EXTENDED | REG_NOSUB) != 0 ||
        regcomp(&options->impls, impls, REG_EXTENDED | REG_NOSUB) != 0) {
        usage(argv[0]);
    }
    return next;
}

bool bench_wanted(const struct bench_options *options, const char *name)
{
    return regexec(&options->cases, name, 0, NULL, 0) == 0;
}

bool bench_impl_wanted(const struct bench_options *options, const char *name)
{
    return regexec(&options->impls, name, 0, NULL, 0) == 0;
}

void sample_print(const char *name, const char *impl, const char *unit, double value)
{
    printf("{\"case\": \"%s\", \"impl\": \"%s\", \"unit\": \"%s\", \"value\": %.6g}\n", name, impl, unit, value);
    fflush(stdout);
}

void sample_print_impossible(const char *name, const char *impl, const char *unit, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", name, impl, why);
    printf("{\"case\": \"%s\", \"impl\": \"%s\", \"unit\": \"%s\", \"value\": null}\n", name, impl, unit);
    fflush(stdout);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double tsc_per_second(void)
{
    static double rate;

    if (rate == 0) {
        uint64_t start_ns = now_ns();
        uint64_t start = rte_rdtsc();
        uint64_t ns;

        do {
            ns = now_ns() - start_ns;
        } while (ns < CALIBRATION_NS);
        rate = (double)(rte_rdtsc() - start) * 1e9 / (double)ns;
    }
    return rate;
}
