/* SPDX-License-Identifier: BSD-3-Clause */
#include "extension.h"
#include <rte_byteorder.h>
#include <string.h>

#define HEADERS_MAX 8 /* nobody has use for more, so nobody makes us walk them */

/* What each kind of header begins with (RFC 8200 4.2). */
struct extension {
    uint8_t next;
    uint8_t length;
};

struct fragment {
    uint8_t next;
    uint8_t reserved;
    uint16_t offset; /* 13 bits of offset, 2 reserved, M */
    uint32_t id;
};

/* Bytes of the header. RFC 8200: in units of 8 beyond the first 8; RFC 4302: in units of 4 beyond the first 8. */
static unsigned int extension_length(uint8_t protocol, const struct extension *extension)
{
    if (protocol == IPPROTO_FRAGMENT) {
        return sizeof(struct fragment);
    }
    return protocol == IPPROTO_AH ? (extension->length + 2u) * 4 : (extension->length + 1u) * 8;
}

bool extension_find_upper(const struct packet *packet, const struct rte_ipv6_hdr *ip, struct upper *out)
{
    unsigned int end = RTE_MIN((unsigned int)packet->length, packet->mbuf->data_len - (unsigned int)RTE_ETHER_HDR_LEN);
    unsigned int offset = sizeof(*ip);
    uint8_t protocol = ip->proto;

    *out = (struct upper){0};
    for (int i = 0; i < HEADERS_MAX && extension_is_next(protocol); i++) {
        const struct extension *extension = (const struct extension *)((const uint8_t *)ip + offset);
        struct fragment fragment;

        if (offset + sizeof(fragment) > end) {
            return false;
        }
        if (protocol == IPPROTO_FRAGMENT) {
            memcpy(&fragment, extension, sizeof(fragment));
            out->fragment = (fragment.offset & rte_cpu_to_be_16(0xfff9)) != 0;
            out->later_fragment = (fragment.offset & rte_cpu_to_be_16(0xfff8)) != 0;
            out->fragment_id = fragment.id;
        }
        offset += extension_length(protocol, extension);
        protocol = extension->next;
        if (out->later_fragment) {
            break; /* what follows is the middle of something */
        }
    }
    out->protocol = protocol;
    out->offset = (uint16_t)offset;
    return offset <= end;
}
