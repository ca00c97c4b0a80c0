/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket of a memif: what DPDK's driver leaves to others. Control thread only. */
#ifndef MEMIF_H
#define MEMIF_H

#include "port.h"

/* Before any device is made; nothing for ports of other kinds. A server's socket that a killed process left behind is
 * removed, and the reasons for which the driver would only fail are told: no folder for the socket, or nobody who
 * listens on a client's (of abstract names only the driver can tell). 0 or -errno with a text. */
int memif_prepare(const struct port_settings *port, struct error *error) MUST_USE;

#endif
