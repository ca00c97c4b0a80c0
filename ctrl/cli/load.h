/* SPDX-License-Identifier: BSD-3-Clause */
/* anyctl load: hands an open file to the daemon, and shows how far it is. */
#ifndef LOAD_H
#define LOAD_H

#include "error.h"
#include <jansson.h>
#include <stdbool.h>

/* params: {"file", "name"?}. Waits until the load has ended, with a progress line on standard error if that is a
 * terminal; `quiet`: without any text but the errors'. *feed (a new reference): the load as feed.list has it in the
 * end; NULL if the daemon refused, and then *answer has its words (a new reference). 0; -ENOENT and the like: the file
 * cannot be opened; another -errno: the daemon cannot be reached. */
int load_file(const char *socket, json_t *params, bool quiet, json_t **feed, json_t **answer,
              struct error *error) MUST_USE;

/* "routes  62 %  [######....]  620000 routes  410000/s  0:01 left" for a feed of feed.list that is being loaded. */
void load_progress(const json_t *feed, char *out, size_t size);

#endif
