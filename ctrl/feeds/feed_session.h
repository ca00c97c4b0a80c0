/* SPDX-License-Identifier: BSD-3-Clause */
/* The sink of a source: a session of the site. Inside ctrl/feeds. */
#ifndef FEED_SESSION_H
#define FEED_SESSION_H

#include "config.h"
#include "feed.h"
#include "session.h"

struct feed_session {
    struct feed_sink sink; /* owner: this */
    struct site *site;
    const char *name;
    uint16_t id;
    bool told_full;  /* that there is no room was logged */
    bool ending;     /* it has been gone for its time: what it told goes, however much it is */
    bool told_limit; /* that a route was refused */
};

/* name must outlive it; `source` says what it is, for people. 0 or -errno with a text. */
int feed_session_open(struct feed_session *session, struct site *site, uint32_t own_as, const char *name,
                      const char *source, struct error *error) MUST_USE;
/* What it may announce from now on. 0 or -ENOMEM. */
int feed_session_limit(struct feed_session *session, const struct config_limits *limits) MUST_USE;
/* Its routes and peers go; to be committed. */
void feed_session_close(struct feed_session *session);
/* Candidates that it has in the site. */
uint32_t feed_session_routes(const struct feed_session *session);

#endif
