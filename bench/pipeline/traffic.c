/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"
#include "engine.h"
#include <errno.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES       4096
#define DESTINATIONS (1u << 20)
#define FCS          4
#define V4_BASE      UINT32_C(0x80000000)
#define V6_BASE      UINT64_C(0x2001020000000000)

/* A frame and what follows are alike but for the flow, so that a flow hash sees 4096 of them. */
struct frame {
    struct rte_ether_hdr ethernet;
    union {
        struct {
            struct rte_ipv4_hdr ip;
            struct rte_udp_hdr udp;
        } __attribute__((packed)) v4;
        struct {
            struct rte_ipv6_hdr ip;
            struct rte_udp_hdr udp; /* cut off by the end of the line */
        } __attribute__((packed)) v6;
    };
} __attribute__((packed, aligned(2)));

struct table_route traffic_part(enum family family, unsigned int i)
{
    if (family == FAMILY_V4) {
        return (struct table_route){(table_key)(V4_BASE + (i << 26)) << 96, 6, i + 1};
    }
    return (struct table_route){(table_key)(V6_BASE + i) << 64, 64, i + 1};
}

static struct rte_udp_hdr udp(unsigned int flow, unsigned int length)
{
    return (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16((uint16_t)(1024 + flow)),
                                .dst_port = rte_cpu_to_be_16(53),
                                .dgram_len = rte_cpu_to_be_16((uint16_t)length)};
}

/* destination: 0 if the device puts it in. */
static void make_v4(struct frame *frame, unsigned int flow, unsigned int length, uint32_t destination)
{
    frame->ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    frame->v4.ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .total_length = rte_cpu_to_be_16((uint16_t)length),
        .time_to_live = TRAFFIC_TTL,
        .next_proto_id = IPPROTO_UDP,
        .src_addr = rte_cpu_to_be_32(UINT32_C(0x0a000001) + flow % 256),
        .dst_addr = rte_cpu_to_be_32(destination),
    };
    frame->v4.ip.hdr_checksum = rte_ipv4_cksum(&frame->v4.ip);
    frame->v4.udp = udp(flow, length - (unsigned int)sizeof(frame->v4.ip));
}

static void make_v6(struct frame *frame, unsigned int flow, unsigned int length, table_key destination)
{
    static const uint8_t source[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 1};

    frame->ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
    frame->v6.ip = (struct rte_ipv6_hdr){
        .vtc_flow = rte_cpu_to_be_32(6u << 28),
        .payload_len = rte_cpu_to_be_16((uint16_t)(length - sizeof(struct rte_ipv6_hdr))),
        .proto = IPPROTO_UDP,
        .hop_limits = TRAFFIC_TTL,
    };
    memcpy(frame->v6.ip.src_addr, source, sizeof(source));
    frame->v6.ip.src_addr[14] = (uint8_t)flow;
    engine_to_v6(destination, frame->v6.ip.dst_addr);
    frame->v6.udp = udp(flow, length - (unsigned int)sizeof(struct rte_ipv6_hdr));
}

/* Hot destinations: 4096 in the first part, or 256 in each of sixteen /64s. */
static table_key hot(enum family family, unsigned int flow)
{
    if (family == FAMILY_V4) {
        return (table_key)(V4_BASE + flow) << 96;
    }
    return (table_key)(V6_BASE + flow % TRAFFIC_PARTS) << 64 | (flow / TRAFFIC_PARTS + 1);
}

static void make_frame(const struct site *site, const struct site_case *one, unsigned int flow, uint8_t *line)
{
    enum family family = flow * 37 % 100 < one->v6_percent ? FAMILY_V6 : one->family;
    table_key destination = one->destinations == DESTINATIONS_HOT ? hot(family, flow) : 0;
    struct frame frame = {0};

    frame.ethernet.src_addr = (struct rte_ether_addr){{0x02, 0, 0, 0, 0, 9}};
    memcpy(frame.ethernet.dst_addr.addr_bytes, site->dp->ports[0].mac, RTE_ETHER_ADDR_LEN);
    if (family == FAMILY_V4) {
        make_v4(&frame, flow, site->feed.stream.length - RTE_ETHER_HDR_LEN, (uint32_t)(destination >> 96));
    } else {
        make_v6(&frame, flow, site->feed.stream.length - RTE_ETHER_HDR_LEN, destination);
    }
    memcpy(line, &frame, DEVICE_LINE < sizeof(frame) ? DEVICE_LINE : sizeof(frame));
}

/* One by one: a route, or a part, then anywhere in it. */
static void choose_destinations(struct site *site, const struct site_case *one)
{
    enum family family = one->family;
    uint64_t state = 1;

    for (size_t i = 0; i < DESTINATIONS; i++) {
        struct table_route route = one->destinations == DESTINATIONS_PREFIXES
                                       ? site->routes[family][table_random(&state) % site->route_count[family]]
                                       : traffic_part(family, (unsigned int)(table_random(&state) % TRAFFIC_PARTS));
        table_key inside = (table_key)table_random(&state) << 64 | table_random(&state);
        table_key address = route.key | (inside & ~table_mask(route.length));

        if (family == FAMILY_V4) {
            ((uint32_t *)site->destinations)[i] = (uint32_t)(address >> 96);
        } else {
            engine_to_v6(address, (uint8_t *)site->destinations + 16 * i);
        }
    }
}

int traffic_create(struct site *site, const struct site_case *one)
{
    struct stream *stream = &site->feed.stream;

    *stream = (struct stream){.frame_mask = FRAMES - 1,
                              .destination_mask = DESTINATIONS - 1,
                              .length = (uint16_t)(one->length - FCS),
                              .burst = (uint16_t)one->burst};
    site->frames = aligned_alloc(DEVICE_LINE, FRAMES * sizeof(*site->frames));
    site->destinations = calloc(DESTINATIONS, one->family == FAMILY_V4 ? sizeof(uint32_t) : 16);
    if (site->frames == NULL || site->destinations == NULL) {
        traffic_free(site);
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < FRAMES; i++) {
        make_frame(site, one, i, site->frames[i]);
    }
    stream->frames = (const uint8_t(*)[DEVICE_LINE])site->frames;
    if (one->destinations != DESTINATIONS_HOT) {
        choose_destinations(site, one);
        stream->v4_destinations = one->family == FAMILY_V4 ? site->destinations : NULL;
        stream->v6_destinations = one->family == FAMILY_V6 ? site->destinations : NULL;
    }
    return 0;
}

void traffic_free(struct site *site)
{
    free(site->frames);
    free(site->destinations);
    site->frames = NULL;
    site->destinations = NULL;
}

bool traffic_is_right(const uint8_t *line)
{
    struct frame frame;

    memcpy(&frame, line, DEVICE_LINE < sizeof(frame) ? DEVICE_LINE : sizeof(frame));
    if (frame.ethernet.dst_addr.addr_bytes[3] != 0x66) { /* site.c's next hops */
        return false;
    }
    if (frame.ethernet.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
        return frame.v6.ip.hop_limits == TRAFFIC_TTL - 1;
    }
    return frame.v4.ip.time_to_live == TRAFFIC_TTL - 1 && rte_ipv4_cksum(&frame.v4.ip) == 0;
}
