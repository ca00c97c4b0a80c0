/* SPDX-License-Identifier: BSD-3-Clause */
#include "addr.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int address_family(unsigned int family)
{
    return family == FAMILY_V4 ? AF_INET : AF_INET6;
}

int ip_addr_parse(const char *text, struct ip_addr *out)
{
    struct ip_addr addr = {.family = strchr(text, ':') != NULL ? FAMILY_V6 : FAMILY_V4};

    if (inet_pton(address_family(addr.family), text, addr.bytes) != 1) {
        return -EINVAL;
    }
    *out = addr;
    return 0;
}

char *ip_addr_format(const struct ip_addr *addr, char *out)
{
    if (inet_ntop(address_family(addr->family), addr->bytes, out, IP_ADDR_STRLEN) == NULL) {
        out[0] = '\0';
    }
    return out;
}

struct ip_addr ip_addr_v4(uint32_t host_order)
{
    struct ip_addr addr = {.family = FAMILY_V4};
    uint32_t be = htonl(host_order);

    memcpy(addr.bytes, &be, sizeof(be));
    return addr;
}

struct ip_addr ip_addr_v6(const uint8_t bytes[16])
{
    struct ip_addr addr = {.family = FAMILY_V6};

    memcpy(addr.bytes, bytes, sizeof(addr.bytes));
    return addr;
}

uint32_t ip_addr_to_u32(const struct ip_addr *addr)
{
    uint32_t be;

    memcpy(&be, addr->bytes, sizeof(be));
    return ntohl(be);
}

bool ip_addr_is_link_local(const struct ip_addr *addr)
{
    return addr->family == FAMILY_V6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

bool ip_addr_is_loopback(const struct ip_addr *addr)
{
    static const struct ip_addr v6_loopback = {.family = FAMILY_V6, .bytes = {[15] = 1}};

    return addr->family == FAMILY_V4 ? addr->bytes[0] == 127 : ip_addr_equal(addr, &v6_loopback);
}

/* The bits of byte `index` that lie inside a prefix of this length. */
static uint8_t length_mask(unsigned int length, unsigned int index)
{
    if (length >= (index + 1) * 8) {
        return 0xff;
    }
    return length <= index * 8 ? 0 : (uint8_t)(0xff00 >> (length - index * 8));
}

struct prefix prefix_of(const struct ip_addr *addr, unsigned int length)
{
    struct prefix prefix = {.addr = *addr, .length = (uint8_t)length};

    for (unsigned int i = 0; i < sizeof(addr->bytes); i++) {
        prefix.addr.bytes[i] &= length_mask(length, i);
    }
    return prefix;
}

struct prefix prefix_host(const struct ip_addr *addr)
{
    return prefix_of(addr, family_bits(addr->family));
}

/* Digits only, no sign, no leading zero beyond "0" itself; -EINVAL if not a number from 0 to max. */
static int length_parse(const char *text, unsigned int max)
{
    unsigned int value = 0;

    if (*text == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return -EINVAL;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return -EINVAL;
        }
        value = value * 10 + (unsigned int)(*text - '0');
        if (value > max) {
            return -EINVAL;
        }
    }
    return (int)value;
}

int prefix_parse(const char *text, struct prefix *out)
{
    char address[IP_ADDR_STRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct ip_addr addr;
    struct prefix prefix;
    int length;

    if (n >= sizeof(address)) {
        return -EINVAL;
    }
    memcpy(address, text, n);
    address[n] = '\0';
    if (ip_addr_parse(address, &addr) != 0) {
        return -EINVAL;
    }
    length = slash != NULL ? length_parse(slash + 1, family_bits(addr.family)) : (int)family_bits(addr.family);
    if (length < 0) {
        return length;
    }
    prefix = prefix_of(&addr, (unsigned int)length);
    if (!ip_addr_equal(&prefix.addr, &addr)) {
        return -EDOM;
    }
    *out = prefix;
    return 0;
}

char *prefix_format(const struct prefix *prefix, char *out)
{
    char address[IP_ADDR_STRLEN];

    snprintf(out, PREFIX_STRLEN, "%s/%u", ip_addr_format(&prefix->addr, address), prefix->length);
    return out;
}

bool prefix_contains(const struct prefix *prefix, const struct ip_addr *addr)
{
    struct prefix truncated;

    if (prefix->addr.family != addr->family) {
        return false;
    }
    truncated = prefix_of(addr, prefix->length);
    return prefix_equal(&truncated, prefix);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
    return outer->length <= inner->length && prefix_contains(outer, &inner->addr);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
    return memcmp(a, b, sizeof(*a));
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
