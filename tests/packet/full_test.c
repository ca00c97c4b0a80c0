/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane with tables of the internet's size: every route is put in through dp.h, and packets to random
 * addresses leave to the next hop that the oracle names. The next hop is in the frame's new MAC address, the packet's
 * number in its payload.
 */
#include "attributes.h"
#include "dp.h"
#include "frame.h"
#include "full_lists.h"
#include "unit.h"
#include <rte_byteorder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS         100000 /* half of each family */
#define PATIENCE_MS     60000
#define FIB_V4_BYTES    8e6
#define FIB_V6_BYTES    16e6
#define NUMBER_IN_BYTES 8 /* behind the UDP header */

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};

struct side {
    unsigned int family;
    struct table table;
    struct full_lists *lists;
    uint32_t path_list[TABLE_VALUES + 1];
};

/* What the packets are, and what they met. */
static uint32_t expected[PACKETS];
static bool seen[PACKETS];

static struct ip_addr addr_of(const struct side *side, table_key key)
{
    struct ip_addr addr = {.family = (uint8_t)side->family};

    for (unsigned int i = 0; i < family_bits(side->family) / 8; i++) {
        addr.bytes[i] = (uint8_t)(key >> (120 - 8 * i));
    }
    return addr;
}

/* ---- Routes */

static void next_hop_add(struct dp *dp, struct side *side, unsigned int value)
{
    struct rewrite rewrite = {REWRITE_TX, 14, 1, 1500, 0, {2, 0, 0, 0, 0, (uint8_t)value, 2, 0, 0, 0, 0, 2, 0x08, 0}};
    uint16_t tier = 1;
    struct path path;
    int list;

    if (side->family == FAMILY_V6) {
        rewrite.header[ETHER_TYPE] = 0x86;
        rewrite.header[ETHER_TYPE + 1] = 0xdd;
    }
    path = (struct path){(uint16_t)dp_adjacency_create(dp, &rewrite), 1, 1};
    list = dp_path_list_create(dp, &(struct path_list_spec){.paths = &path, .tiers = &tier, .tier_count = 1});
    assert_true(path.adjacency > 0 && list > 0);
    side->path_list[value] = (uint32_t)list;
}

static void routes_add(struct dp *dp, struct side *side)
{
    for (unsigned int value = 1; value <= TABLE_VALUES; value++) {
        next_hop_add(dp, side, value);
    }
    for (size_t i = 0; i < side->table.count; i++) {
        const struct table_route *route = &side->table.routes[i];
        struct prefix prefix = {.addr = addr_of(side, route->key), .length = (uint8_t)route->length};

        assert_int_equal(dp_route_set(dp, &prefix, side->path_list[route->value]), 0);
    }
}

/* ---- Packets in */

/* The classic format, of this machine's byte order. */
struct pcap_header {
    uint32_t magic;
    uint16_t version[2];
    uint32_t zone[2];
    uint32_t snap_length;
    uint32_t link_type;
};

struct pcap_record {
    uint32_t time[2];
    uint32_t length;
    uint32_t wire_length;
};

/* Every other one in a route, the others anywhere that is forwarded at all. */
static table_key random_key(const struct side *side, uint64_t *state)
{
    table_key key = (table_key)table_random(state) << 64 | table_random(state);
    const struct table_route *route = &side->table.routes[table_random(state) % side->table.count];

    if (table_random(state) % 2 == 0) {
        key = route->key | (key & ~table_mask(route->length));
    } else if (side->family == FAMILY_V6) {
        key = (table_key)1 << 125 | key >> 3; /* 2000::/3 */
    }
    key &= table_mask(family_bits(side->family));
    if (side->family == FAMILY_V4 && (key >> 120 == 0 || key >> 120 == 127 || key >> 120 >= 224)) {
        return random_key(side, state);
    }
    return key;
}

static void write_packets(const char *path, const struct side *sides)
{
    static const struct pcap_header header = {0xa1b2c3d4, {2, 4}, {0, 0}, 65535, 1};
    static struct frame frame;
    FILE *file = fopen(path, "we");
    uint64_t state = 1;

    assert_non_null(file);
    assert_int_equal(fwrite(&header, sizeof(header), 1, file), 1);
    for (uint32_t i = 0; i < PACKETS; i++) {
        const struct side *side = &sides[i % 2];
        bool v4 = side->family == FAMILY_V4;
        table_key key = random_key(side, &state);
        struct ip_addr addr = addr_of(side, key);
        struct pcap_record record = {{0, 0}, 0, 0};

        frame_build(&frame, mac, v4 ? "198.51.100.7" : "2001:db8:c::7", v4 ? "192.0.2.1" : "2001:db8::1", 20);
        memcpy(frame.bytes + (v4 ? V4_DST : V6_DST), addr.bytes, v4 ? 4 : 16);
        memcpy(frame.bytes + (v4 ? V4_PAYLOAD : V6_PAYLOAD) + NUMBER_IN_BYTES, &i, sizeof(i));
        frame_set_checksum(&frame);
        record.length = record.wire_length = frame.length;
        assert_int_equal(fwrite(&record, sizeof(record), 1, file), 1);
        assert_int_equal(fwrite(frame.bytes, frame.length, 1, file), 1);
        expected[i] = full_lists_match(side->lists, key);
    }
    assert_int_equal(fclose(file), 0);
}

/* ---- Packets out */

static void read_packet(const uint8_t *bytes)
{
    unsigned int payload = bytes[ETHER_TYPE] == 0x08 ? V4_PAYLOAD : V6_PAYLOAD;
    uint32_t number;

    memcpy(&number, bytes + payload + NUMBER_IN_BYTES, sizeof(number));
    assert_in_range(number, 0, PACKETS - 1);
    assert_false(seen[number]);
    seen[number] = true;
    if (bytes[5] != expected[number]) {
        fail_msg("packet %u left to next hop %u, not %u", number, bytes[5], expected[number]);
    }
}

static void read_packets(const char *path)
{
    struct pcap_header header;
    struct pcap_record record;
    FILE *file = fopen(path, "re");
    uint8_t bytes[256];

    assert_non_null(file);
    assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
    while (fread(&record, sizeof(record), 1, file) == 1) {
        assert_in_range(record.length, V4_PAYLOAD + 20, sizeof(bytes));
        assert_int_equal(fread(bytes, record.length, 1, file), 1);
        read_packet(bytes);
    }
    fclose(file);
    for (uint32_t i = 0; i < PACKETS; i++) {
        if (seen[i] != (expected[i] != 0)) {
            fail_msg("packet %u, next hop %u, is %s", i, expected[i], seen[i] ? "there" : "missing");
        }
    }
}

static void wait_for_packets(const struct dp *dp, struct dp_stats *stats)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        dp_stats(dp, stats);
        if (stats->sent + stats->drops[DROP_NO_ROUTE] == PACKETS) {
            return;
        }
        usleep(1000);
    }
    fail_msg("received %lu, sent %lu, no route %lu", stats->received, stats->sent, stats->drops[DROP_NO_ROUTE]);
}

/* ---- The test */

static void forward(const char *in, const char *out, struct side *sides)
{
    static const unsigned int lcore = 1;
    char to[100];
    struct port_settings ports[] = {
        {.name = "in", .kind = PORT_PCAP, .argument = in, .queues = 1},
        {.name = "out", .kind = PORT_PCAP, .argument = to, .queues = 1},
    };
    struct dp_settings settings = {
        .eal = {.hugepages = HUGEPAGES_NO, .memory_mb = 256, .worker_lcores = &lcore, .worker_count = 1},
        .idle = IDLE_BACKOFF,
        .ports = ports,
        .port_count = ARRAY_SIZE(ports),
    };
    struct error error = {""};
    struct dp_stats stats;
    struct dp *dp = NULL;

    snprintf(to, sizeof(to), ",%s", out);
    assert_int_equal(dp_create(&settings, &dp, &error), 0);
    dp_port_set_mac(dp, 0, mac);
    for (unsigned int i = 0; i < FAMILIES; i++) {
        routes_add(dp, &sides[i]);
    }
    assert_int_equal(dp_start(dp, &error), 0);
    wait_for_packets(dp, &stats);
    for (unsigned int i = 0; i < FAMILIES; i++) {
        const struct side *side = &sides[i];
        double bytes = (double)stats.fib[side->family].bytes;

        assert_int_equal(stats.fib[side->family].routes, side->table.count);
        assert_true(bytes <= (side->family == FAMILY_V4 ? FIB_V4_BYTES : FIB_V6_BYTES));
        print_message("%zu routes in %.1f MB, %s\n", side->table.count, bytes / 1e6, side->table.source);
    }
    dp_destroy(dp);
}

static void a_million_routes_forward_as_the_oracle_says(void **state)
{
    static struct side sides[FAMILIES] = {{.family = FAMILY_V4}, {.family = FAMILY_V6}};
    char folder[] = "/tmp/anyfwd-full-XXXXXX";
    char in[64];
    char out[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(in, sizeof(in), "%s/in.pcap", folder);
    snprintf(out, sizeof(out), "%s/out.pcap", folder);
    for (unsigned int i = 0; i < FAMILIES; i++) {
        table_read(&sides[i].table, family_bits(sides[i].family));
        sides[i].lists = full_lists_create(&sides[i].table);
    }
    write_packets(in, sides);
    forward(in, out, sides);
    read_packets(out);
    for (unsigned int i = 0; i < FAMILIES; i++) {
        full_lists_destroy(sides[i].lists);
        table_free(&sides[i].table);
    }
    unlink(in);
    unlink(out);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_routes_forward_as_the_oracle_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
