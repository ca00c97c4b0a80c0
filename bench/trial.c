/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-trial EAL-ARGUMENT... -- FRAMES: the tester of RFC 2544. Sends by its first Ethernet device and counts what
 * comes in by its last one, all on one lcore.
 *
 * FRAMES is a file as tests/lab/pump.c reads it: (length: 2 bytes, big endian; frame), sent in turn. Each line of
 * standard input is a trial: "rate PPS SECONDS" (paced; a tester that was held up makes up for a burst, and is short of
 * the others) or "burst COUNT" (as fast as the device takes them). Each is answered by a line: frames sent, frames
 * received until all were, or nothing came for a while, and the microseconds that sending took.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX  4096
#define BURST       32
#define MAKE_UP     256 /* frames */
#define DESCRIPTORS 1024
#define MBUFS       16383
#define SETTLE_MS   300 /* after the last frame that came */
#define LINK_S      20
#define ANYCAST     UINT32_C(0xc0000200) /* 192.0.2.0/24: what is counted */

static struct tester {
    uint16_t out;
    uint16_t in;
    struct rte_mempool *pool;
    unsigned int frame_count;
    uint16_t lengths[FRAMES_MAX];
    const uint8_t *frames[FRAMES_MAX];
    unsigned int next;
    uint64_t sent;
    uint64_t received;
} tester;

static void fail(const char *what)
{
    fprintf(stderr, "bench-trial: %s\n", what);
    exit(1);
}

static void read_frames(const char *path)
{
    FILE *file = fopen(path, "re");
    uint8_t head[2];

    while (file != NULL && tester.frame_count < FRAMES_MAX && fread(head, sizeof(head), 1, file) == 1) {
        uint16_t length = (uint16_t)(head[0] << 8 | head[1]);
        uint8_t *frame = malloc(length);

        if (frame == NULL || fread(frame, length, 1, file) != 1) {
            fail("the frames are cut off");
        }
        tester.lengths[tester.frame_count] = length;
        tester.frames[tester.frame_count++] = frame;
    }
    if (tester.frame_count == 0) {
        fail("no frames");
    }
    fclose(file);
}

static void start_device(uint16_t device)
{
    struct rte_eth_conf conf = {0};
    uint16_t rx = DESCRIPTORS;
    uint16_t tx = DESCRIPTORS;

    if (rte_eth_dev_configure(device, 1, 1, &conf) != 0 || rte_eth_dev_adjust_nb_rx_tx_desc(device, &rx, &tx) != 0 ||
        rte_eth_rx_queue_setup(device, 0, rx, SOCKET_ID_ANY, NULL, tester.pool) != 0 ||
        rte_eth_tx_queue_setup(device, 0, tx, SOCKET_ID_ANY, NULL) != 0 || rte_eth_dev_start(device) != 0) {
        fail("a device does not start");
    }
    rte_eth_promiscuous_enable(device);
}

static void wait_for_link(uint16_t device)
{
    struct rte_eth_link link = {0};

    for (int ms = 0; ms < LINK_S * 1000 && link.link_status != RTE_ETH_LINK_UP; ms++) {
        rte_delay_ms(1);
        rte_eth_link_get_nowait(device, &link);
    }
    if (link.link_status != RTE_ETH_LINK_UP) {
        fail("a device has no link");
    }
}

/* One of those that were sent, forwarded. */
static bool is_ours(const struct rte_mbuf *mbuf)
{
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ethernet + 1);

    return rte_pktmbuf_data_len(mbuf) >= sizeof(*ethernet) + sizeof(*ip) &&
           ethernet->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && ip->next_proto_id == IPPROTO_UDP &&
           (rte_be_to_cpu_32(ip->dst_addr) & ~0xffu) == ANYCAST;
}

static uint16_t receive(void)
{
    struct rte_mbuf *mbufs[BURST];
    uint16_t n = rte_eth_rx_burst(tester.in, 0, mbufs, BURST);

    for (uint16_t i = 0; i < n; i++) {
        tester.received += is_ours(mbufs[i]);
    }
    rte_pktmbuf_free_bulk(mbufs, n);
    return n;
}

/* Frames that the device took. */
static uint16_t send_frames(uint16_t most)
{
    struct rte_mbuf *mbufs[BURST];
    uint16_t n = RTE_MIN(most, (uint16_t)BURST);
    uint16_t sent;

    if (rte_pktmbuf_alloc_bulk(tester.pool, mbufs, n) != 0) {
        return 0;
    }
    for (uint16_t i = 0; i < n; i++) {
        unsigned int which = (tester.next + i) % tester.frame_count;

        memcpy(rte_pktmbuf_append(mbufs[i], tester.lengths[which]), tester.frames[which], tester.lengths[which]);
    }
    sent = rte_eth_tx_burst(tester.out, 0, mbufs, n);
    rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
    tester.next = (tester.next + sent) % tester.frame_count;
    tester.sent += sent;
    return sent;
}

static void settle(void)
{
    uint64_t quiet = rte_get_tsc_hz() / 1000 * SETTLE_MS;
    uint64_t last = rte_rdtsc();

    while (tester.received < tester.sent && rte_rdtsc() - last < quiet) {
        if (receive() > 0) {
            last = rte_rdtsc();
        }
    }
}

static void send_paced(double pps, double seconds)
{
    double per_cycle = pps / (double)rte_get_tsc_hz();
    uint64_t begin = rte_rdtsc();
    uint64_t end = begin + (uint64_t)(seconds * (double)rte_get_tsc_hz());
    uint64_t forgone = 0; /* frames that it was too late for */
    uint64_t now;

    while ((now = rte_rdtsc()) < end) {
        uint64_t due = (uint64_t)((double)(now - begin) * per_cycle) - tester.sent - forgone;

        if (due > MAKE_UP) {
            forgone += due - MAKE_UP;
            due = MAKE_UP;
        }
        if (due > 0) {
            send_frames((uint16_t)due);
        }
        receive();
    }
}

/* A tester that receives now and then would not send back to back; but nothing else empties its device. */
static void send_burst(uint64_t count)
{
    while (tester.sent < count) {
        send_frames((uint16_t)RTE_MIN(count - tester.sent, (uint64_t)BURST));
        receive();
    }
}

static void run_trial(const char *line)
{
    uint64_t begin = rte_rdtsc();
    uint64_t end;
    uint64_t count;
    double pps;
    double seconds;

    tester.sent = tester.received = 0;
    if (sscanf(line, "rate %lf %lf", &pps, &seconds) == 2) {
        send_paced(pps, seconds);
    } else if (sscanf(line, "burst %" SCNu64, &count) == 1) {
        send_burst(count);
    } else {
        fail("no such trial");
    }
    end = rte_rdtsc();
    settle();
    printf("%" PRIu64 " %" PRIu64 " %.0f\n", tester.sent, tester.received,
           (double)(end - begin) * 1e6 / (double)rte_get_tsc_hz());
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int used = rte_eal_init(argc, argv);
    char line[128];

    if (used < 0 || argc - used != 2 || rte_eth_dev_count_avail() == 0) {
        fail("usage: bench-trial EAL-ARGUMENT... -- FRAMES, with one device or two");
    }
    read_frames(argv[used + 1]);
    tester.out = 0;
    tester.in = (uint16_t)(rte_eth_dev_count_avail() - 1);
    tester.pool = rte_pktmbuf_pool_create("frames", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (tester.pool == NULL) {
        fail("no memory");
    }
    for (uint16_t device = 0; device <= tester.in; device++) {
        start_device(device);
    }
    for (uint16_t device = 0; device <= tester.in; device++) {
        wait_for_link(device);
    }
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        run_trial(line);
    }
    for (uint16_t device = 0; device <= tester.in; device++) {
        rte_eth_dev_stop(device);
        rte_eth_dev_close(device);
    }
    rte_eal_cleanup();
    return 0;
}
