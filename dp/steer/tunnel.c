/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel.h"
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

/* RFC 2784 2.1 */
struct gre_header {
    uint16_t flags_version; /* zero */
    uint16_t protocol;      /* an EtherType */
};

/* draft-ietf-intarea-gue 3.1: variant 0, no control message, no optional fields */
struct gue_header {
    struct udphdr udp;
    uint8_t variant_length; /* variant, C, Hlen: zero */
    uint8_t protocol;       /* IP protocol number */
    uint16_t flags;
};
static_assert(sizeof(struct gre_header) == 4 && sizeof(struct gue_header) == 12, "as on the wire");
static_assert(sizeof(struct ip6_hdr) + sizeof(struct gue_header) + 18 <= REWRITE_HEADER_MAX,
              "the longest header, behind a tagged Ethernet header");

static const struct {
    const char *name;
    uint8_t protocol; /* IP protocol; 0: the inner packet's own */
    uint8_t length;   /* between the outer IP header and the packet */
} types[] = {
    [TUNNEL_NONE] = {"", 0, 0},
    [TUNNEL_IPIP] = {"ipip", 0, 0},
    [TUNNEL_GRE] = {"gre", IPPROTO_GRE, sizeof(struct gre_header)},
    [TUNNEL_GUE] = {"gue", IPPROTO_UDP, sizeof(struct gue_header)},
};

const char *tunnel_type_name(enum tunnel_type type)
{
    return types[type].name;
}

enum tunnel_type tunnel_type_parse(const char *name)
{
    for (unsigned int type = TUNNEL_IPIP; type < ARRAY_SIZE(types); type++) {
        if (strcmp(types[type].name, name) == 0) {
            return (enum tunnel_type)type;
        }
    }
    return TUNNEL_NONE;
}

static unsigned int ip_length(const struct tunnel *tunnel)
{
    return tunnel->source.family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

unsigned int tunnel_overhead(const struct tunnel *tunnel)
{
    return tunnel->type == TUNNEL_NONE ? 0 : ip_length(tunnel) + types[tunnel->type].length;
}

static uint16_t ether_type(enum family family)
{
    return htons(family == FAMILY_V4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
}

static uint8_t inner_protocol(enum family inner)
{
    return inner == FAMILY_V4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* RFC 1071, of an even number of bytes. */
static uint16_t checksum(const void *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i += sizeof(uint16_t)) {
        uint16_t word;

        memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void write_v4(const struct tunnel *tunnel, uint8_t protocol, uint8_t *to)
{
    struct iphdr ip = {.version = 4, .ihl = sizeof(ip) / 4, .ttl = TUNNEL_TTL, .protocol = protocol};

    memcpy(&ip.saddr, tunnel->source.bytes, sizeof(ip.saddr));
    memcpy(&ip.daddr, tunnel->destination.bytes, sizeof(ip.daddr));
    ip.check = checksum(&ip, sizeof(ip));
    memcpy(to, &ip, sizeof(ip));
}

static void write_v6(const struct tunnel *tunnel, uint8_t protocol, uint8_t *to)
{
    struct ip6_hdr ip = {0};

    ip.ip6_flow = htonl(6u << 28);
    ip.ip6_nxt = protocol;
    ip.ip6_hlim = TUNNEL_TTL;
    memcpy(&ip.ip6_src, tunnel->source.bytes, sizeof(ip.ip6_src));
    memcpy(&ip.ip6_dst, tunnel->destination.bytes, sizeof(ip.ip6_dst));
    memcpy(to, &ip, sizeof(ip));
}

/* What lies between the outer IP header and the packet. */
static void write_shim(const struct tunnel *tunnel, enum family inner, uint8_t *to)
{
    const struct gre_header gre = {.protocol = ether_type(inner)};
    const struct gue_header gue = {.udp.dest = htons(TUNNEL_GUE_PORT), .protocol = inner_protocol(inner)};

    if (tunnel->type == TUNNEL_GRE) {
        memcpy(to, &gre, sizeof(gre));
    } else if (tunnel->type == TUNNEL_GUE) {
        memcpy(to, &gue, sizeof(gue));
    }
}

void tunnel_add_header(const struct tunnel *tunnel, enum family inner, struct rewrite *rewrite)
{
    enum family family = tunnel->source.family;
    uint8_t protocol = types[tunnel->type].protocol != 0 ? types[tunnel->type].protocol : inner_protocol(inner);
    unsigned int overhead = tunnel_overhead(tunnel);
    uint8_t *outer = rewrite->header + rewrite->header_length;
    uint16_t type = ether_type(family);

    memcpy(outer - sizeof(type), &type, sizeof(type));
    (family == FAMILY_V4 ? write_v4 : write_v6)(tunnel, protocol, outer);
    write_shim(tunnel, inner, outer + ip_length(tunnel));
    rewrite->outer = rewrite->header_length;
    rewrite->header_length = (uint8_t)(rewrite->header_length + overhead);
    rewrite->mtu = (uint16_t)(rewrite->mtu > overhead ? rewrite->mtu - overhead : 0);
}
