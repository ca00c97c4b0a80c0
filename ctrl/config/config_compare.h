/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What differs between two configurations: what a reload (SIGHUP, config.reload) acts on.
 *
 * Effective values are compared, so a default written out or left away, the order of a section's items and comments are
 * no difference. Pure.
 */
#ifndef CONFIG_COMPARE_H
#define CONFIG_COMPARE_H

#include "config.h"

/* The lists of named things. */
enum config_section {
    CONFIG_PORTS,     /* struct config_port, by name */
    CONFIG_ANYCAST,   /* struct config_anycast, by prefix */
    CONFIG_PEERS,     /* struct config_peer, by name */
    CONFIG_INSTANCES, /* struct config_instance, by name */
    CONFIG_ROUTES,    /* struct config_route, by (prefix, peer, path_id) */
    CONFIG_SECTIONS
};

/* One thing of a section as it was and as it is to be: `before` NULL: added, `after` NULL: removed, neither: changed.
 * Points into the two configurations. A result other than 0 ends the walk. */
typedef int config_visit_fn(void *context, const void *before, const void *after);

/* Calls visit for each difference in a section, in the order of the things' names. 0, -ENOMEM before the first call, or
 * what visit returned. Instances and peers must be there before the routes that name them: take the sections in order
 * for what is added or changed, and backwards for what is removed. */
int config_diff(const struct config *before, const struct config *after, enum config_section section,
                config_visit_fn *visit, void *context) MUST_USE;

/* All of a top-level key is equal in both; key: "decision", "ports", ...; false if there is no such key. Lists: also in
 * the same order. */
bool config_same(const struct config *a, const struct config *b, const char *key);
/* True for every key. */
bool config_equal(const struct config *a, const struct config *b);

/* True if something differs that only a restart can change; its keys go to *keys: "site.name, ports". */
bool config_needs_restart(const struct config *before, const struct config *after, struct error *keys);

#endif
