/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP addresses and prefixes of both families.
 *
 * Values, copied freely. Both structs are free of padding and every unused byte is zero, so memcmp() compares and a
 * hash may run over them.
 */
#ifndef ADDR_H
#define ADDR_H

#include "attributes.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum family { FAMILY_V4, FAMILY_V6, FAMILIES };

struct ip_addr {
    uint8_t family;    /* enum family */
    uint8_t bytes[16]; /* network byte order; IPv4 in the first four, the rest zero */
};

struct prefix {
    struct ip_addr addr; /* host bits zero */
    uint8_t length;      /* 0 to family_bits() */
};

static_assert(sizeof(struct ip_addr) == 17 && sizeof(struct prefix) == 18, "no padding: compared with memcmp");

#define IP_ADDR_STRLEN 46
#define PREFIX_STRLEN  50

/* 32 or 128 */
static inline unsigned int family_bits(unsigned int family)
{
    return family == FAMILY_V4 ? 32 : 128;
}

/* 4 or 16 */
static inline unsigned int family_bytes(unsigned int family)
{
    return family_bits(family) / 8;
}

/* 0, or -EINVAL: not an address as inet_pton(3) reads it. */
int ip_addr_parse(const char *text, struct ip_addr *out) MUST_USE;
/* Writes at most IP_ADDR_STRLEN bytes and returns out. */
char *ip_addr_format(const struct ip_addr *addr, char *out);
struct ip_addr ip_addr_v4(uint32_t host_order);
struct ip_addr ip_addr_v6(const uint8_t bytes[16]);
/* An IPv4 address in host byte order. */
uint32_t ip_addr_to_u32(const struct ip_addr *addr);
/* fe80::/10 (RFC 4291); no IPv4 address counts. */
bool ip_addr_is_link_local(const struct ip_addr *addr);
/* 127/8, ::1 */
bool ip_addr_is_loopback(const struct ip_addr *addr);

/* "192.0.2.0/24"; an address alone is a host prefix. 0, -EINVAL (syntax), or -EDOM (bits set beyond the length). */
int prefix_parse(const char *text, struct prefix *out) MUST_USE;
/* Writes at most PREFIX_STRLEN bytes and returns out. */
char *prefix_format(const struct prefix *prefix, char *out);
/* The host prefix of an address. */
struct prefix prefix_host(const struct ip_addr *addr);
/* The prefix of that length that holds the address; length <= family_bits(). */
struct prefix prefix_of(const struct ip_addr *addr, unsigned int length);
bool prefix_contains(const struct prefix *prefix, const struct ip_addr *addr);
/* Every address of `inner` is one of `outer`. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
/* Order: family, address, length (a covering prefix comes before what it covers). */
int prefix_compare(const struct prefix *a, const struct prefix *b);
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

#endif
