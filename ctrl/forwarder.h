/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Installer, data plane and site, wired together: all of anyfwd but its event loop and its sockets. The daemon and the
 * replay differ in what they put around it.
 */
#ifndef FORWARDER_H
#define FORWARDER_H

#include "apply.h"
#include "methods.h"

struct forwarder {
    struct plan plan;       /* made by plan_make() before forwarder_open() */
    struct control control; /* what the API's methods work on */
};

/* Opens what the plan says, each step that can refuse before the next one touches more, and applies the configuration,
 * which must outlive it. No worker runs yet. 0 or -errno with a text; close it either way. */
int forwarder_open(struct forwarder *forwarder, const struct config *config, const char *bpf_object,
                   struct error *error) MUST_USE;
void forwarder_close(struct forwarder *forwarder);
/* Every 10 ms. */
void forwarder_tick(struct forwarder *forwarder, uint64_t now_ms);

#endif
