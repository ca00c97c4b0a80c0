/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the operator has set over the API outlives the daemon: peers, instances, what was said of instances (down,
 * drain) and routes, in one file, STATE_DIR/SITE/operator.jsonl. What the configuration file sets is not in it, and
 * wins where both set the same thing. What sessions set is their own to say again.
 *
 * The file is written anew beside the old one, by parts between which the loop serves others, and takes its place when
 * it is complete: whatever ends the daemon, at any moment, leaves one that loads. A small state is written before the
 * call that changed it is answered, but for floods of calls: 20 and then one each STATE_REST_MS are. What cannot be
 * written, as on a full disk, is told once in the log and tried again every 2 s.
 *
 *     {"peer": PARAMS of peer.set}
 *     {"instance": PARAMS of instance.set}
 *     {"admin": {"name": NAME, "method": "instance.down"}}
 *     {"route": CANDIDATE}
 *     {"end": true}
 */
#ifndef STATE_H
#define STATE_H

#include "methods.h"

#define STATE_REST_MS 100

/* Reads the file, if there is one. What of it cannot be is logged, and the rest is done. The directory is made. */
void state_restore(struct control *control);
/* A call of the operator's has succeeded. now: false within a transaction, whose commit is to be saved. */
void state_changed(struct control *control, const char *method, const json_t *params, bool now);
/* Every 10 ms. */
void state_tick(struct control *control, uint64_t now_ms);
/* Writes what is not written yet, and forgets. */
void state_close(struct control *control);

#endif
