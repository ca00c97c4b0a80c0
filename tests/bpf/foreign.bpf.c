/* SPDX-License-Identifier: GPL-2.0 */
/* Somebody else's program: it loads, but has none of our maps. */
#include <linux/bpf.h>
/* after the kernel's types */
#include <bpf/bpf_helpers.h>

SEC("xdp")
int xsk_def_prog(struct xdp_md *ctx)
{
    return ctx->data < ctx->data_end ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
