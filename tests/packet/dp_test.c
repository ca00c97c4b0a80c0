/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane as a whole, two workers: packets from a capture file, through the tables, into another. */
#include "attributes.h"
#include "dp.h"
#include "frame.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS     900 /* fewer than a ring between two workers holds, so that none may be lost */
#define PATIENCE_MS 20000

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};

struct files {
    char folder[64];
    char in[96];
    char out[96];
};

static int set_up(void **state)
{
    static struct files files;

    snprintf(files.folder, sizeof(files.folder), "/tmp/anyfwd-dp-XXXXXX");
    if (mkdtemp(files.folder) == NULL) {
        return -1;
    }
    snprintf(files.in, sizeof(files.in), "%s/in.pcap", files.folder);
    snprintf(files.out, sizeof(files.out), "%s/out.pcap", files.folder);
    *state = &files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;

    unlink(files->in);
    unlink(files->out);
    return rmdir(files->folder);
}

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

/* Packet i: of flow i, every tenth for an address without a route. */
static void build_packet(struct frame *frame, unsigned int i)
{
    frame_build(frame, mac, "198.51.100.7", i % 10 == 0 ? "9.9.9.9" : "192.0.2.1", 40);
    frame_set16(frame, V4_PAYLOAD, (uint16_t)i);
}

static void write_capture(const char *path)
{
    static const struct pcap_header header = {0xa1b2c3d4, {2, 4}, {0, 0}, 65535, 1};
    static struct frame frame;
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(&header, sizeof(header), 1, file), 1);
    for (unsigned int i = 0; i < PACKETS; i++) {
        struct pcap_record record = {{0, 0}, 0, 0};

        build_packet(&frame, i);
        record.length = record.wire_length = frame.length;
        assert_int_equal(fwrite(&record, sizeof(record), 1, file), 1);
        assert_int_equal(fwrite(frame.bytes, frame.length, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
}

/* Every packet that has a route is there once, in order, as it had to leave. */
static void check_capture(const char *path, const struct rewrite *rewrite)
{
    static struct frame in;
    static struct frame expected;
    struct pcap_header header;
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
    for (unsigned int i = 0; i < PACKETS; i++) {
        struct pcap_record record;
        uint8_t bytes[256];

        if (i % 10 == 0) {
            continue;
        }
        build_packet(&in, i);
        frame_forward(&in, rewrite, &expected);
        assert_int_equal(fread(&record, sizeof(record), 1, file), 1);
        assert_int_equal(record.length, expected.length);
        assert_int_equal(fread(bytes, record.length, 1, file), 1);
        assert_memory_equal(bytes, expected.bytes, expected.length);
    }
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
}

static int create(struct dp **dp, const struct port_settings *ports, unsigned int count, struct error *error)
{
    static const unsigned int lcores[] = {1, 2};
    struct dp_settings settings = {
        .eal = {.hugepages = HUGEPAGES_NO, .memory_mb = 256, .worker_lcores = lcores, .worker_count = 2},
        .idle = IDLE_BACKOFF,
        .ports = ports,
        .port_count = count,
    };

    return dp_create(&settings, dp, error);
}

/* One route, one adjacency. */
static uint16_t add_route(struct dp *dp, const char *text, const struct rewrite *rewrite)
{
    int adjacency = dp_adjacency_create(dp, rewrite);
    struct path path = {(uint16_t)adjacency, 1, 1};
    uint16_t tier = 1;
    struct prefix prefix;
    int list = dp_path_list_create(dp, &(struct path_list_spec){.paths = &path, .tiers = &tier, .tier_count = 1});

    assert_true(adjacency > 0 && list > 0);
    assert_int_equal(prefix_parse(text, &prefix), 0);
    assert_int_equal(dp_route_set(dp, &prefix, (uint32_t)list), 0);
    return (uint16_t)adjacency;
}

static uint64_t ended(const struct dp_stats *stats)
{
    uint64_t sum = stats->sent + stats->punted + stats->held;

    for (int i = 0; i < DROP_REASONS; i++) {
        sum += stats->drops[i];
    }
    return sum;
}

/* Until all packets have been received and none is under way. */
static void wait_for_packets(const struct dp *dp, struct dp_stats *stats)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        dp_stats(dp, stats);
        if (stats->received == PACKETS && stats->held == 0 && ended(stats) == PACKETS) {
            return;
        }
        usleep(1000);
    }
    fail_msg("received %lu of %u, held %lu, ended %lu", stats->received, PACKETS, stats->held, ended(stats));
}

static void packets_go_from_one_worker_to_the_port_of_another_and_are_counted_once(void **state)
{
    const struct files *files = *state;
    char to[100];
    struct port_settings ports[] = {
        {.name = "in", .kind = PORT_PCAP, .argument = files->in, .queues = 1},
        {.name = "out", .kind = PORT_PCAP, .argument = to, .queues = 1},
    };
    struct rewrite rewrite = {REWRITE_TX, 14, 1, 1500, 0, {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 0, 2, 0x08, 0x00}};
    struct dp_stats stats;
    struct port_stats in;
    struct port_stats out;
    struct traffic traffic;
    struct error error = {""};
    struct dp *dp = NULL;
    uint16_t adjacency;

    snprintf(to, sizeof(to), ",%s", files->out);
    write_capture(files->in);
    assert_int_equal(create(&dp, ports, ARRAY_SIZE(ports), &error), 0);
    assert_int_equal(dp_worker_count(dp), 2);
    assert_string_equal(dp_port(dp, 1)->name, "out");
    dp_port_set_mac(dp, 0, mac);
    adjacency = add_route(dp, "192.0.2.0/24", &rewrite);
    assert_int_equal(dp_start(dp, &error), 0);
    wait_for_packets(dp, &stats);
    assert_int_equal(stats.sent, PACKETS * 9 / 10);
    assert_int_equal(stats.drops[DROP_NO_ROUTE], PACKETS / 10);
    assert_int_equal(stats.fib[FAMILY_V4].routes, 1);
    dp_port_stats(dp, 0, &in);
    dp_port_stats(dp, 1, &out);
    assert_int_equal(in.rx.packets, PACKETS);
    assert_int_equal(out.tx.packets, stats.sent);
    assert_int_equal(out.tx.bytes, stats.sent * (V4_PAYLOAD + 40));
    traffic = dp_adjacency_traffic(dp, adjacency);
    assert_int_equal(traffic.packets, stats.sent);
    assert_int_equal(traffic.bytes, stats.sent * (20 + 40));
    dp_destroy(dp);
    check_capture(files->out, &rewrite);
}

static void what_goes_into_null_is_sent(void **state)
{
    const struct files *files = *state;
    struct port_settings ports[] = {
        {.name = "nowhere", .kind = PORT_NULL, .argument = "", .queues = 1},
        {.name = "in", .kind = PORT_PCAP, .argument = files->in, .queues = 1},
    };
    struct rewrite rewrite = {REWRITE_TX, 14, 0, 1500, 0, {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 0, 2, 0x08, 0x00}};
    struct dp_stats stats;
    struct error error = {""};
    struct dp *dp = NULL;

    write_capture(files->in);
    assert_int_equal(create(&dp, ports, ARRAY_SIZE(ports), &error), 0);
    dp_port_set_mac(dp, 1, mac);
    add_route(dp, "192.0.2.0/24", &rewrite);
    assert_int_equal(dp_start(dp, &error), 0);
    wait_for_packets(dp, &stats);
    assert_int_equal(stats.sent, PACKETS * 9 / 10);
    dp_destroy(dp);
}

static void an_adjacency_that_reuses_an_id_starts_counting_at_zero(void **state)
{
    const struct files *files = *state;
    struct port_settings ports[] = {{.name = "in", .kind = PORT_PCAP, .argument = files->in, .queues = 1}};
    struct rewrite rewrite = {REWRITE_TX, 14, 0, 1500, 0, {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 0, 2, 0x08, 0x00}};
    struct dp_stats stats;
    struct error error = {""};
    struct dp *dp = NULL;
    int reused = -1;
    uint16_t id;

    write_capture(files->in);
    assert_int_equal(create(&dp, ports, ARRAY_SIZE(ports), &error), 0);
    dp_port_set_mac(dp, 0, mac);
    id = add_route(dp, "192.0.2.0/24", &rewrite);
    assert_int_equal(dp_start(dp, &error), 0);
    wait_for_packets(dp, &stats);
    assert_int_equal(dp_adjacency_traffic(dp, id).packets, PACKETS * 9 / 10);
    dp_adjacency_destroy(dp, id); /* a route still names it, but nothing comes any more */
    for (int ms = 0; ms < PATIENCE_MS && reused != id; ms++) {
        dp_tick(dp);
        reused = dp_adjacency_create(dp, &rewrite);
        assert_true(reused > 0);
        usleep(1000);
    }
    assert_int_equal(reused, id);
    assert_int_equal(dp_adjacency_traffic(dp, id).packets, 0);
    assert_int_equal(dp_adjacency_traffic(dp, id).bytes, 0);
    dp_destroy(dp);
}

static void a_device_that_is_not_there_is_told_by_the_name_of_its_port(void **state)
{
    const struct files *files = *state;
    struct port_settings ports[] = {
        {.name = "good", .kind = PORT_NULL, .argument = "", .queues = 1},
        {.name = "bad", .kind = PORT_PCAP, .argument = "/nonexistent.pcap", .queues = 1},
    };
    struct error error = {""};
    struct dp *dp = NULL;

    (void)files;
    assert_true(create(&dp, ports, ARRAY_SIZE(ports), &error) < 0);
    assert_null(dp);
    assert_non_null(strstr(error.text, "port bad"));
    /* nothing is left behind: the same names can be used again */
    assert_int_equal(create(&dp, ports, 1, &error), 0);
    assert_int_equal(dp_start(dp, &error), 0);
    dp_destroy(dp);
}

static void more_queues_than_the_device_has_are_refused(void **state)
{
    struct port_settings ports[] = {{.name = "in", .kind = PORT_PCAP, .argument = "", .queues = 2}};
    const struct files *files = *state;
    struct error error = {""};
    struct dp *dp = NULL;

    write_capture(files->in);
    ports[0].argument = files->in;
    assert_int_equal(create(&dp, ports, 1, &error), -EINVAL);
    assert_non_null(strstr(error.text, "queues is 2, but the device has 1"));
}

#define dp_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        dp_test(packets_go_from_one_worker_to_the_port_of_another_and_are_counted_once),
        dp_test(what_goes_into_null_is_sent),
        dp_test(an_adjacency_that_reuses_an_id_starts_counting_at_zero),
        dp_test(a_device_that_is_not_there_is_told_by_the_name_of_its_port),
        dp_test(more_queues_than_the_device_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
