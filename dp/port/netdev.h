/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of an interface, before the control thread's mirror of it exists. Any thread. */
#ifndef NETDEV_H
#define NETDEV_H

/* 0: there is no such interface. */
unsigned int netdev_mtu(const char *name);
/* Receive queues; 1 where the driver does not tell. */
unsigned int netdev_queues(const char *name);

#endif
