/* SPDX-License-Identifier: BSD-3-Clause */
#include "hex.h"
#include "log.h"
#include "mrt.h"
#include "table.h"
#include "unit.h"
#include <errno.h>

#define ALL 1000000

/* Bodies of records. Peers: 198.51.100.1 AS 65001, 2001:db8::1 AS 65000 of two octets, 198.51.100.1 AS 65003. */
#define INDEX                                                                                                  \
    "0a000001 0004 76696577 0003  02 0a0a0a01 c6336401 0000fde9  01 00000000 20010db8000000000000000000000001" \
    "fde8  02 00000000 c6336401 0000fdeb"
#define ATTRS4 "40010100 400206 02010000fde9 400304 0a000002"               /* 20 octets */
#define ATTRS6 "40010100 400200 800e11 10 20010db8000000000000000000000002" /* 27 */
#define RIB4   "00000001 18c00002 0002  0000 00000000 0014" ATTRS4 "0002 00000000 0014" ATTRS4
#define RIB6   "00000002 2020010db8 0001  0001 00000000 001b" ATTRS6
#define PATHS4 "00000003 18c63364 0001  0000 00000000 00000007 0014" ATTRS4
#define MARKER "ffffffffffffffffffffffffffffffff"
#define ENDS4  "0000fde9 0000fde8 0000 0001 c6336401 c6336402"
#define UPDATE MARKER "002f 02 0000 0014" ATTRS4 "18cb0071"

static struct bgp_room room;

struct world {
    struct table *table;
    struct mrt *mrt;
};

static void open_world(struct world *world)
{
    log_set_level(LOG_ERROR);
    world->table = table_create();
    world->mrt = mrt_create(&(struct mrt_settings){.sink = table_sink(world->table), .name = "rv", .room = &room});
    assert_non_null(world->mrt);
}

static void close_world(struct world *world)
{
    mrt_destroy(world->mrt);
    table_destroy(world->table);
}

static size_t build(uint16_t type, uint16_t subtype, const char *hex, uint8_t *out)
{
    size_t n = hex_read(hex, NULL, out + 12, 1000);

    memset(out, 0, 12);
    out[5] = (uint8_t)type;
    out[7] = (uint8_t)subtype;
    out[10] = (uint8_t)(n >> 8);
    out[11] = (uint8_t)n;
    return n + 12;
}

static void hear(struct world *world, uint16_t type, uint16_t subtype, const char *hex)
{
    uint8_t bytes[1024];
    struct span span = span_of(bytes, build(type, subtype, hex, bytes));

    assert_int_equal(mrt_read(world->mrt, &span, ALL), 1);
    assert_int_equal(span_left(&span), 0);
}

static void expect(struct world *world, const char *text)
{
    assert_string_equal(table_text(world->table, NULL), text);
}

#define TABLE4                                                                       \
    "192.0.2.0/24 198.51.100.1@rv via 10.0.0.2 as 65001; 192.0.2.0/24 198.51.100.1." \
    "65003@rv via 10.0.0.2 as 65001"

static void a_table_is_the_candidates_of_its_peers(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 13, 1, INDEX);
    hear(&world, 13, 2, RIB4);
    hear(&world, 13, 4, RIB6);
    hear(&world, 13, 8, PATHS4);
    expect(&world, TABLE4 "; 198.51.100.0/24 198.51.100.1@rv#7 via 10.0.0.2 as 65001; "
                          "2001:db8::/32 2001:db8::1@rv via 2001:db8::2");
    assert_string_equal(table_peers(world.table),
                        "198.51.100.1@rv as 65001 type 0 id a0a0a01; 198.51.100.1.65003@rv as 65003 type 0 id 0; "
                        "2001:db8::1@rv as 65000 type 1 id 0");
    close_world(&world);
}

static void the_whole_attribute_is_read_where_its_short_form_should_be(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 13, 1, INDEX);
    hear(&world, 13, 4,
         "00000002 2020010db8 0001  0001 00000000 0024 40010100 400200 800e1a 0002 01 10 "
         "20010db8000000000000000000000002 00 2020010db8");
    expect(&world, "2001:db8::/32 2001:db8::1@rv via 2001:db8::2");
    close_world(&world);
}

static void a_second_table_sweeps_what_it_does_not_have(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 13, 1, INDEX);
    hear(&world, 13, 2, RIB4);
    hear(&world, 13, 4, RIB6);
    mrt_finish(world.mrt);
    assert_int_equal(table_count(world.table), 3);
    hear(&world, 13, 1, INDEX);
    hear(&world, 13, 2, RIB4);
    assert_int_equal(table_count(world.table), 3);
    mrt_finish(world.mrt);
    expect(&world, TABLE4);
    close_world(&world);
}

static void updates_change_what_is_there(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 16, 4, ENDS4 UPDATE);
    expect(&world, "203.0.113.0/24 198.51.100.1@rv via 10.0.0.2 as 65001");
    hear(&world, 17, 4, "00000001" ENDS4 MARKER "001b 02 0004 18cb0071 0000"); /* with microseconds */
    expect(&world, "");
    hear(&world, 16, 1,
         "fde9 fde8 0000 0001 c6336401 c6336402" MARKER
         "002d 02 0000 0012 40010100 400204 0201fde9 400304 0a000002 18cb0071");
    expect(&world, "203.0.113.0/24 198.51.100.1@rv via 10.0.0.2 as 65001");
    hear(&world, 16, 5, ENDS4 "0006 0001"); /* the neighbour is down */
    expect(&world, "");
    mrt_finish(world.mrt);
    close_world(&world);
}

static void broken_attributes_cost_their_route_alone(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 13, 1, INDEX);
    hear(&world, 13, 2,
         "00000001 18c00002 0002  0000 00000000 0014 40010105 400206 02010000fde9 400304 0a000002 0002 00000000 "
         "0014" ATTRS4);
    expect(&world, "192.0.2.0/24 198.51.100.1.65003@rv via 10.0.0.2 as 65001");
    assert_int_equal(mrt_counts(world.mrt)->treated_as_lost, 1);
    hear(&world, 13, 2, "00000001 18c00002 0001  0009 00000000 0014" ATTRS4); /* no such peer */
    assert_int_equal(mrt_counts(world.mrt)->refused, 1);
    close_world(&world);
}

static void what_is_no_mrt_is_refused(void **state)
{
    struct world world;
    uint8_t text[] = "192.0.2.0/24 via 10.0.0.1\n";
    struct span span = span_of(text, sizeof(text));

    (void)state;
    open_world(&world);
    assert_int_equal(mrt_read(world.mrt, &span, ALL), -EBADMSG);
    close_world(&world);
}

static void cut_records_are_read_to_their_end_and_no_further(void **state)
{
    static const struct {
        uint16_t type, subtype;
        const char *hex;
    } records[] = {{13, 1, INDEX},
                   {13, 2, RIB4},
                   {13, 4, RIB6},
                   {13, 8, PATHS4},
                   {16, 4, ENDS4 UPDATE},
                   {17, 4, "00000001" ENDS4 UPDATE},
                   {16, 5, ENDS4 "0006 0001"}};
    struct world world;

    (void)state;
    open_world(&world);
    hear(&world, 13, 1, INDEX);
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        uint8_t bytes[1024];
        size_t n = build(records[i].type, records[i].subtype, records[i].hex, bytes);

        for (size_t length = 0; length < n; length++) {
            uint8_t *cut = malloc(length + (length == 0));
            struct span span = span_of(cut, length);

            memcpy(cut, bytes, length);
            assert_int_equal(mrt_read(world.mrt, &span, ALL), 0); /* waits for its rest */
            assert_int_equal(span_left(&span), length);
            if (length >= 12) { /* ends there by its own word */
                uint64_t unusable = mrt_counts(world.mrt)->unusable;

                cut[10] = (uint8_t)((length - 12) >> 8);
                cut[11] = (uint8_t)(length - 12);
                assert_int_equal(mrt_read(world.mrt, &span, ALL), 1);
                assert_true(mrt_counts(world.mrt)->unusable > unusable);
            }
            free(cut);
        }
        hear(&world, records[i].type, records[i].subtype, records[i].hex);
    }
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_the_candidates_of_its_peers),
        cmocka_unit_test(the_whole_attribute_is_read_where_its_short_form_should_be),
        cmocka_unit_test(a_second_table_sweeps_what_it_does_not_have),
        cmocka_unit_test(updates_change_what_is_there),
        cmocka_unit_test(broken_attributes_cost_their_route_alone),
        cmocka_unit_test(what_is_no_mrt_is_refused),
        cmocka_unit_test(cut_records_are_read_to_their_end_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
