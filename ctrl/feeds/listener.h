/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that sources share: routers of several feeds may connect to one address. Inside ctrl/feeds. */
#ifndef LISTENER_H
#define LISTENER_H

#include "source.h"

/* The source's socket, made if no other source has it yet. 0 or -errno with a text. */
int listener_get(struct source *source, struct error *error) MUST_USE;
/* None is fine. */
void listener_put(struct source *source);

#endif
