/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink over a bare RIB, in place of the site: what a source has told, to be read as text. */
#ifndef TABLE_H
#define TABLE_H

#include "feed.h"

struct table;

struct table *table_create(void);
void table_destroy(struct table *table);
/* As it was made. */
void table_reset(struct table *table);
struct feed_sink *table_sink(struct table *table);
/* "PREFIX PEER[#PATH_ID] via NEXT_HOP as AS,AS pref N med N" a route, in the order of prefixes, "; " in between; stale
 * ones end in "!". Only prefixes inside `within`, unless it is NULL. The text is good until the next call. */
const char *table_text(struct table *table, const char *within);
/* "NAME as N type T id X" a peer, in the order of their numbers. */
const char *table_peers(struct table *table);
size_t table_count(const struct table *table);
unsigned int table_commits(const struct table *table);
/* Prefixes that were without a route at a commit, having had one before it. */
unsigned int table_holes(const struct table *table);
/* The file of captured bytes beside the source tree, or NULL: it is not there. To be freed. HEX lines only, each as
 * (uint32_t length, bytes). */
uint8_t *table_capture(const char *name, size_t *length);

#endif
