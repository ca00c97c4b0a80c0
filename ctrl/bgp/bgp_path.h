/* SPDX-License-Identifier: BSD-3-Clause */
/* AS_PATH and AS4_PATH from the wire. Inside ctrl/bgp. */
#ifndef BGP_PATH_H
#define BGP_PATH_H

#include "bgp_attributes.h"

/* Numbers of two or four octets. False: malformed as RFC 7606 7.2 has it. */
bool bgp_path_parse(struct span bytes, bool as4, struct bgp_path_room *room, struct as_path *out);
/* Makes of `path` what a speaker of two octets and the AS4_PATH say together (RFC 6793 4.2.3): the beginning of `path`
 * that the other does not reach back to, and then `as4`. */
void bgp_path_merge(struct as_path *path, const struct as_path *as4, struct bgp_path_room *room);

#endif
