/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads the XDP program that decides, on an AF_XDP port, which frames are ours (redirected to the socket that DPDK
 * polls) and which are the kernel's, and keeps the tables it decides by.
 *
 * One mechanism serves both kinds of port: a longest-prefix match of the destination. Where no prefix matches, frames
 * are the kernel's. An anycast port sets its anycast prefixes to REDIRECT and its local addresses to PASS; a transit
 * port starts with 0.0.0.0/0 and ::/0 as REDIRECT, and sets local and directed broadcast addresses to PASS. Whatever
 * the prefixes say, the kernel gets: what is not IP (ARP, VLANs but those set to REDIRECT), frames too short to tell,
 * any MAC but the port's own, multicast and broadcast, IPv6 link-local at either end, and neighbour discovery.
 *
 * Order: steer_attach() first, then the prefixes, then DPDK's net_af_xdp port on the same netdev without an "xdp_prog"
 * argument: the driver finds the program attached and adds its sockets to its map. The other way round steer_attach()
 * fails, for then the driver's own program is attached.
 *
 * Lifetime: the attachment is a bpf_link that nothing but this process's file descriptor holds. When the process ends,
 * however it ends, the kernel detaches the program and the netdev is as it was; nothing is pinned, nothing is left to
 * clean up. While the program is attached and no socket is there, every frame goes to the kernel.
 *
 * Control thread only. steer_attach() needs CAP_NET_ADMIN and CAP_BPF (and the driver's adoption CAP_SYS_ADMIN); what
 * comes after needs no capability.
 */
#ifndef STEER_LOADER_H
#define STEER_LOADER_H

#include "abi.h"
#include "addr.h"
#include "attributes.h"
#include "error.h"

struct steer;

enum steer_mode { STEER_ANYCAST, STEER_TRANSIT };
enum steer_action { STEER_PASS, STEER_REDIRECT };

/* Packets since the attachment, by verdict, summed over all CPUs. */
struct steer_counters {
    uint64_t packets[STEER_VERDICTS];
};

/* Loads the object, takes the port's MAC from the interface, seeds the tables for the mode and attaches, natively if
 * the driver can, else (with a warning in the log) generically. Of the interface both index and name, so that a rename
 * in between is noticed. Changes nothing on failure: -ENOENT no object file; -ENODEV no such interface; -EPERM; -EBUSY
 * another XDP program is attached (named); -EINVAL not our object, or the verifier refused it; -ENOMEM; the text says
 * which. */
int steer_attach(const char *object_path, unsigned int ifindex, const char *ifname, enum steer_mode mode,
                 struct steer **out, struct error *error) MUST_USE;
/* Detaches; the counters are gone. NULL is fine. */
void steer_detach(struct steer *steer);

/* Adds or replaces; from the next packet on. -ENOSPC: STEER_MAX_PREFIXES are in the table. -ENOMEM. */
int steer_set(struct steer *steer, const struct prefix *prefix, enum steer_action action) MUST_USE;
/* What is not there is deleted already: 0. A mode's own default route can be replaced, and is back when deleted. */
int steer_del(struct steer *steer, const struct prefix *prefix) MUST_USE;
/* All frames of a VLAN, whatever they carry; vid 1 to 4094. A frame whose tag the NIC took off is none of these. */
int steer_set_vlan(struct steer *steer, uint16_t vid, enum steer_action action) MUST_USE;
/* The BFD packets of a session between these addresses that carry our discriminator, or none yet: to the socket
 * although the local address is the kernel's. Discriminator 0: no more. -E2BIG: STEER_MAX_BFD are in the table. */
int steer_set_bfd(struct steer *steer, const struct ip_addr *local, const struct ip_addr *peer, bool multihop,
                  uint32_t discriminator) MUST_USE;
/* The interface's MAC has changed. */
int steer_set_mac(struct steer *steer, const uint8_t mac[6]) MUST_USE;

/* Reads memory; no packet waits. */
int steer_counters_get(struct steer *steer, struct steer_counters *out) MUST_USE;
/* "redirected", "not_ip" ... as statistics name it. */
const char *steer_verdict_name(enum steer_verdict verdict);

#endif
