/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sources of the configuration, running: each has a session of the site, named after it, and speaks to it through
 * feed.h. And the files that were loaded: a name each, with a session of its own.
 *
 * A source whose other end goes away keeps its routes as stale for stale_s, used as before; one that comes back within
 * that time tells everything anew, and what it did not tell again is swept when it has told all it has: at its own word
 * where it has one (BMP's End-of-RIB), else when it has been silent for some seconds.
 *
 * Control thread only.
 */
#ifndef FEEDS_H
#define FEEDS_H

#include "config.h"
#include "feed_bgp.h"
#include "loop.h"
#include "site.h"

struct feeds;

/* NULL: no memory. `site` and `loop` must outlive it. */
struct feeds *feeds_create(struct site *site, struct loop *loop, uint32_t own_as);
/* Takes the routes of all away, without deciding anything. NULL is fine. */
void feeds_destroy(struct feeds *feeds);

/* Starts and stops sources until they are those of the configuration; one that is the same goes on. What cannot be
 * started is logged and told in the result, and the rest is done. 0 or the first -errno. */
int feeds_apply(struct feeds *feeds, const struct config *config, struct error *error) MUST_USE;

/* Loads an MRT file in the background: takes over the descriptor, also if it fails. A load of the same name must have
 * ended; its routes stay, and those that a table in the new file does not have go at its end. 0; -EBUSY: it is still
 * under way; -EEXIST: the name is a source's of the configuration; -EINVAL: no file; -ENOMEM. */
int feeds_load(struct feeds *feeds, const char *name, int fd, struct error *error) MUST_USE;
/* Ends the load, and takes its routes away. 0 or -ENOENT. */
int feeds_unload(struct feeds *feeds, const char *name, struct error *error) MUST_USE;

enum feed_state {
    FEED_WAITING,   /* for its other end; it has told nothing, or what it told has gone */
    FEED_SYNCING,   /* connected, and telling what it has */
    FEED_CONNECTED, /* has told all it had, and tells what changes */
    FEED_STALE,     /* gone; its routes are still used */
    FEED_LOADING,   /* a file */
    FEED_LOADED,
    FEED_FAILED,
};

/* One source, for people. Pointers are good until the source changes. */
struct feed_info {
    const char *name;
    const char *type; /* "bmp", "fpm", "kernel", "mrt" */
    enum feed_state state;
    const char *why;         /* it failed or is gone; NULL: nothing to tell */
    const char *description; /* its own words; NULL */
    const char *warning;     /* what is known to be wrong with such a one; NULL */
    uint32_t peers;          /* that are up; of those that know */
    uint32_t routes;         /* candidates in the site */
    uint16_t session;        /* its number */
    struct feed_counts counts;
    uint64_t position; /* a file: bytes used, and of how many; 0: not known */
    uint64_t size;
    uint64_t elapsed_ms; /* since the load began, or until it ended */
};

/* Calls for each source. */
void feeds_each(const struct feeds *feeds, void (*call)(void *context, const struct feed_info *info), void *context);

#endif
