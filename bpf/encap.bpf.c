/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts packets of this host into a tunnel: for routes of probes that ask an instance behind one. The kernel's tunnel
 * devices and encapsulating routes are modules of their own, which need not be there; this is one program for every
 * kind of tunnel, since a header made ready is all there is to each.
 *
 * Which header, the mark and the family of the packet say. What leaves here carries another mark and is routed anew.
 */
#include "abi.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#define SOURCE_PORTS 0xc000 /* the dynamic ports: the upper two bits are set, the others are the flow's */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENCAP_MAX_HEADERS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct encap_key);
    __type(value, struct encap_header);
} encap_headers SEC(".maps");

static __always_inline void complete_udp(struct udphdr *udp, struct __sk_buff *skb, __u32 length)
{
    udp->source = bpf_htons(SOURCE_PORTS | bpf_get_hash_recalc(skb) >> 18);
    udp->len = bpf_htons(length);
}

/* length: of headers and packet. The kernel sums the IPv4 header up where the checksum is zero. */
static __always_inline void complete(__u8 *bytes, struct __sk_buff *skb, __u32 length)
{
    struct iphdr *v4 = (struct iphdr *)bytes;
    struct ipv6hdr *v6 = (struct ipv6hdr *)bytes;

    if (bytes[0] >> 4 == 4) {
        v4->tot_len = bpf_htons(length);
        v4->id = bpf_get_prandom_u32();
        v4->check = 0;
        if (v4->protocol == IPPROTO_UDP) {
            complete_udp((struct udphdr *)(v4 + 1), skb, length - sizeof(*v4));
        }
        return;
    }
    v6->payload_len = bpf_htons(length - sizeof(*v6));
    if (v6->nexthdr == IPPROTO_UDP) {
        complete_udp((struct udphdr *)(v6 + 1), skb, length - sizeof(*v6));
    }
}

SEC("lwt_xmit")
int encap(struct __sk_buff *skb)
{
    struct encap_key key = {.mark = skb->mark, .family = skb->protocol == bpf_htons(ETH_P_IP) ? 4 : 6};
    const struct encap_header *ready = bpf_map_lookup_elem(&encap_headers, &key);
    __u8 bytes[ENCAP_HEADER_MAX] __attribute__((aligned(8)));
    __u32 length;

    if (ready == NULL) {
        return BPF_DROP;
    }
    length = ready->length;
    if (length < sizeof(struct iphdr) || length > sizeof(bytes)) { /* cannot be; for the verifier */
        return BPF_DROP;
    }
    __builtin_memcpy(bytes, ready->bytes, sizeof(bytes));
    complete(bytes, skb, skb->len + length);
    if (bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, bytes, length) != 0) {
        return BPF_DROP;
    }
    skb->mark = ready->mark;
    return BPF_LWT_REROUTE;
}

char LICENSE[] SEC("license") = "GPL";
