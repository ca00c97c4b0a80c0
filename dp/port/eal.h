/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting DPDK's environment abstraction layer, once a process. */
#ifndef EAL_H
#define EAL_H

#include "attributes.h"
#include "error.h"
#include <stdbool.h>

enum hugepages { HUGEPAGES_AUTO, HUGEPAGES_YES, HUGEPAGES_NO };

struct eal_settings {
    enum hugepages hugepages; /* auto: if enough are free for memory_mb */
    unsigned int memory_mb;
    unsigned int control_lcore; /* may be one of worker_lcores[], if these are fewer than RTE_MAX_LCORE */
    const unsigned int *worker_lcores;
    unsigned int worker_count;
    const char *const *pci; /* addresses of devices to take; no other PCI device is touched */
    unsigned int pci_count;
    const char *const *plugins; /* driver libraries to load */
    unsigned int plugin_count;
    const char *const *extra; /* further arguments, as written */
    unsigned int extra_count;
};

/* Leaves the calling thread on control_lcore. 0 or -errno with a text. */
int eal_start(const struct eal_settings *settings, struct error *error) MUST_USE;
void eal_stop(void);

#endif
