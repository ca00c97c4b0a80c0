/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plug-in (dpdk.plugins) that gives the daemon NIC-like ports, so that its own worker can be measured while its API
 * works: net_ring0 receives what the benchmark wants, the other rings take what leaves (bench/pipeline/device.h).
 *
 * Packets arrive at a rate, whether the worker polls or not, and those that a ring of 2048 has no room for are missed:
 * that is how a NIC loses packets. What is measured is measured in the callbacks around the device; nothing is added to
 * the daemon. The environment's ANYFWD_NIC names the file that is shared with the benchmark.
 */
#include "device.h"
#include "shared.h"
#include <fcntl.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING          2048 /* descriptors */
#define BURST         32   /* when as many arrive as are polled for */
#define BURST_MOST    64
#define STALL_US      20 /* a burst takes two; then something else has the CPU */
#define SINKS         8
#define POLL_US       10000
#define PREFIX_BASE   0x14000000u /* prefix i: 20.0.0.0/24 and on, at place i or i + 1 */
#define PREFIXES_MOST (1u << 20)
#define PLACES        16 /* a place: the last byte of the MAC address */

static struct nic {
    struct nic_shared *shared;
    struct feed feed;
    bool never; /* feed.stop */
    struct sink sinks[SINKS];
    uint64_t epoch;
    uint64_t rate;
    double per_cycle; /* packets */
    uint64_t start;   /* TSC, of the epoch */
    uint64_t taken;   /* packets of the epoch that were received or missed */
    uint64_t last_poll;
    uint64_t stall;    /* TSC cycles */
    uint64_t burst_at; /* TSC: the last burst was received */
} nic;

static void add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void begin_epoch(uint64_t epoch, uint64_t now)
{
    nic.epoch = epoch;
    nic.rate = __atomic_load_n(&nic.shared->rate, __ATOMIC_RELAXED);
    nic.per_cycle = (double)nic.rate / (double)nic.shared->hz;
    nic.start = now;
    nic.taken = 0;
    nic.last_poll = now;
}

/* Packets for a poll, and those that it comes too late for. */
static uint64_t due(uint64_t now, bool stalled)
{
    uint64_t n = (uint64_t)((double)(now - nic.start) * nic.per_cycle) - nic.taken;

    if (unlikely(n > RING)) {
        add(&nic.shared->missed, n - RING);
        add(&nic.shared->missed_in_stalls, stalled ? n - RING : 0);
        nic.taken += n - RING;
        n = RING;
    }
    n = RTE_MIN(n, (uint64_t)BURST_MOST);
    nic.taken += n;
    return n;
}

/* rte_rx_callback_fn, before the device makes packets: how many there are. */
static uint16_t pace(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, uint16_t most, void *arg)
{
    uint64_t epoch = __atomic_load_n(&nic.shared->epoch, __ATOMIC_ACQUIRE);
    uint64_t now = rte_rdtsc();
    bool stalled;

    (void)device, (void)queue, (void)mbufs, (void)most, (void)arg;
    if (unlikely(epoch != nic.epoch)) {
        begin_epoch(epoch, now);
    }
    stalled = now - nic.last_poll > nic.stall;
    if (unlikely(stalled)) {
        add(&nic.shared->stalls, 1);
        add(&nic.shared->stalled, now - nic.last_poll);
    }
    nic.last_poll = now;
    nic.feed.stream.burst = nic.rate == 0 ? BURST : (uint16_t)due(now, stalled);
    return n;
}

/* rte_rx_callback_fn, after it. */
static uint16_t stamp(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, uint16_t most, void *arg)
{
    (void)device, (void)queue, (void)mbufs, (void)most, (void)arg;
    add(&nic.shared->received, n);
    add(&nic.shared->missed, nic.feed.stream.burst - n); /* no buffers */
    nic.burst_at = rte_rdtsc();
    return n;
}

static unsigned int bin_of(uint64_t cycles)
{
    unsigned int shift;

    if (cycles < 128) {
        return (unsigned int)cycles;
    }
    shift = 57 - (unsigned int)__builtin_clzll(cycles);
    return RTE_MIN(shift * 64 + (unsigned int)(cycles >> shift), (unsigned int)NIC_BINS - 1);
}

enum place { PLACE_RIGHT, PLACE_WRONG, PLACE_OTHER };

/* What the kernel sends by the port is PLACE_OTHER. */
static enum place place_of(const struct rte_mbuf *mbuf)
{
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ethernet + 1);
    uint32_t prefix = (rte_be_to_cpu_32(ip->dst_addr) - PREFIX_BASE) >> 8;
    unsigned int place = ethernet->dst_addr.addr_bytes[5];

    if (ethernet->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || prefix >= PREFIXES_MOST) {
        return PLACE_OTHER;
    }
    return place == prefix % PLACES || (prefix < nic.shared->moving && place == (prefix + 1) % PLACES) ? PLACE_RIGHT
                                                                                                       : PLACE_WRONG;
}

/* rte_tx_callback_fn */
static uint16_t leave(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, void *arg)
{
    uint64_t cycles = rte_rdtsc() - nic.burst_at;
    unsigned int found[3] = {0};

    (void)device, (void)queue, (void)arg;
    for (uint16_t i = 0; i < n; i++) {
        found[place_of(mbufs[i])]++;
    }
    add(&nic.shared->bins[bin_of(cycles)], 1);
    add(&nic.shared->sent, found[PLACE_RIGHT] + found[PLACE_WRONG]);
    add(&nic.shared->elsewhere, found[PLACE_WRONG]);
    return n;
}

static bool take_ports(void)
{
    unsigned int sinks = 0;
    uint16_t device;
    uint16_t in;

    if (rte_eth_dev_get_port_by_name("net_ring0", &in) != 0) {
        return false;
    }
    RTE_ETH_FOREACH_DEV(device)
    {
        char name[RTE_ETH_NAME_MAX_LEN];

        if (rte_eth_dev_get_name_by_port(device, name) != 0 || strncmp(name, "net_ring", 8) != 0) {
            continue; /* a kernel twin */
        }
        if (sinks == SINKS || (device != in && rte_eth_add_tx_callback(device, 0, leave, NULL) == NULL) ||
            device_set_sink(device, &nic.sinks[sinks++]) != 0) {
            return false;
        }
    }
    return rte_eth_add_rx_callback(in, 0, pace, NULL) != NULL &&
           device_set_feed(in, &nic.feed, rte_mempool_lookup("mbufs")) == 0 &&
           rte_eth_add_rx_callback(in, 0, stamp, NULL) != NULL;
}

static void *wait_for_daemon(void *arg)
{
    struct nic_shared *shared = arg;

    while (__atomic_load_n(&shared->run, __ATOMIC_ACQUIRE) == 0) {
        usleep(POLL_US);
    }
    shared->hz = rte_get_tsc_hz();
    nic.stall = shared->hz / 1000000 * STALL_US;
    nic.feed.stop = &nic.never;
    nic.feed.left = UINT64_MAX;
    nic.feed.stream = (struct stream){
        .frames = (const uint8_t(*)[DEVICE_LINE])((const uint8_t *)shared + NIC_FRAMES_AT),
        .frame_mask = (uint32_t)shared->frames - 1,
        .length = NIC_FRAME_BYTES - RTE_ETHER_CRC_LEN,
    };
    begin_epoch(shared->epoch, rte_rdtsc());
    if (!take_ports()) {
        fprintf(stderr, "nic: the ports cannot be taken over\n");
        exit(1);
    }
    __atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Runs when the EAL loads the plug-in, long before there are ports. */
static __attribute__((constructor)) void load(void)
{
    const char *path = getenv("ANYFWD_NIC");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct stat file;
    pthread_t thread;

    if (fd < 0 || fstat(fd, &file) != 0) {
        fprintf(stderr, "nic: ANYFWD_NIC names no file\n");
        exit(1);
    }
    nic.shared = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (nic.shared == MAP_FAILED || pthread_create(&thread, NULL, wait_for_daemon, nic.shared) != 0) {
        perror("nic");
        exit(1);
    }
    pthread_detach(thread);
}
