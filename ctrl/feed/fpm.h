/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of FRR's Forwarding Plane Manager interface as "zebra -M dplane_fpm_nl" sends them (FRR fpm/fpm.h): a header
 * of four bytes (version 1, type 1, length in network byte order), and netlink messages. A route that changes is a
 * withdrawal and an announcement in one frame, so nothing may be decided in the middle of one.
 */
#ifndef FPM_H
#define FPM_H

#include "nl_table.h"
#include "span.h"

/* Handles the frames at the front of the span, which are then behind, until `frames` of them are done or no whole one
 * is left. How many; -EBADMSG: this is no FPM; -ENOMEM. A message inside that is malformed is counted, and costs what
 * follows it in its frame. */
int fpm_read(struct nl_table *table, struct span *bytes, int frames) MUST_USE;

#endif
