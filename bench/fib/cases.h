/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of bench-fib. Each measures, of its cases, those that are wanted, and prints samples. */
#ifndef CASES_H
#define CASES_H

#include "engine.h"
#include "sample.h"

void lookup_cases(const struct bench_options *options, const struct engines *engines, const struct table *table);
/* Full tables built, and changed route by route. */
void update_cases(const struct bench_options *options, const struct engines *engines, const struct table *table);
/* Our lookups while another thread changes the table. */
void reader_cases(const struct bench_options *options, const struct engines *engines, const struct table *table);

#endif
