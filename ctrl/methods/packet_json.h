/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets, and what became of them, as the API tells it. New references; NULL: no memory. */
#ifndef PACKET_JSON_H
#define PACKET_JSON_H

#include "dp_watch.h"
#include "methods.h"

/* {length, bytes, source_mac, ...}: the first bytes of a frame, and what its headers say. */
json_t *json_frame(const uint8_t *bytes, uint32_t captured, uint32_t length);
/* {packet, steps}: a packet, and what each stage did with it. Names are those of now: an adjacency or a path list that
 * the control thread has given to something else since would have the new name, within the few ms between the packet
 * and its telling. */
json_t *json_trace(const struct control *control, const struct trace_record *record);
/* It is neither waiting, nor told for the second time. */
bool trace_has_ended(const struct trace_record *record);

#endif
