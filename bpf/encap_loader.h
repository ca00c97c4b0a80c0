/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads the program that puts packets of this host into tunnels, and keeps its table of headers. A route names the
 * program (kernel_way_set()), and holds it as long as there is the route. Control thread only. encap_open() needs
 * CAP_BPF and CAP_NET_ADMIN, what comes after no capability.
 */
#ifndef ENCAP_LOADER_H
#define ENCAP_LOADER_H

#include "addr.h"
#include "attributes.h"
#include "error.h"

struct encap;

/* As program_load(), and -ENOMEM; changes nothing on failure. */
int encap_open(const char *object_path, struct encap **out, struct error *error) MUST_USE;
/* NULL is fine. */
void encap_close(struct encap *encap);
/* The program's descriptor, for a route. */
int encap_program(const struct encap *encap);

/* Packets of the family with this mark get the header, from the outer IP header on, and go on with the mark `onward`.
 * Replaces. 0; -EINVAL: longer than ENCAP_HEADER_MAX; -E2BIG: ENCAP_MAX_HEADERS are in the table; -ENOMEM. */
int encap_set(struct encap *encap, uint32_t mark, enum family family, const uint8_t *header, unsigned int length,
              uint32_t onward) MUST_USE;
/* What is not there is gone. */
void encap_del(struct encap *encap, uint32_t mark, enum family family);

#endif
