/* SPDX-License-Identifier: BSD-3-Clause */
#include "cases.h"
#include "attributes.h"
#include "unit.h"
#include <string.h>

struct world *world;
static const char *current; /* name of the case under way */

int case_set_up_group(void **state)
{
    (void)state;
    world = world_create();
    return world == NULL;
}

int case_reset(void **state)
{
    (void)state;
    world_reset(world);
    return 0;
}

int case_tell(void **state)
{
    (void)state;
    if (current != NULL) { /* an assertion left it behind */
        print_message("             in case: %s\n", current);
        current = NULL;
    }
    world_reset(world); /* frees what the last test leaves, for the leak checker */
    return 0;
}

void case_build(const struct packet_case *test, struct frame *frame)
{
    bool v6 = strchr(test->dst, ':') != NULL;
    const char *src = test->src != NULL ? test->src : v6 ? "2001:db8:99::7" : "198.51.100.7";

    memset(frame->bytes, 0, sizeof(frame->bytes));
    frame_build(frame, world_mac(PORT_UP), src, test->dst, test->payload != 0 ? test->payload : 40);
    for (size_t i = 0; i < ARRAY_SIZE(test->patches); i++) {
        memcpy(frame->bytes + test->patches[i].offset, test->patches[i].bytes, test->patches[i].length);
    }
    if (!test->bad_checksum) {
        frame_set_checksum(frame);
    }
    if (test->resize > 0) {
        memset(frame->bytes + frame->length, 0xee, (size_t)test->resize);
    }
    frame->length += (unsigned int)test->resize;
}

static void check_sent(const struct frame *frame, enum way way)
{
    enum family family = frame->bytes[IP] >> 4 == 4 ? FAMILY_V4 : FAMILY_V6;
    struct rewrite rewrite = world_rewrite(way, family);
    struct outlet *outlet = &world->outlets[rewrite.port];
    struct traffic *traffic = &world->counters.adjacencies[world_adjacency(way, family)];
    static struct frame expected;
    static struct frame got;

    assert_int_equal(outlet->count, 1);
    world_read(outlet->mbufs[0], &got);
    frame_forward(frame, &rewrite, &expected);
    assert_int_equal(got.length, expected.length);
    assert_memory_equal(got.bytes, expected.bytes, expected.length);
    assert_int_equal(outlet->mbufs[0]->pkt_len, expected.length);
    assert_int_equal(rte_mbuf_check(outlet->mbufs[0], 1, &(const char *){NULL}), 0);
    assert_int_equal(traffic->packets, 1);
    assert_int_equal(traffic->bytes, expected.length - rewrite.header_length);
    assert_int_equal(world->counters.sent, 1);
}

static void check_punted(const struct frame *frame)
{
    struct outlet *outlet = &world->outlets[LANE_UP_TWIN];
    static struct frame got;

    assert_int_equal(outlet->count, 1);
    world_read(outlet->mbufs[0], &got);
    assert_int_equal(got.length, frame->length);
    assert_memory_equal(got.bytes, frame->bytes, frame->length);
    assert_int_equal(world->counters.punted, 1);
}

void check_frame(const struct frame *frame, const unsigned int *cuts, int verdict)
{
    struct rte_mbuf *mbuf = world_packet(world, frame, cuts);

    world_receive(world, PORT_UP, &mbuf, 1);
    if (verdict >= 0) {
        assert_int_equal(world->counters.drops[verdict], 1);
    } else if (verdict == PUNTED) {
        check_punted(frame);
    } else {
        check_sent(frame, (enum way)(-2 - verdict));
    }
    assert_int_equal(world->counters.received, 1);
    assert_int_equal(world->counters.rx[PORT_UP].packets, 1);
    assert_int_equal(world->counters.rx[PORT_UP].bytes, frame->length);
    assert_true(world_adds_up(world));
    assert_int_equal(world_lost_mbufs(world), 0);
    world_reset(world);
}

void check_cases(const struct packet_case *cases, size_t n)
{
    /* the headers that we read lie in the first segment; the rest may lie anyhow, padding in a segment of its own */
    static const unsigned int cuts[][4] = {{0}, {74}, {74, 75, 76}, {74, 94, 110}};
    static struct frame frame;

    for (size_t i = 0; i < n; i++) {
        current = cases[i].name;
        for (size_t c = 0; c < ARRAY_SIZE(cuts); c++) {
            case_build(&cases[i], &frame);
            check_frame(&frame, cuts[c], cases[i].verdict);
        }
    }
    current = NULL;
}
