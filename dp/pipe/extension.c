/* SPDX-License-Identifier: BSD-3-Clause */
#include "extension.h"
#include <rte_byteorder.h>
#include <string.h>

#define HEADERS_MAX 8 /* nobody has use for more, so nobody makes us walk them */

/* What each kind of header begins with (RFC 8200 4.2), and what of routing headers follows. */
struct extension {
    uint8_t next;
    uint8_t length;
    uint8_t type;
    uint8_t segments_left;
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

static bool v6_find_upper(const uint8_t *ip, unsigned int room, struct upper *out)
{
    unsigned int offset = sizeof(struct rte_ipv6_hdr);
    uint8_t protocol;

    if (room < offset || ip[0] >> 4 != 6) {
        return false;
    }
    protocol = ip[offsetof(struct rte_ipv6_hdr, proto)];
    for (int i = 0; i < HEADERS_MAX && extension_is_next(protocol); i++) {
        const struct extension *extension = (const struct extension *)(ip + offset);
        struct fragment fragment;

        if (offset + sizeof(fragment) > room) {
            return false;
        }
        if (protocol == IPPROTO_FRAGMENT) {
            memcpy(&fragment, extension, sizeof(fragment));
            out->fragment = (fragment.offset & rte_cpu_to_be_16(0xfff9)) != 0;
            out->later_fragment = (fragment.offset & rte_cpu_to_be_16(0xfff8)) != 0;
            out->fragment_id = fragment.id;
        }
        if (protocol == IPPROTO_ROUTING) {
            out->source_route |= extension->type == 0 && extension->segments_left > 0;
        }
        offset += extension_length(protocol, extension);
        protocol = extension->next;
        if (out->later_fragment) {
            break; /* what follows is the middle of something */
        }
    }
    out->protocol = protocol;
    out->offset = (uint16_t)offset;
    return offset <= room;
}

static bool v4_find_upper(const uint8_t *ip, unsigned int room, struct upper *out)
{
    struct rte_ipv4_hdr header;

    if (room < sizeof(header)) {
        return false;
    }
    memcpy(&header, ip, sizeof(header));
    out->protocol = header.next_proto_id;
    out->offset = (uint16_t)((header.version_ihl & 0xf) * 4);
    out->later_fragment = (header.fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0;
    out->fragment = out->later_fragment || (header.fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG)) != 0;
    out->fragment_id = header.packet_id;
    return header.version_ihl >> 4 == 4 && out->offset >= sizeof(header) && out->offset <= room;
}

bool ip_find_upper(const uint8_t *ip, unsigned int room, enum family family, struct upper *out)
{
    *out = (struct upper){0};
    return family == FAMILY_V4 ? v4_find_upper(ip, room, out) : v6_find_upper(ip, room, out);
}

bool extension_find_upper(const struct packet *packet, const struct rte_ipv6_hdr *ip, struct upper *out)
{
    return ip_find_upper((const uint8_t *)ip, packet_room(packet), FAMILY_V6, out);
}
