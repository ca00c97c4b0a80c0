/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device of a case receives. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include "site.h"

#define TRAFFIC_TTL 64

/* 128.0.0.0/2 or 2001:200::/60 in sixteen parts, which are where destinations lie that are not chosen by route. */
#define TRAFFIC_PARTS 16
struct table_route traffic_part(enum family family, unsigned int i);

/* Fills in site->traffic for the case and its routes, and feed->stream with it. 0 or -ENOMEM. */
int traffic_create(struct site *site, const struct site_case *one);
void traffic_free(struct site *site);
/* Whether a frame that was sent is as a router should send it. */
bool traffic_is_right(const uint8_t *frame);

#endif
