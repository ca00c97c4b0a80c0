/* SPDX-License-Identifier: GPL-2.0 */
/* What the verifier refuses: it reads the frame without a look at its end. */
#include <linux/bpf.h>
/* after the kernel's types */
#include <bpf/bpf_helpers.h>

SEC("xdp")
int xsk_def_prog(struct xdp_md *ctx)
{
    return *(volatile __u8 *)(long)ctx->data;
}

char LICENSE[] SEC("license") = "GPL";
