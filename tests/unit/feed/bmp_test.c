/* SPDX-License-Identifier: BSD-3-Clause */
#include "bmp_router.h"
#include "hex.h"
#include "log.h"
#include "table.h"
#include "unit.h"
#include <errno.h>

#define ALL 1000000

/* Messages as a router would make them. */
#define V4(d)      "00000000 00000000 00000000 0a5a0" d "02" /* 10.90.d.2 */
#define TIME       "00000000 00000000"
#define PEER1      "00000000 00000000" V4("1") "0000fde9 0a5a0102" TIME
#define PEER2      "00000000 00000000" V4("2") "0000fdea 0a5a0202" TIME
#define MARKER     "ffffffffffffffffffffffffffffffff"
#define OPEN(as)   MARKER "002b 01 04" as "00b4 0a5a0101 0e 02 0c 01 04 0001 00 01 41 04 0000" as
#define UP(as)     "00000000 00000000 00000000 0a5a0101 00b3 b38b" OPEN("fde8") OPEN(as)
#define BODY(len)  MARKER len "02"
#define ROUTE(net) BODY("002f") "0000 0014 40010100 400206 02010000fde9 4003040a5a0102 18" net
#define EOR        BODY("0017") "0000 0000"
#define GONE(net)  BODY("001b") "0004 18" net "0000"

static struct bgp_room room;

struct world {
    struct table *table;
    struct bmp_router *router;
};

static void open_world(struct world *world, enum bmp_view view)
{
    log_set_level(LOG_ERROR);
    world->table = table_create();
    world->router = bmp_router_create(
        &(struct bmp_router_settings){.sink = table_sink(world->table), .name = "r1", .view = view, .room = &room});
    assert_non_null(world->router);
    bmp_router_connected(world->router);
}

static void close_world(struct world *world)
{
    bmp_router_destroy(world->router);
    table_destroy(world->table);
}

static size_t build(uint8_t type, const char *hex, uint8_t *out)
{
    size_t n = 6 + hex_read(hex, NULL, out + 6, 2000);

    memcpy(out, (uint8_t[]){3, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, type}, 6);
    return n;
}

static void hear(struct world *world, uint8_t type, const char *hex)
{
    uint8_t bytes[2048];
    struct span span = span_of(bytes, build(type, hex, bytes));

    assert_int_equal(bmp_router_read(world->router, &span, ALL), 1);
    assert_int_equal(span_left(&span), 0);
}

static void expect(struct world *world, const char *text)
{
    assert_string_equal(table_text(world->table, NULL), text);
}

#define PRE    "00 00"
#define POST   "00 40"
#define OUT    "00 10"
#define ROUTE1 "192.0.2.0/24 10.90.1.2@r1 via 10.90.1.2 as 65001"

static void a_route_is_a_candidate_of_its_neighbour(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    assert_string_equal(table_peers(world.table), "10.90.1.2@r1 as 65001 type 0 id a5a0102");
    hear(&world, BMP_ROUTE_MONITORING, PRE PEER1 ROUTE("c00003")); /* another view */
    expect(&world, "");
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    expect(&world, ROUTE1);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 GONE("c00002"));
    expect(&world, "");
    assert_int_equal(bmp_router_state(world.router)->counts.ignored, 1);
    close_world(&world);
}

static void an_internal_neighbour_is_known_by_the_two_opens(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, "00 00 00000000 00000000" V4("1") "0000fde8 0a5a0102" TIME UP("fde8"));
    assert_string_equal(table_peers(world.table), "10.90.1.2@r1 as 65000 type 1 id a5a0102");
    close_world(&world);
}

static void a_neighbour_that_goes_takes_its_routes_and_no_other(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, PRE PEER2 UP("fdea"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER2 ROUTE("c00002"));
    hear(&world, BMP_PEER_DOWN, PRE PEER2 "01");
    expect(&world, ROUTE1);
    assert_int_equal(bmp_router_state(world.router)->peers, 1);
    hear(&world, BMP_PEER_DOWN, PRE PEER2 "01"); /* again, as FRR does */
    expect(&world, ROUTE1);
    close_world(&world);
}

static void a_new_connection_loses_nothing_and_sweeps_in_the_end(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, PRE PEER2 UP("fdea"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00003"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER2 ROUTE("c00002"));
    bmp_router_connected(world.router);
    assert_int_equal(table_count(world.table), 3);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    expect(&world, ROUTE1 "; 192.0.2.0/24 10.90.2.2@r1 via 10.90.1.2 as 65001!; "
                          "192.0.3.0/24 10.90.1.2@r1 via 10.90.1.2 as 65001!");
    assert_false(bmp_router_state(world.router)->told_all);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 EOR);
    assert_true(bmp_router_state(world.router)->told_all);
    bmp_router_synced(world.router);
    expect(&world, ROUTE1);
    assert_string_equal(table_peers(world.table), "10.90.1.2@r1 as 65001 type 0 id a5a0102");
    close_world(&world);
}

static void a_neighbour_that_comes_up_twice_tells_everything_anew(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, PRE PEER2 UP("fdea"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00003"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 EOR);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER2 EOR);
    bmp_router_synced(world.router);
    assert_false(bmp_router_state(world.router)->tells_anew);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9")); /* its Peer Down was never sent */
    assert_true(bmp_router_state(world.router)->tells_anew);
    assert_false(bmp_router_state(world.router)->told_all);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    expect(&world, ROUTE1 "; 192.0.3.0/24 10.90.1.2@r1 via 10.90.1.2 as 65001!");
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 EOR);
    assert_true(bmp_router_state(world.router)->told_all);
    bmp_router_synced(world.router);
    assert_false(bmp_router_state(world.router)->tells_anew);
    expect(&world, ROUTE1);
    assert_int_equal(bmp_router_state(world.router)->peers, 2);
    close_world(&world);
}

static void a_peer_up_for_each_view_is_one_session(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, POST PEER1 UP("fde9"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 EOR);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, OUT PEER1 UP("fde9"));
    expect(&world, ROUTE1);
    assert_false(bmp_router_state(world.router)->tells_anew);
    assert_true(bmp_router_state(world.router)->told_all); /* the other views' End-of-RIB is nothing to us */
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00003"));
    bmp_router_synced(world.router);
    expect(&world, ROUTE1 "; 192.0.3.0/24 10.90.1.2@r1 via 10.90.1.2 as 65001");

    /* its next session, whose end was never told, begins with any of them, and again has one for each */
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    assert_true(bmp_router_state(world.router)->tells_anew);
    assert_false(bmp_router_state(world.router)->told_all);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_PEER_UP, POST PEER1 UP("fde9"));
    expect(&world, ROUTE1 "; 192.0.3.0/24 10.90.1.2@r1 via 10.90.1.2 as 65001!");
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 EOR);
    assert_true(bmp_router_state(world.router)->told_all);
    bmp_router_synced(world.router);
    expect(&world, ROUTE1);
    close_world(&world);
}

static void routes_before_the_first_peer_up_are_of_the_same_session(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_PEER_UP, POST PEER1 UP("fde9"));
    expect(&world, ROUTE1);
    assert_false(bmp_router_state(world.router)->tells_anew);
    close_world(&world);
}

static void a_view_that_is_told_no_more_ends_no_session(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, POST PEER1 UP("fde9"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_PEER_DOWN, PRE PEER1 "05"); /* for configuration reasons */
    expect(&world, ROUTE1);
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9")); /* and is told again */
    expect(&world, ROUTE1);
    hear(&world, BMP_PEER_DOWN, PRE PEER1 "04"); /* the neighbour has closed the session, whatever the view */
    expect(&world, "");
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_PEER_DOWN, PRE PEER1 "05"); /* one was for all views, as FRR does */
    expect(&world, "");
    hear(&world, BMP_PEER_UP, PRE PEER1 UP("fde9"));
    hear(&world, BMP_PEER_UP, POST PEER1 UP("fde9"));
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002"));
    hear(&world, BMP_PEER_DOWN, POST PEER1 "05"); /* the one that we take */
    expect(&world, "");
    close_world(&world);
}

static void other_routing_instances_are_left_alone(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    hear(&world, BMP_ROUTE_MONITORING, "01 40 00000000 00000001" V4("1") "0000fde9 0a5a0102" TIME ROUTE("c00002"));
    expect(&world, "");
    close_world(&world);
}

static void the_loc_rib_is_a_peer_of_its_own_if_that_is_the_view(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, BMP_LOC_RIB);
    hear(&world, BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00003"));
    hear(&world, BMP_ROUTE_MONITORING,
         "03 00 00000000 00000000 00000000 00000000 00000000 00000000 0000fde8 09090903" TIME ROUTE("c00002"));
    expect(&world, "192.0.2.0/24 loc-rib@r1 via 10.90.1.2 as 65001");
    assert_string_equal(table_peers(world.table), "loc-rib@r1 as 65000 type 1 id 9090903");
    close_world(&world);
}

static void what_is_no_bmp_ends_the_connection(void **state)
{
    static const char *const wrong[] = {"02 0000000c 04 0000 0000 0000", "03 00000005 04", "03 01000000 04",
                                        "03 0000000a 00 00000000"};
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t bytes[64];
        struct span span = span_of(bytes, hex_read(wrong[i], NULL, bytes, sizeof(bytes)));

        assert_int_equal(bmp_router_read(world.router, &span, ALL), -EBADMSG);
    }
    close_world(&world);
}

static void a_cut_message_waits_for_its_rest(void **state)
{
    static const struct {
        uint8_t type;
        const char *hex;
    } messages[] = {{BMP_INITIATION, "0002 0003 667764  0001 000f 4652526f7574696e6720382e342e34"},
                    {BMP_PEER_UP, PRE PEER1 UP("fde9")},
                    {BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002")},
                    {BMP_PEER_DOWN, PRE PEER1 "01"}};
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        uint8_t bytes[2048];
        size_t n = build(messages[i].type, messages[i].hex, bytes);

        for (size_t length = 0; length < n; length++) {
            uint8_t *cut = malloc(length + (length == 0));
            struct span span = span_of(cut, length);

            memcpy(cut, bytes, length);
            assert_int_equal(bmp_router_read(world.router, &span, ALL), 0);
            assert_int_equal(span_left(&span), length);
            free(cut);
        }
        hear(&world, messages[i].type, messages[i].hex);
    }
    assert_string_equal(bmp_router_state(world.router)->system_name, "fwd");
    close_world(&world);
}

/* A message that is whole by its own length, but whose inside ends early. */
static void a_message_cut_inside_is_read_to_its_end_and_no_further(void **state)
{
    static const struct {
        uint8_t type;
        const char *hex;
    } messages[] = {{BMP_INITIATION, "0002 0003 667764  0001 000f 4652526f7574696e6720382e342e34"},
                    {BMP_PEER_UP, PRE PEER1 UP("fde9")},
                    {BMP_ROUTE_MONITORING, POST PEER1 ROUTE("c00002")}};
    struct world world;

    (void)state;
    open_world(&world, BMP_POST_POLICY);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        uint8_t bytes[2048];
        size_t n = build(messages[i].type, messages[i].hex, bytes);

        for (size_t length = 6; length < n; length++) {
            uint8_t *cut = malloc(length);
            struct span span = span_of(cut, length);
            int result;

            memcpy(cut, bytes, length);
            cut[3] = (uint8_t)(length >> 8);
            cut[4] = (uint8_t)length;
            result = bmp_router_read(world.router, &span, ALL);
            assert_true(result == 1 || result == -EBADMSG);
            free(cut);
        }
    }
    assert_int_equal(table_count(world.table), 0);
    close_world(&world);
}

static void replay(struct world *world, const uint8_t *capture, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t n;
        struct span span;

        memcpy(&n, capture + at, sizeof(n));
        span = span_of(capture + at + sizeof(n), n);
        assert_true(bmp_router_read(world->router, &span, ALL) > 0);
        at += sizeof(n) + n;
    }
}

/* What GoBGP 3.10 really sent; the numbers are an independent reader's. */
static void gobgp_is_understood(void **state)
{
    static const struct {
        enum bmp_view view;
        size_t routes;
    } views[] = {{BMP_PRE_POLICY, 1396}, {BMP_POST_POLICY, 1396}, {BMP_LOC_RIB, 400}};
    size_t length;
    uint8_t *capture = table_capture("gobgp-3.10-bmp.txt", &length);

    (void)state;
    if (capture == NULL) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
        struct world world;
        const struct feed_counts *counts;

        open_world(&world, views[i].view);
        counts = &bmp_router_state(world.router)->counts;
        replay(&world, capture, length);
        assert_int_equal(table_count(world.table), views[i].routes);
        assert_int_equal(counts->discarded + counts->treated_as_lost + counts->unusable + counts->refused, 0);
        assert_null(bmp_router_state(world.router)->warning);
        close_world(&world);
    }
    free(capture);
}

static void frr_8_4_4_is_warned_about(void **state)
{
    size_t length;
    uint8_t *capture = table_capture("frr-8.4.4-bmp.txt", &length);
    struct world world;

    (void)state;
    if (capture == NULL) {
        skip();
    }
    open_world(&world, BMP_PRE_POLICY);
    replay(&world, capture, length);
    assert_non_null(bmp_router_state(world.router)->warning);
    close_world(&world);
    free(capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_a_candidate_of_its_neighbour),
        cmocka_unit_test(an_internal_neighbour_is_known_by_the_two_opens),
        cmocka_unit_test(a_neighbour_that_goes_takes_its_routes_and_no_other),
        cmocka_unit_test(a_new_connection_loses_nothing_and_sweeps_in_the_end),
        cmocka_unit_test(a_neighbour_that_comes_up_twice_tells_everything_anew),
        cmocka_unit_test(a_peer_up_for_each_view_is_one_session),
        cmocka_unit_test(routes_before_the_first_peer_up_are_of_the_same_session),
        cmocka_unit_test(a_view_that_is_told_no_more_ends_no_session),
        cmocka_unit_test(other_routing_instances_are_left_alone),
        cmocka_unit_test(the_loc_rib_is_a_peer_of_its_own_if_that_is_the_view),
        cmocka_unit_test(what_is_no_bmp_ends_the_connection),
        cmocka_unit_test(a_cut_message_waits_for_its_rest),
        cmocka_unit_test(a_message_cut_inside_is_read_to_its_end_and_no_further),
        cmocka_unit_test(gobgp_is_understood),
        cmocka_unit_test(frr_8_4_4_is_warned_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
