/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two queues of one port, two workers: what a packet's instance is does not depend on the worker that gets it.
 *
 * The port is a ring device, whose rings this test fills: it chooses the queue, as a NIC's RSS or a veth's sender does.
 */
#include "attributes.h"
#include "dp.h"
#include "frame.h"
#include "hash.h"
#include "unit.h"
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUES      2
#define INSTANCES   4
#define FLOWS       64 /* a family */
#define DATAGRAMS   200
#define PIECES      3
#define PIECE       16 /* bytes of payload */
#define PATIENCE_MS 20000

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const char *const anycast[FAMILIES] = {"192.0.2.0/24", "2001:db8:a::/48"};

static struct dp *dp;
static struct rte_mempool *pool;
static uint16_t adjacencies[FAMILIES][INSTANCES];
static uint64_t draws;

static uint32_t draw(uint32_t below)
{
    draws += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash_mix64(draws) >> 32) % below;
}

static void add_routes(enum family family)
{
    struct path paths[INSTANCES];
    uint16_t tier = INSTANCES;
    struct path_list_spec spec = {.paths = paths, .tiers = &tier, .tier_count = 1, .hash_mode = HASH_PORTS};
    struct prefix prefix;
    int list;

    for (unsigned int i = 0; i < INSTANCES; i++) {
        struct rewrite rewrite = {REWRITE_TX, 14, 1, 1500, 0, {2, 0, 0, 0, 9, (uint8_t)i, 2, 0, 0, 0, 0, 2}};
        int id;

        rewrite.header[12] = family == FAMILY_V4 ? 0x08 : 0x86;
        rewrite.header[13] = family == FAMILY_V4 ? 0x00 : 0xdd;
        id = dp_adjacency_create(dp, &rewrite);
        assert_true(id > 0);
        adjacencies[family][i] = (uint16_t)id;
        paths[i] = (struct path){(uint16_t)id, 1, hash_mix64(i + 1)};
    }
    list = dp_path_list_create(dp, &spec);
    assert_true(list > 0);
    assert_int_equal(prefix_parse(anycast[family], &prefix), 0);
    assert_int_equal(dp_route_set(dp, &prefix, (uint32_t)list), 0);
}

static int set_up(void **state)
{
    static const unsigned int lcores[] = {1, 2};
    static const struct port_settings ports[] = {
        {.name = "in", .kind = PORT_VDEV, .argument = "net_ring_in", .queues = QUEUES},
        {.name = "out", .kind = PORT_NULL, .argument = "", .queues = 1},
    };
    struct dp_settings settings = {
        .eal = {.hugepages = HUGEPAGES_NO, .memory_mb = 256, .worker_lcores = lcores, .worker_count = 2},
        .idle = IDLE_BACKOFF,
        .ports = ports,
        .port_count = ARRAY_SIZE(ports),
    };
    struct error error = {""};

    (void)state;
    draws = 0;
    if (dp_create(&settings, &dp, &error) != 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    pool = rte_pktmbuf_pool_create("sent", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    dp_port_set_mac(dp, 0, mac);
    add_routes(FAMILY_V4);
    add_routes(FAMILY_V6);
    return pool == NULL || dp_start(dp, &error) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    dp_destroy(dp);
    rte_mempool_free(pool);
    return 0;
}

static void inject(unsigned int queue, const struct frame *frame)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    char name[RTE_RING_NAMESIZE];
    struct rte_ring *ring;

    snprintf(name, sizeof(name), "ETH_RXTX%u_net_ring_in", queue);
    ring = rte_ring_lookup(name);
    assert_true(mbuf != NULL && ring != NULL);
    memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->length), frame->bytes, frame->length);
    assert_int_equal(rte_ring_enqueue(ring, mbuf), 0);
}

static uint64_t received_by(unsigned int worker)
{
    struct worker_stats stats;

    dp_worker_stats(dp, worker, &stats);
    return stats.rx;
}

/* Until so many packets came, and as many as given wait for their first fragment. */
static void wait_for(uint64_t received, uint64_t held)
{
    struct dp_stats stats;

    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        dp_stats(dp, &stats);
        if (stats.received == received && stats.held == held && stats.sent + held == received) {
            return;
        }
        usleep(1000);
    }
    fail_msg("received %lu of %lu, sent %lu, held %lu, wanted %lu", stats.received, received, stats.sent, stats.held,
             held);
}

static void counts(enum family family, uint64_t packets[INSTANCES])
{
    for (unsigned int i = 0; i < INSTANCES; i++) {
        packets[i] = dp_adjacency_traffic(dp, adjacencies[family][i]).packets;
    }
}

/* The one instance that got n packets since then, and no other any. */
static unsigned int instance_since(enum family family, const uint64_t before[INSTANCES], uint64_t n)
{
    unsigned int found = INSTANCES;
    uint64_t now[INSTANCES];

    counts(family, now);
    for (unsigned int i = 0; i < INSTANCES; i++) {
        if (now[i] != before[i]) {
            assert_int_equal(now[i] - before[i], n);
            assert_int_equal(found, INSTANCES);
            found = i;
        }
    }
    assert_in_range(found, 0, INSTANCES - 1);
    return found;
}

/* A packet of flow i. */
static void build(enum family family, unsigned int i, struct frame *frame)
{
    char source[IP_ADDR_STRLEN];
    char destination[IP_ADDR_STRLEN];

    snprintf(source, sizeof(source), family == FAMILY_V4 ? "198.51.100.%u" : "2001:db8:c::%x", 1 + i % 200);
    snprintf(destination, sizeof(destination), family == FAMILY_V4 ? "192.0.2.%u" : "2001:db8:a::%x", 1 + i % 7);
    frame_build(frame, mac, source, destination, PIECES * PIECE);
    if (family == FAMILY_V4) {
        frame_set16(frame, V4_ID, (uint16_t)i);
        frame_set16(frame, V4_FRAGMENT, 0);
        frame_set_checksum(frame);
    }
    frame_set16(frame, family == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD, (uint16_t)(1024 + i)); /* source port */
}

/* Fragment p of a datagram; of IPv6 with RFC 8200's header in front of the payload. */
static void cut(enum family family, const struct frame *whole, uint32_t id, unsigned int p, struct frame *piece)
{
    unsigned int begin = family == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD;
    unsigned int header = family == FAMILY_V4 ? 0 : 8;
    unsigned int more = p + 1 < PIECES;

    memcpy(piece->bytes, whole->bytes, begin);
    memcpy(piece->bytes + begin + header, whole->bytes + begin + p * PIECE, PIECE);
    piece->length = begin + header + PIECE;
    if (family == FAMILY_V4) {
        frame_set16(piece, V4_TOTAL, 20 + PIECE);
        frame_set16(piece, V4_FRAGMENT, (uint16_t)(more << 13 | p * PIECE / 8));
        frame_set_checksum(piece);
        return;
    }
    frame_set16(piece, V6_PAYLOAD_LENGTH, (uint16_t)(header + PIECE));
    memset(piece->bytes + begin, 0, header);
    piece->bytes[begin] = piece->bytes[V6_NEXT];
    piece->bytes[V6_NEXT] = 44;
    frame_set16(piece, begin + 2, (uint16_t)(p * PIECE | more));
    frame_set16(piece, begin + 6, (uint16_t)id);
}

static void a_flow_has_one_instance_whichever_worker_gets_it(void **state)
{
    unsigned int used[INSTANCES] = {0};
    uint64_t sent = 0;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        for (unsigned int i = 0; i < FLOWS; i++) {
            static struct frame frame;
            unsigned int instance[QUEUES];
            uint64_t before[INSTANCES];

            build((enum family)family, i, &frame);
            for (unsigned int queue = 0; queue < QUEUES; queue++) {
                counts((enum family)family, before);
                inject(queue, &frame);
                wait_for(++sent, 0);
                instance[queue] = instance_since((enum family)family, before, 1);
            }
            assert_int_equal(instance[0], instance[1]);
            used[instance[0]]++;
        }
    }
    for (unsigned int i = 0; i < INSTANCES; i++) {
        assert_true(used[i] >= FLOWS / INSTANCES); /* half of its share: or the property says little */
    }
    assert_int_equal(received_by(0), sent / 2);
    assert_int_equal(received_by(1), sent / 2);
}

static void later_fragments_wait_for_the_first_one_at_another_worker(void **state)
{
    uint64_t sent = 0;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        for (unsigned int i = 0; i < FLOWS; i++) {
            static struct frame whole;
            static struct frame piece;
            uint64_t before[INSTANCES];
            unsigned int instance;
            struct dp_stats stats;

            build((enum family)family, i, &whole);
            counts((enum family)family, before);
            inject(0, &whole);
            wait_for(++sent, 0);
            instance = instance_since((enum family)family, before, 1);
            for (unsigned int p = PIECES; p-- > 0;) { /* the last one first */
                cut((enum family)family, &whole, i, p, &piece);
                inject(p == 0 ? i % 2 : 1 - i % 2, &piece);
                sent++;
                if (p == 1) { /* both are there before the first one comes */
                    usleep(i % 8 == 0 ? 2000 : 0);
                }
            }
            wait_for(sent, 0);
            assert_int_equal(instance_since((enum family)family, before, 1 + PIECES), instance);
            dp_stats(dp, &stats);
            assert_int_equal(stats.fragments_unmatched, 0);
        }
    }
}

/* In any order, at any queue. */
static void fragments_follow_their_flow_across_the_workers(void **state)
{
    uint64_t sent = 0;

    (void)state;
    for (unsigned int i = 0; i < DATAGRAMS; i++) {
        static struct frame whole;
        static struct frame piece;
        enum family family = (enum family)draw(FAMILIES);
        unsigned int order[PIECES] = {0, 1, 2};
        uint64_t before[INSTANCES];
        unsigned int instance;

        build(family, i, &whole);
        counts(family, before);
        inject(draw(QUEUES), &whole);
        wait_for(++sent, 0);
        instance = instance_since(family, before, 1);
        for (unsigned int p = PIECES - 1; p > 0; p--) {
            unsigned int other = draw(p + 1);
            unsigned int held = order[p];

            order[p] = order[other];
            order[other] = held;
        }
        for (unsigned int p = 0; p < PIECES; p++) {
            cut(family, &whole, i, order[p], &piece);
            inject(draw(QUEUES), &piece);
        }
        sent += PIECES;
        wait_for(sent, 0);
        assert_int_equal(instance_since(family, before, 1 + PIECES), instance);
    }
}

#define queues_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        queues_test(a_flow_has_one_instance_whichever_worker_gets_it),
        queues_test(later_fragments_wait_for_the_first_one_at_another_worker),
        queues_test(fragments_follow_their_flow_across_the_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
