/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration, made true: at start against nothing, at a reload against the one in force. */
#ifndef APPLY_H
#define APPLY_H

#include "config.h"
#include "dp.h"
#include "install.h"
#include "site.h"

/* Memory that the settings made below point into. */
struct plan {
    struct dp_settings dp;
    struct port_settings ports[PIPE_PORTS_MAX];
    char *arguments[PIPE_PORTS_MAX]; /* of ports whose argument is made of two */
    struct port_memif memifs[PIPE_PORTS_MAX];
    struct install_port install_ports[PIPE_PORTS_MAX];
    unsigned int port_count;
    const char *pci[PIPE_PORTS_MAX];
    unsigned int anycast_count;
    struct prefix *anycast;
    struct site_anycast *site_anycast;
    struct best_options decision;
};

/* What main hands to dp_create(), install_open() and site_create(); borrows from the configuration. 0 or -errno with a
 * text. */
int plan_make(const struct config *config, struct plan *plan, struct error *error) MUST_USE;
void plan_free(struct plan *plan);

/* Brings peers, instances, routes, decision rules and anycast prefixes from `before` (NULL: nothing) to `after`, as one
 * generation. What cannot be done is logged and told in the result, and the rest is done. 0 or the first -errno. */
int apply_config(struct site *site, struct install *install, const struct config *before, const struct config *after,
                 struct error *error) MUST_USE;

#endif
