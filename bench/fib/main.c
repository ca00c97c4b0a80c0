/* SPDX-License-Identifier: BSD-3-Clause */
/* bench-fib: our forwarding tables beside those of DPDK's libraries, in one process. */
#include "cases.h"
#include "huge.h"
#include <rte_eal.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void eal_start(const char *program)
{
    char lcore[16];
    char *arguments[] = {(char *)(uintptr_t)program,
                         "--no-huge",
                         "--no-shconf",
                         "--no-pci",
                         "--log-level=error",
                         "--force-max-simd-bitwidth=512",
                         "-m8192", /* address space, until it is used */
                         "-l",
                         lcore};

    snprintf(lcore, sizeof(lcore), "%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0) {
        fprintf(stderr, "the EAL does not start: %s\n", rte_strerror(rte_errno));
        exit(1);
    }
    huge_pages_use();
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct table v4;
    struct table v6;

    if (bench_options_parse(&options, argc, argv) != argc) {
        fprintf(stderr, "%s: too many arguments\n", argv[0]);
        return 2;
    }
    eal_start(argv[0]);
    table_read(&v4, 32);
    table_read(&v6, 128);
    fprintf(stderr, "tables: %zu and %zu routes, %s\n", v4.count, v6.count, v4.source);
    lookup_cases(&options, &engines_v4, &v4);
    lookup_cases(&options, &engines_v6, &v6);
    update_cases(&options, &engines_v4, &v4);
    update_cases(&options, &engines_v6, &v6);
    reader_cases(&options, &engines_v4, &v4);
    reader_cases(&options, &engines_v6, &v6);
    table_free(&v4);
    table_free(&v6);
    return 0;
}
