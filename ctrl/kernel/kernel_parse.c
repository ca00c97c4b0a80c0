/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_parse.h"
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

/* The family's own header; NULL if the message is too short for it. */
static const void *message_header(const struct nlmsghdr *message, size_t size)
{
    return message->nlmsg_len >= NLMSG_LENGTH(size) ? mnl_nlmsg_get_payload(message) : NULL;
}

static int family_of(unsigned int address_family)
{
    switch (address_family) {
    case AF_INET:
        return FAMILY_V4;
    case AF_INET6:
        return FAMILY_V6;
    default:
        return -ENOMSG;
    }
}

/* 0, or -EBADMSG: not exactly an address of the family. */
static int get_addr(const struct nlattr *attribute, uint8_t family, struct ip_addr *out)
{
    if (mnl_attr_get_payload_len(attribute) != family_bytes(family)) {
        return -EBADMSG;
    }
    *out = (struct ip_addr){.family = family};
    memcpy(out->bytes, mnl_attr_get_payload(attribute), family_bytes(family));
    return 0;
}

static int get_u32(const struct nlattr *attribute, uint32_t *out)
{
    if (mnl_attr_get_payload_len(attribute) != sizeof(*out)) {
        return -EBADMSG;
    }
    *out = mnl_attr_get_u32(attribute);
    return 0;
}

/* Links without an Ethernet address (loopback has a zero one, tunnels an IP address) keep the zero MAC. */
static void get_mac(const struct nlattr *attribute, uint8_t mac[6])
{
    if (mnl_attr_get_payload_len(attribute) == 6) {
        memcpy(mac, mnl_attr_get_payload(attribute), 6);
    }
}

/* A name that does not fit is none. */
static void get_name(const struct nlattr *attribute, char name[IF_NAMESIZE])
{
    const char *text = mnl_attr_get_payload(attribute);
    const char *end = memchr(text, '\0', mnl_attr_get_payload_len(attribute));

    memset(name, 0, IF_NAMESIZE);
    if (end != NULL && end - text < IF_NAMESIZE) {
        memcpy(name, text, (size_t)(end - text));
    }
}

static int parse_link(const struct nlmsghdr *message, struct kernel_event *out)
{
    const struct ifinfomsg *header = message_header(message, sizeof(*header));
    struct kernel_link *link = &out->record.link;
    const struct nlattr *attribute;
    int result = 0;

    if (header == NULL) {
        return -EBADMSG;
    }
    if (header->ifi_family != AF_UNSPEC) {
        return -ENOMSG; /* a bridge's view of its port, sent as a deletion when the port leaves */
    }
    *link = (struct kernel_link){
        .ifindex = (uint32_t)header->ifi_index,
        .up = (header->ifi_flags & IFF_UP) != 0,
        .running = (header->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING),
    };
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            get_name(attribute, link->name);
            break;
        case IFLA_MTU:
            result = result != 0 ? result : get_u32(attribute, &link->mtu);
            break;
        case IFLA_ADDRESS:
            get_mac(attribute, link->mac);
            break;
        default:
            break;
        }
    }
    /* without a name: an event of a wireless driver, which says nothing of the link itself */
    return result == 0 && link->name[0] == '\0' && !out->deleted ? -ENOMSG : result;
}

/* What the kernel takes for the broadcast address of a subnet without an explicit one. */
static struct ip_addr default_broadcast(const struct prefix *subnet)
{
    if (subnet->addr.family != FAMILY_V4 || subnet->length >= 31) {
        return (struct ip_addr){0};
    }
    return ip_addr_v4(ip_addr_to_u32(&subnet->addr) | UINT32_MAX >> subnet->length);
}

static int parse_address(const struct nlmsghdr *message, struct kernel_event *out)
{
    const struct ifaddrmsg *header = message_header(message, sizeof(*header));
    struct ip_addr addrs[IFA_BROADCAST + 1] = {0};
    bool has[IFA_BROADCAST + 1] = {false};
    struct prefix subnet;
    const struct nlattr *attribute;
    int family;

    if (header == NULL) {
        return -EBADMSG;
    }
    family = family_of(header->ifa_family);
    if (family < 0) {
        return family;
    }
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        uint16_t type = mnl_attr_get_type(attribute);

        if (type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST) {
            if (get_addr(attribute, (uint8_t)family, &addrs[type]) != 0) {
                return -EBADMSG;
            }
            has[type] = true;
        }
    }
    if (!has[IFA_ADDRESS] || header->ifa_prefixlen > family_bits((unsigned int)family)) {
        return -EBADMSG;
    }
    /* IFA_ADDRESS is the far end's where IFA_LOCAL says something else */
    subnet = prefix_of(&addrs[IFA_ADDRESS], header->ifa_prefixlen);
    out->record.address = (struct kernel_address){
        .ifindex = header->ifa_index,
        .addr = has[IFA_LOCAL] ? addrs[IFA_LOCAL] : addrs[IFA_ADDRESS],
        .subnet = subnet,
        .broadcast = has[IFA_BROADCAST] ? addrs[IFA_BROADCAST] : default_broadcast(&subnet),
    };
    return 0;
}

/* The kernel also keeps group MACs for multicast and broadcast destinations: not neighbours to send unicast to. */
static bool is_unicast_mac(const uint8_t mac[6])
{
    static const uint8_t zero[6];

    return (mac[0] & 1) == 0 && memcmp(mac, zero, sizeof(zero)) != 0;
}

static int parse_neighbour(const struct nlmsghdr *message, struct kernel_event *out)
{
    const struct ndmsg *header = message_header(message, sizeof(*header));
    struct kernel_neighbour *neighbour = &out->record.neighbour;
    const struct nlattr *attribute;
    bool has_addr = false;
    int family;

    if (header == NULL) {
        return -EBADMSG;
    }
    family = family_of(header->ndm_family);
    if (family < 0 || (header->ndm_flags & NTF_PROXY) != 0) {
        return -ENOMSG;
    }
    *neighbour = (struct kernel_neighbour){.ifindex = (uint32_t)header->ndm_ifindex};
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        uint16_t type = mnl_attr_get_type(attribute);

        if (type == NDA_DST) {
            if (get_addr(attribute, (uint8_t)family, &neighbour->addr) != 0) {
                return -EBADMSG;
            }
            has_addr = true;
        } else if (type == NDA_LLADDR) {
            get_mac(attribute, neighbour->mac);
        }
    }
    neighbour->usable = (header->ndm_state & NUD_USABLE) != 0 && is_unicast_mac(neighbour->mac);
    neighbour->fixed = (header->ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0;
    if (!neighbour->usable) {
        memset(neighbour->mac, 0, sizeof(neighbour->mac)); /* what it was before it failed is of no use */
    }
    return has_addr ? 0 : -EBADMSG;
}

int kernel_event_parse(const struct nlmsghdr *message, struct kernel_event *out)
{
    static const struct {
        uint16_t type;
        enum kernel_kind kind;
        bool deleted;
        int (*parse)(const struct nlmsghdr *message, struct kernel_event *out);
    } types[] = {
        {RTM_NEWLINK, KERNEL_LINK, false, parse_link},
        {RTM_DELLINK, KERNEL_LINK, true, parse_link},
        {RTM_NEWADDR, KERNEL_ADDRESS, false, parse_address},
        {RTM_DELADDR, KERNEL_ADDRESS, true, parse_address},
        {RTM_NEWNEIGH, KERNEL_NEIGHBOUR, false, parse_neighbour},
        {RTM_DELNEIGH, KERNEL_NEIGHBOUR, true, parse_neighbour},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (types[i].type == message->nlmsg_type) {
            memset(out, 0, sizeof(*out));
            out->kind = types[i].kind;
            out->deleted = types[i].deleted;
            return types[i].parse(message, out);
        }
    }
    return -ENOMSG;
}

/* A gateway of the other family than the route's. */
static int get_via(const struct nlattr *attribute, struct ip_addr *out)
{
    const struct rtvia *via = mnl_attr_get_payload(attribute);
    size_t n = mnl_attr_get_payload_len(attribute);
    int family;

    if (n < sizeof(*via)) {
        return -EBADMSG;
    }
    family = family_of(via->rtvia_family);
    if (family < 0 || n != sizeof(*via) + family_bytes((unsigned int)family)) {
        return -EBADMSG;
    }
    *out = (struct ip_addr){.family = (uint8_t)family};
    memcpy(out->bytes, via->rtvia_addr, family_bytes((unsigned int)family));
    return 0;
}

static int get_mtu(const struct nlattr *metrics, uint32_t *mtu)
{
    const struct nlattr *metric;
    int result = 0;

    mnl_attr_for_each_nested(metric, metrics)
    {
        if (mnl_attr_get_type(metric) == RTAX_MTU && result == 0) {
            result = get_u32(metric, mtu);
        }
    }
    return result;
}

int kernel_route_parse(const struct nlmsghdr *message, struct kernel_route *out)
{
    const struct rtmsg *header = message_header(message, sizeof(*header));
    struct kernel_route route = {0};
    const struct nlattr *attribute;
    int family = header != NULL ? family_of(header->rtm_family) : -ENOMSG;
    int result = 0;

    if (message->nlmsg_type != RTM_NEWROUTE || family < 0) {
        return -EBADMSG;
    }
    if (header->rtm_type != RTN_UNICAST) {
        return -EADDRNOTAVAIL;
    }
    mnl_attr_for_each(attribute, message, sizeof(*header))
    {
        switch (mnl_attr_get_type(attribute)) {
        case RTA_OIF:
            result = get_u32(attribute, &route.ifindex);
            break;
        case RTA_GATEWAY:
            result = get_addr(attribute, (uint8_t)family, &route.gateway);
            route.has_gateway = true;
            break;
        case RTA_VIA:
            result = get_via(attribute, &route.gateway);
            route.has_gateway = true;
            break;
        case RTA_METRICS:
            result = get_mtu(attribute, &route.mtu);
            break;
        case RTA_PREFSRC:
            result = get_addr(attribute, (uint8_t)family, &route.source);
            route.has_source = true;
            break;
        default:
            break;
        }
        if (result != 0) {
            return result;
        }
    }
    if (route.ifindex == 0) {
        return -EBADMSG;
    }
    *out = route;
    return 0;
}
