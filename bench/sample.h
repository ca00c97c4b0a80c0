/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmark programs share: which cases and how many rounds are wanted, and how a figure reaches bench/run
 * (bench/rounds.py): a JSON line on standard output.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

struct bench_options {
    unsigned int rounds;
    regex_t cases;
    regex_t impls;
};

/* Reads "--rounds N --cases REGEX --impls REGEX" at the front of the arguments; returns the index of the first one
 * behind them. Exits with a message if they are wrong. */
int bench_options_parse(struct bench_options *options, int argc, char **argv);
bool bench_wanted(const struct bench_options *options, const char *name);
bool bench_impl_wanted(const struct bench_options *options, const char *name);

/* The figure of one round. Names hold no quote and no backslash. */
void sample_print(const char *name, const char *impl, const char *unit, double value);
/* It cannot be done; standard error says why. */
void sample_print_impossible(const char *name, const char *impl, const char *unit, const char *why);

/* TSC ticks a second, measured once against the monotonic clock. */
double tsc_per_second(void);

#endif
