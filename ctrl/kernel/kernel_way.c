/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways that only marked packets take: a rule (fib rule on the mark) and a table with one default route, of our own. */
#include "kernel_impl.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define RULE_PRIORITY 1000 /* before main and default, behind local: replies are for local addresses */
#define PROTOCOL      175  /* whose rule and route it is, for `ip rule` and for who finds them after a kill */
#define REQUEST_SIZE  256
#define FOUND_MAX     256 /* a pass */

static const int families[FAMILIES] = {[FAMILY_V4] = AF_INET, [FAMILY_V6] = AF_INET6};

static struct nlmsghdr *start(char *buffer, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_ACK | flags;
    return message;
}

static int rule(struct kernel *kernel, uint16_t type, uint16_t flags, enum family family, uint32_t mark)
{
    alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
    struct nlmsghdr *message = start(buffer, type, flags);
    struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

    header->family = (uint8_t)families[family];
    header->action = FR_ACT_TO_TBL;
    mnl_attr_put_u32(message, FRA_PRIORITY, RULE_PRIORITY);
    mnl_attr_put_u32(message, FRA_FWMARK, mark);
    mnl_attr_put_u32(message, FRA_TABLE, mark);
    mnl_attr_put_u8(message, FRA_PROTOCOL, PROTOCOL);
    return kernel_ask(kernel, message);
}

/* RFC 5549: an IPv4 route's gateway of the other family is an attribute of its own. */
static void put_gateway(struct nlmsghdr *message, const struct kernel_way *way)
{
    enum family family = (enum family)way->gateway.family;
    struct {
        uint16_t family;
        uint8_t bytes[sizeof(way->gateway.bytes)];
    } via = {.family = (uint16_t)families[family]};

    if (family == way->family) {
        mnl_attr_put(message, RTA_GATEWAY, family_bytes(family), way->gateway.bytes);
        return;
    }
    memcpy(via.bytes, way->gateway.bytes, sizeof(via.bytes));
    mnl_attr_put(message, RTA_VIA, sizeof(via.family) + family_bytes(family), &via);
}

static void put_program(struct nlmsghdr *message, const struct kernel_way *way)
{
    struct nlattr *encap = mnl_attr_nest_start(message, RTA_ENCAP);
    struct nlattr *xmit = mnl_attr_nest_start(message, LWT_BPF_XMIT);

    mnl_attr_put_u32(message, LWT_BPF_PROG_FD, (uint32_t)way->program);
    mnl_attr_put_strz(message, LWT_BPF_PROG_NAME, "anyfwd");
    mnl_attr_nest_end(message, xmit);
    mnl_attr_put_u32(message, LWT_BPF_XMIT_HEADROOM, way->headroom);
    mnl_attr_nest_end(message, encap);
    mnl_attr_put_u16(message, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_BPF);
}

static int route(struct kernel *kernel, uint16_t type, uint16_t flags, enum family family, uint32_t table,
                 const struct kernel_way *way)
{
    alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
    struct nlmsghdr *message = start(buffer, type, flags);
    struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

    header->rtm_family = (uint8_t)families[family];
    header->rtm_protocol = PROTOCOL;
    header->rtm_type = RTN_UNICAST;
    header->rtm_scope = way == NULL ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE; /* a deletion: of whatever scope */
    mnl_attr_put_u32(message, RTA_TABLE, table);
    if (way != NULL) {
        mnl_attr_put_u32(message, RTA_OIF, way->ifindex);
    }
    if (way != NULL && way->program != 0) {
        header->rtm_scope = RT_SCOPE_LINK;
        put_program(message, way);
    } else if (way != NULL) {
        header->rtm_flags = RTNH_F_ONLINK;
        put_gateway(message, way);
    }
    return kernel_ask(kernel, message);
}

int kernel_way_set(struct kernel *kernel, uint32_t mark, const struct kernel_way *way)
{
    enum family family = (enum family)way->family;
    int result = route(kernel, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, family, mark, way);

    if (result == 0) {
        result = rule(kernel, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, mark);
    }
    return result == -EEXIST ? 0 : result;
}

void kernel_way_del(struct kernel *kernel, uint32_t mark, enum family family)
{
    /* what is not there is gone; the rule last: it is what the next daemon finds them by */
    (void)route(kernel, RTM_DELROUTE, 0, family, mark, NULL);
    (void)rule(kernel, RTM_DELRULE, 0, family, mark);
}

struct found {
    unsigned int count;
    uint32_t marks[FOUND_MAX];
};

static int on_attribute(const struct nlattr *attribute, void *data)
{
    const struct nlattr **table = data;

    if (mnl_attr_get_type(attribute) <= FRA_MAX) {
        table[mnl_attr_get_type(attribute)] = attribute;
    }
    return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *message, void *data)
{
    const struct nlattr *table[FRA_MAX + 1] = {0};
    struct found *found = data;

    if (mnl_attr_parse(message, sizeof(struct fib_rule_hdr), on_attribute, table) >= 0 && table[FRA_PROTOCOL] != NULL &&
        mnl_attr_get_u8(table[FRA_PROTOCOL]) == PROTOCOL && table[FRA_FWMARK] != NULL && found->count < FOUND_MAX) {
        found->marks[found->count++] = mnl_attr_get_u32(table[FRA_FWMARK]);
    }
    return MNL_CB_OK;
}

static unsigned int flush(struct kernel *kernel, enum family family)
{
    alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct fib_rule_hdr *header;
    struct found found = {0};

    message->nlmsg_type = RTM_GETRULE;
    message->nlmsg_flags = NLM_F_DUMP;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->family = (uint8_t)families[family];
    if (kernel_ask_all(kernel, message, on_rule, &found) != 0) {
        return 0;
    }
    for (unsigned int i = 0; i < found.count; i++) {
        kernel_way_del(kernel, found.marks[i], family);
    }
    return found.count;
}

void kernel_ways_flush(struct kernel *kernel)
{
    for (int family = 0; family < FAMILIES; family++) {
        while (flush(kernel, (enum family)family) == FOUND_MAX) {
        }
    }
}
