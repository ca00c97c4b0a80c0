/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The withdraw breaker of a session (breaker.h), and what becomes of withdrawals that it does not let through.
 *
 * A client of the API is told, and may ask again later. A feed cannot be: what it withdraws stays as it was, stale and
 * `held`, until somebody confirms that it is to go, or the feed announces it again. When nothing is held any more the
 * breaker is as before.
 *
 * What a session has lost for a reason of its own is no withdrawal: a peer that is down, a session that ends, what was
 * stale for its time. It goes, however much it is.
 */
#ifndef SESSION_BREAKER_H
#define SESSION_BREAKER_H

#include "session.h"

/* The prefixes that the session has. Finishes what still changes their number. */
uint32_t site_session_prefixes(struct site *site, uint16_t id);
/* Whether the session may lose so many prefixes of those that it has, or had before the caller took some away. */
bool site_session_lets(struct site *site, uint16_t id, uint32_t has, uint32_t lose);
/* How many prefixes the session would have no more without the selected ones of its candidates. Walks all prefixes at
 * once: 42 ms for a million. */
uint32_t site_session_loss(struct site *site, uint16_t id, const struct rib_selector *selector);
/* The client was told that it may not: tripped until somebody confirms, or what is held is announced again. */
void site_session_refused(struct site *site, uint16_t id);

/* As site_route_del() for a feed: holds the candidate if it may not go. */
void site_route_withdraw(struct site *site, const struct prefix *prefix, const struct candidate_key *key);
/* As site_session_sweep(). False: too much would go, and is held. */
bool site_session_sweep_if_let(struct site *site, uint16_t id, const uint16_t *peer_id, size_t *swept);
/* The session has announced a route to the prefix: what is held of it there is replaced by that. */
void site_session_announced(struct site *site, uint16_t id, const struct prefix *prefix);
/* What it has lost since the last look was right. */
void site_session_rebase(struct site *site, uint16_t id);

/* What is held goes, and so may everything for the next window. How many went. To be committed. */
size_t site_session_confirm(struct site *site, uint16_t id);
/* How many sessions' breakers are tripped. */
uint32_t site_breakers_tripped(const struct site *site);

#endif
