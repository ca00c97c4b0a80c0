/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transactions: several calls of one connection, published as one generation, or not at all.
 *
 * Routes that are changed within one are in the table at once, as route.get shows, but are neither decided nor
 * installed before the commit. New peers and instances are made at once, as no route leads to them yet. A call that is
 * refused aborts the transaction, and so does its connection's end, or TXN_MAX_MS; everything is then taken back. There
 * is one at a time.
 */
#ifndef TXN_H
#define TXN_H

#include "methods.h"
#include "update.h"

#define TXN_MAX_MS 60000

struct txn;

/* The call's connection has one open. */
bool txn_is_open(const struct api_call *call);
/* Whether the call may change something now: 0; or API_ERR_ABORTED, if its transaction is aborted. */
int txn_check(struct api_call *call) MUST_USE;
/* The changes that a call has made, in their order, which an abort takes back. Takes over what they hold. 0 or -ENOMEM,
 * which takes over nothing. */
int txn_keep(struct api_call *call, const struct change *changes, size_t count) MUST_USE;
/* Withdraws the selected candidates within the transaction. 0 or an API error with a text. */
int txn_flush(struct api_call *call, const struct rib_selector *selector, size_t *flushed) MUST_USE;
/* A call made this peer or instance. */
void txn_made_peer(struct api_call *call, const char *name);
void txn_made_instance(struct api_call *call, const char *name);
/* A call was refused. */
void txn_fail(struct api_call *call);
/* Every 10 ms. */
void txn_tick(struct control *control, uint64_t now_ms);
void txn_close(struct control *control);

#endif
