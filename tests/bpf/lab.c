/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab.h"
#include "unit.h"
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t LAB_PORT_MAC[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t LAB_PEER_MAC[6] = {0x02, 0, 0, 0, 0, 0x02};

void lab_run(const char *format, ...)
{
    char command[512];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

void lab_open(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        printf("skipped: needs root, for a network namespace and BPF (%s)\n", strerror(errno));
        exit(LAB_SKIPPED);
    }
    lab_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
    lab_run("ip link add " LAB_PORT " address 02:00:00:00:00:01 type veth peer " LAB_PEER " address 02:00:00:00:00:02");
    lab_run("ip link set " LAB_PORT " up && ip link set " LAB_PEER " up");
}

unsigned int lab_ifindex(const char *ifname)
{
    unsigned int ifindex = if_nametoindex(ifname);

    assert_int_not_equal(ifindex, 0);
    return ifindex;
}

unsigned int lab_program(const char *ifname)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);

    assert_int_equal(bpf_xdp_query((int)lab_ifindex(ifname), 0, &query), 0);
    return query.prog_id | query.drv_prog_id | query.skb_prog_id;
}

static struct ip_addr address(const char *text, const char *otherwise)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text != NULL ? text : otherwise, &addr), 0);
    return addr;
}

static void ipv4_build(const struct lab_frame *frame, uint8_t *out)
{
    struct ip_addr src = address(frame->src, "198.51.100.1");
    struct ip_addr dst = address(frame->dst, NULL);
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .tot_len = htons(LAB_FRAME_SIZE - sizeof(struct ethhdr)),
                       .ttl = 64,
                       .protocol = frame->protocol ? frame->protocol : IPPROTO_UDP};

    memcpy(&ip.saddr, src.bytes, 4);
    memcpy(&ip.daddr, dst.bytes, 4);
    memcpy(out, &ip, sizeof(ip));
    out[sizeof(ip)] = frame->icmp_type;
}

static void ipv6_build(const struct lab_frame *frame, uint8_t *out)
{
    struct ip_addr src = address(frame->src, "2001:db8:ff::1");
    struct ip_addr dst = address(frame->dst, NULL);
    struct ip6_hdr ip = {.ip6_plen = htons(LAB_FRAME_SIZE - sizeof(struct ethhdr) - sizeof(ip)),
                         .ip6_nxt = frame->protocol ? frame->protocol : IPPROTO_UDP,
                         .ip6_hlim = 64};

    ip.ip6_vfc = 6 << 4;
    memcpy(&ip.ip6_src, src.bytes, 16);
    memcpy(&ip.ip6_dst, dst.bytes, 16);
    memcpy(out, &ip, sizeof(ip));
    out[sizeof(ip)] = frame->icmp_type;
}

void lab_frame_build(const struct lab_frame *frame, uint8_t *out)
{
    bool v6 = strchr(frame->dst, ':') != NULL;
    uint16_t ethertype = frame->ethertype ? frame->ethertype : v6 ? ETH_P_IPV6 : ETH_P_IP;
    struct ethhdr eth = {.h_proto = htons(ethertype)};
    uint32_t tag = htonl(frame->tag);

    memset(out, 0, LAB_FRAME_SIZE);
    memcpy(eth.h_dest, frame->to != NULL ? frame->to : LAB_PORT_MAC, 6);
    memcpy(eth.h_source, LAB_PEER_MAC, 6);
    memcpy(out, &eth, sizeof(eth));
    (v6 ? ipv6_build : ipv4_build)(frame, out + sizeof(eth));
    if (frame->tagged) {
        uint16_t tag_and_type[2] = {htons(ETH_P_8021Q), htons(frame->tci)};
        uint8_t *at = out + 2 * ETH_ALEN;

        memmove(at + sizeof(tag_and_type), at, LAB_FRAME_SIZE - 2 * ETH_ALEN - sizeof(tag_and_type));
        memcpy(at, tag_and_type, sizeof(tag_and_type));
    }
    memcpy(out + LAB_FRAME_SIZE - sizeof(tag), &tag, sizeof(tag));
}

uint32_t lab_frame_tag(const uint8_t *frame, size_t length)
{
    uint32_t tag;

    memcpy(&tag, frame + length - sizeof(tag), sizeof(tag));
    return ntohl(tag);
}
