/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's net_af_xdp on top of our program, with real frames: what the program redirects reaches the worker's queue and
 * nothing else does; the kernel gets the rest, and everything once the process is dead, however it died.
 *
 * A child process is the forwarder (it attaches, starts the port and reports the tag of each frame it polls); the
 * parent is the peer and, by a packet socket on the port, the kernel.
 */
#include "lab.h"
#include "steer_loader.h"
#include "unit.h"
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY      UINT32_MAX /* instead of a tag: the forwarder polls */
#define PER_KIND   50
#define BURST      32
#define START_MS   30000 /* without hugepages the EAL takes seconds */
#define SILENCE_MS 300

static const char *object_path;

static const struct {
    struct lab_frame frame;
    bool redirected;
} kinds[] = {
    {{.dst = "192.0.2.1"}, true},
    {{.dst = "10.0.1.1"}, false},
    {{.dst = "192.0.2.254"}, false},
    {{.dst = "198.18.0.1"}, false},
    {{.dst = "192.0.2.1", .ethertype = ETH_P_ARP}, false},
    {{.dst = "192.0.2.1", .ethertype = ETH_P_8021Q}, false},
    {{.dst = "2001:db8:a::1"}, true},
    {{.dst = "2001:db8:b::1"}, false},
    {{.dst = "ff02::1"}, false},
    {{.dst = "fe80::1"}, false},
};

/* The forwarder. Never returns, never asserts: what fails here is told on stderr, and the parent misses READY. */

static void set_or_exit(struct steer *steer, const char *text, enum steer_action action)
{
    struct prefix prefix;

    if (prefix_parse(text, &prefix) != 0 || steer_set(steer, &prefix, action) != 0) {
        fprintf(stderr, "cannot set %s\n", text);
        exit(1);
    }
}

static void port_start_or_exit(void)
{
    /* clang-format off */
    char *arguments[] = {"forwarder", "--no-huge", "--no-shconf", "--no-telemetry", "--no-pci", "-m", "128",
                         "--lcores", "0", "--log-level=lib.eal:warning",
                         "--vdev=net_af_xdp0,iface=" LAB_PORT ",busy_budget=0"};
    /* clang-format on */
    struct rte_eth_conf conf = {0};
    struct rte_mempool *pool;

    if (rte_eal_init(ARRAY_SIZE(arguments), arguments) < 0) {
        fprintf(stderr, "no EAL\n");
        exit(1);
    }
    pool = rte_pktmbuf_pool_create("pool", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (pool == NULL || rte_eth_dev_configure(0, 1, 1, &conf) != 0 ||
        rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL, pool) != 0 ||
        rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL) != 0 || rte_eth_dev_start(0) != 0) {
        fprintf(stderr, "no port\n");
        exit(1);
    }
}

static void report(int pipe_fd, uint32_t tag)
{
    if (write(pipe_fd, &tag, sizeof(tag)) != sizeof(tag)) {
        exit(1); /* the parent is gone */
    }
}

static void poll_port(int pipe_fd)
{
    for (;;) {
        struct rte_mbuf *burst[BURST];
        uint16_t n = rte_eth_rx_burst(0, 0, burst, BURST);

        for (uint16_t i = 0; i < n; i++) {
            report(pipe_fd, rte_pktmbuf_pkt_len(burst[i]) == LAB_FRAME_SIZE
                                ? lab_frame_tag(rte_pktmbuf_mtod(burst[i], const uint8_t *), LAB_FRAME_SIZE)
                                : READY - 1);
            rte_pktmbuf_free(burst[i]);
        }
        if (n == 0) {
            usleep(200);
        }
    }
}

static void forward(int pipe_fd)
{
    struct steer *steer;
    struct error error;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (steer_attach(object_path, lab_ifindex(LAB_PORT), LAB_PORT, STEER_ANYCAST, &steer, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    set_or_exit(steer, "192.0.2.0/24", STEER_REDIRECT);
    set_or_exit(steer, "2001:db8:a::/48", STEER_REDIRECT);
    set_or_exit(steer, "192.0.2.254/32", STEER_PASS);
    port_start_or_exit();
    report(pipe_fd, READY);
    poll_port(pipe_fd);
}

/* The parent. */

struct forwarder {
    pid_t pid;
    int pipe_fd;
};

/* The next tag, or -1 after this much silence. */
static int64_t next_tag(const struct forwarder *forwarder, int timeout_ms)
{
    struct pollfd readable = {.fd = forwarder->pipe_fd, .events = POLLIN};
    uint32_t tag;

    if (poll(&readable, 1, timeout_ms) != 1 || read(forwarder->pipe_fd, &tag, sizeof(tag)) != sizeof(tag)) {
        return -1;
    }
    return tag;
}

static struct forwarder forwarder_start(void)
{
    struct forwarder forwarder;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    forwarder.pid = fork();
    assert_true(forwarder.pid >= 0);
    if (forwarder.pid == 0) {
        close(fds[0]);
        forward(fds[1]);
    }
    close(fds[1]);
    forwarder.pipe_fd = fds[0];
    assert_int_equal(next_tag(&forwarder, START_MS), READY);
    return forwarder;
}

static void forwarder_kill(struct forwarder *forwarder)
{
    int status;

    assert_int_equal(kill(forwarder->pid, SIGKILL), 0);
    assert_int_equal(waitpid(forwarder->pid, &status, 0), forwarder->pid);
    assert_true(WIFSIGNALED(status));
    close(forwarder->pipe_fd);
}

static int packet_socket(const char *ifname)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct timeval silence = {.tv_usec = SILENCE_MS * 1000};
    int buffer = 8 << 20; /* a frame that came through XDP is accounted as a page */
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

    assert_true(fd >= 0);
    address.sll_ifindex = (int)lab_ifindex(ifname);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)), 0);
    return fd;
}

/* Tags count up; the kind of a frame is its tag modulo the number of kinds. */
static void send_all(int fd)
{
    for (uint32_t tag = 0; tag < PER_KIND * ARRAY_SIZE(kinds); tag++) {
        struct lab_frame frame = kinds[tag % ARRAY_SIZE(kinds)].frame;
        uint8_t bytes[LAB_FRAME_SIZE];

        frame.tag = tag;
        lab_frame_build(&frame, bytes);
        assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    }
}

/* A frame is known by its source; the kernel has taken a VLAN tag off by now. */
static void collect_kernel(int fd, unsigned int *seen)
{
    uint8_t bytes[LAB_FRAME_SIZE + 1];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        if (n >= LAB_FRAME_SIZE - 4 && memcmp(bytes + 6, LAB_PEER_MAC, 6) == 0) {
            uint32_t tag = lab_frame_tag(bytes, (size_t)n);

            assert_true(tag < PER_KIND * ARRAY_SIZE(kinds));
            seen[tag]++;
        }
    }
    assert_int_equal(errno, EAGAIN);
}

static void collect_forwarder(const struct forwarder *forwarder, unsigned int *seen)
{
    int64_t tag;

    while ((tag = next_tag(forwarder, SILENCE_MS)) >= 0) {
        assert_true(tag < (int64_t)(PER_KIND * ARRAY_SIZE(kinds)));
        seen[tag]++;
    }
}

/* Sends every kind and checks who got what; forwarder NULL: there is none, all is the kernel's. */
static void check_split(const struct forwarder *forwarder)
{
    unsigned int kernel[PER_KIND * ARRAY_SIZE(kinds)] = {0};
    unsigned int polled[PER_KIND * ARRAY_SIZE(kinds)] = {0};
    int peer = packet_socket(LAB_PEER);
    int port = packet_socket(LAB_PORT);

    send_all(peer);
    if (forwarder != NULL) {
        collect_forwarder(forwarder, polled);
    }
    collect_kernel(port, kernel);
    for (size_t tag = 0; tag < ARRAY_SIZE(kernel); tag++) {
        bool redirected = forwarder != NULL && kinds[tag % ARRAY_SIZE(kinds)].redirected;

        if (polled[tag] != redirected || kernel[tag] != !redirected) {
            fail_msg("frame %zu (to %s): polled %u times, by the kernel %u times", tag,
                     kinds[tag % ARRAY_SIZE(kinds)].frame.dst, polled[tag], kernel[tag]);
        }
    }
    close(peer);
    close(port);
}

static void the_driver_polls_exactly_what_we_redirect(void **state)
{
    struct forwarder forwarder = forwarder_start();

    (void)state;
    check_split(&forwarder);
    forwarder_kill(&forwarder);
}

static void a_killed_forwarder_leaves_nothing_behind_and_the_next_one_starts(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct forwarder forwarder = forwarder_start();

        forwarder_kill(&forwarder);
        assert_int_equal(lab_program(LAB_PORT), 0);
        check_split(NULL);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_driver_polls_exactly_what_we_redirect),
        cmocka_unit_test(a_killed_forwarder_leaves_nothing_behind_and_the_next_one_starts),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s steer.bpf.o\n", argv[0]);
        return 2;
    }
    object_path = argv[1];
    lab_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
