/* SPDX-License-Identifier: BSD-3-Clause */
/* From a port's settings to DPDK's device arguments. Pure. */
#ifndef DEVARGS_H
#define DEVARGS_H

#include "port.h"
#include <stddef.h>

/* Writes "driverN,key=value,..." for rte_dev_probe(). 0, or -EINVAL if it does not fit or the argument is not of the
 * kind's form. Of an AF_XDP port: of its first queue. */
int devargs_format(const struct port_settings *settings, unsigned int index, char *out, size_t size) MUST_USE;
/* The same for a queue of an AF_XDP port, which is a device of its own. */
int devargs_format_xdp(const char *interface, unsigned int index, unsigned int queue, char *out, size_t size) MUST_USE;
/* The same for the kernel twin. */
int devargs_format_twin(const char *twin, unsigned int index, const uint8_t mac[6], char *out, size_t size) MUST_USE;

#endif
