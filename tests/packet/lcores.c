/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for dp/port/eal.c in tests: three lcores, so that there are two workers, on whatever processors there are,
 * and one EAL for all tests of a program.
 */
#include "eal.h"
#include <errno.h>
#include <rte_eal.h>
#include <stdio.h>
#include <unistd.h>

int eal_start(const struct eal_settings *settings, struct error *error)
{
    static bool started;
    static char lcores[64];
    char *arguments[] = {"test", lcores,     "--main-lcore=0", "--no-huge",      "--no-shconf",           "-m",
                         "256",  "--no-pci", "--no-telemetry", "--iova-mode=va", "--log-level=*:critical"};

    (void)settings;
    if (started) {
        return 0;
    }
    snprintf(lcores, sizeof(lcores), "--lcores=0@0,1@0,2@%d", sysconf(_SC_NPROCESSORS_ONLN) > 1);
    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0) {
        return error_set(error, -ENODEV, "no EAL");
    }
    started = true;
    return 0;
}

void eal_stop(void)
{
}
