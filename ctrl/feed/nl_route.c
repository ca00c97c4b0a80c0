/* SPDX-License-Identifier: BSD-3-Clause */
#include "nl_route.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* The family's own header; NULL if the message is too short for it. */
static const void *header_of(const struct nlmsghdr *message, size_t size)
{
    return message->nlmsg_len >= NLMSG_LENGTH(size) ? mnl_nlmsg_get_payload(message) : NULL;
}

static unsigned int family_of(unsigned int address_family)
{
    return address_family == AF_INET ? FAMILY_V4 : address_family == AF_INET6 ? FAMILY_V6 : FAMILIES;
}

static int get_bytes(const struct nlattr *attribute, unsigned int family, struct ip_addr *out)
{
    if (family == FAMILIES || mnl_attr_get_payload_len(attribute) != family_bytes(family)) {
        return -EBADMSG;
    }
    *out = (struct ip_addr){.family = (uint8_t)family};
    memcpy(out->bytes, mnl_attr_get_payload(attribute), family_bytes(family));
    return 0;
}

static int get_number(const struct nlattr *attribute, uint32_t *out)
{
    if (mnl_attr_get_payload_len(attribute) != sizeof(*out)) {
        return -EBADMSG;
    }
    *out = mnl_attr_get_u32(attribute);
    return 0;
}

/* RTA_VIA: a gateway of another family than the route's. */
static int get_via(const struct nlattr *attribute, struct ip_addr *out)
{
    const struct rtvia *via = mnl_attr_get_payload(attribute);
    size_t length = mnl_attr_get_payload_len(attribute);
    unsigned int family = length >= sizeof(*via) ? family_of(via->rtvia_family) : FAMILIES;

    if (family == FAMILIES || length != sizeof(*via) + family_bytes(family)) {
        return -EBADMSG;
    }
    *out = (struct ip_addr){.family = (uint8_t)family};
    memcpy(out->bytes, via->rtvia_addr, family_bytes(family));
    return 0;
}

/* What a route and each hop of a multipath route may have. */
struct hop_attributes {
    struct nl_hop hop;
    bool encapsulated;
};

static int read_hop_attribute(const struct nlattr *attribute, unsigned int family, struct hop_attributes *out)
{
    switch (mnl_attr_get_type(attribute)) {
    case RTA_GATEWAY:
        out->hop.has_gateway = true;
        return get_bytes(attribute, family, &out->hop.gateway);
    case RTA_VIA:
        out->hop.has_gateway = true;
        return get_via(attribute, &out->hop.gateway);
    case RTA_OIF:
        return get_number(attribute, &out->hop.ifindex);
    case RTA_ENCAP:
        out->encapsulated = true;
        return 0;
    default:
        return 0;
    }
}

static void add_hop(struct nl_hops *hops, const struct hop_attributes *attributes, unsigned int flags)
{
    bool usable = (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0 && !attributes->encapsulated;

    if (usable && hops->count < NL_HOPS_MAX) {
        hops->items[hops->count++] = attributes->hop;
    }
}

static int read_multipath(const struct nlattr *list, unsigned int family, struct nl_hops *hops)
{
    const char *at = mnl_attr_get_payload(list);
    size_t left = mnl_attr_get_payload_len(list);

    while (left >= sizeof(struct rtnexthop)) {
        const struct rtnexthop *next = (const void *)at;
        struct hop_attributes attributes = {.hop.ifindex = (uint32_t)next->rtnh_ifindex,
                                            .hop.weight = (uint16_t)(next->rtnh_hops + 1)};
        const struct nlattr *attr; /* the macro's */
        size_t step = RTNH_ALIGN(next->rtnh_len);

        if (next->rtnh_len < sizeof(*next) || next->rtnh_len > left) {
            return -EBADMSG;
        }
        mnl_attr_for_each_payload((const void *)(at + sizeof(*next)), next->rtnh_len - sizeof(*next))
        {
            if (read_hop_attribute(attr, family, &attributes) != 0) {
                return -EBADMSG;
            }
        }
        add_hop(hops, &attributes, next->rtnh_flags);
        at += step;
        left -= step < left ? step : left;
    }
    return 0;
}

static int fate_of(unsigned int route_type)
{
    switch (route_type) {
    case RTN_UNICAST:
        return NL_FORWARD;
    case RTN_BLACKHOLE:
        return NL_BLACKHOLE;
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT:
        return NL_REJECT;
    default:
        return -ENOMSG;
    }
}

static int read_route_attribute(const struct nlattr *attribute, struct nl_route *route, struct ip_addr *destination,
                                struct hop_attributes *single)
{
    unsigned int family = route->prefix.addr.family;

    switch (mnl_attr_get_type(attribute)) {
    case RTA_DST:
        return get_bytes(attribute, family, destination);
    case RTA_TABLE:
        return get_number(attribute, &route->table);
    case RTA_PRIORITY:
        return get_number(attribute, &route->metric);
    case RTA_NH_ID:
        return get_number(attribute, &route->next_hop_id);
    case RTA_MULTIPATH:
        return read_multipath(attribute, family, &route->hops);
    default:
        return read_hop_attribute(attribute, family, single);
    }
}

static bool is_followed(const struct rtmsg *header)
{
    return family_of(header->rtm_family) != FAMILIES && (header->rtm_flags & RTM_F_CLONED) == 0 &&
           header->rtm_tos == 0 && header->rtm_src_len == 0;
}

static int parse_route(const struct nlmsghdr *message, struct nl_route *out)
{
    const struct rtmsg *header = header_of(message, sizeof(*header));
    struct hop_attributes single = {.hop.weight = 1};
    struct ip_addr destination = {0};
    const struct nlattr *attribute;
    int fate;

    if (header == NULL) {
        return -EBADMSG;
    }
    /* a withdrawal may come without a type (FRR's does) */
    fate =
        message->nlmsg_type == RTM_DELROUTE && header->rtm_type == RTN_UNSPEC ? NL_FORWARD : fate_of(header->rtm_type);
    if (!is_followed(header) || fate < 0) {
        return -ENOMSG;
    }
    *out = (struct nl_route){.table = header->rtm_table, .protocol = header->rtm_protocol, .hops.fate = (uint8_t)fate};
    destination.family = out->prefix.addr.family = (uint8_t)family_of(header->rtm_family);
    if (header->rtm_dst_len > family_bits(destination.family)) {
        return -EBADMSG;
    }
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        if (read_route_attribute(attribute, out, &destination, &single) != 0) {
            return -EBADMSG;
        }
    }
    out->prefix = prefix_of(&destination, header->rtm_dst_len);
    if (fate == NL_FORWARD && out->hops.count == 0 && (single.hop.has_gateway || single.hop.ifindex != 0)) {
        add_hop(&out->hops, &single, header->rtm_flags);
    }
    return 0;
}

static int read_group(const struct nlattr *attribute, struct nl_object *object)
{
    const struct nexthop_grp *group = mnl_attr_get_payload(attribute);
    size_t length = mnl_attr_get_payload_len(attribute);

    if (length % sizeof(*group) != 0) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < length / sizeof(*group) && object->member_count < NL_HOPS_MAX; i++) {
        object->members[object->member_count++] = (struct nl_member){group[i].id, group[i].weight + 1u};
    }
    return 0;
}

static int read_object_attribute(const struct nlattr *attribute, unsigned int family, struct nl_object *object,
                                 struct hop_attributes *single)
{
    switch (mnl_attr_get_type(attribute)) {
    case NHA_ID:
        return get_number(attribute, &object->id);
    case NHA_GROUP:
        return read_group(attribute, object);
    case NHA_BLACKHOLE:
        object->hops.fate = NL_BLACKHOLE;
        return 0;
    case NHA_OIF:
        return get_number(attribute, &single->hop.ifindex);
    case NHA_GATEWAY:
        single->hop.has_gateway = true;
        return get_bytes(attribute, family, &single->hop.gateway);
    case NHA_ENCAP:
        single->encapsulated = true;
        return 0;
    default:
        return 0;
    }
}

static int parse_object(const struct nlmsghdr *message, struct nl_object *out)
{
    const struct nhmsg *header = header_of(message, sizeof(*header));
    struct hop_attributes single = {.hop.weight = 1};
    const struct nlattr *attribute;

    if (header == NULL) {
        return -EBADMSG;
    }
    *out = (struct nl_object){0};
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        if (read_object_attribute(attribute, family_of(header->nh_family), out, &single) != 0) {
            return -EBADMSG;
        }
    }
    if (out->member_count == 0 && out->hops.fate == NL_FORWARD) {
        add_hop(&out->hops, &single, header->nh_flags);
    }
    return out->id != 0 ? 0 : -EBADMSG;
}

int nl_event_parse(const struct nlmsghdr *message, struct nl_event *out)
{
    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        out->kind = message->nlmsg_type == RTM_NEWROUTE ? NL_ROUTE_NEW : NL_ROUTE_DEL;
        return parse_route(message, &out->route);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        out->kind = message->nlmsg_type == RTM_NEWNEXTHOP ? NL_OBJECT_NEW : NL_OBJECT_DEL;
        return parse_object(message, &out->object);
    default:
        return -ENOMSG;
    }
}
