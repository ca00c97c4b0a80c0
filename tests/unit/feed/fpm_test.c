/* SPDX-License-Identifier: BSD-3-Clause */
#include "fpm.h"
#include "hex.h"
#include "log.h"
#include "table.h"
#include "unit.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <sys/socket.h>

#define ALL 1000000

struct world {
    struct table *table;
    struct nl_table *routes;
    alignas(struct nlmsghdr) uint8_t frame[4096]; /* being built: messages; its header is put in front when heard */
    size_t n;
};

static void open_world(struct world *world, bool by_metric)
{
    struct feed_sink *sink;

    log_set_level(LOG_ERROR);
    *world = (struct world){.table = table_create()};
    sink = table_sink(world->table);
    world->routes = nl_table_create(&(struct nl_table_settings){
        .sink = sink,
        .peer = sink->peer_set(sink->owner, &(struct feed_peer){.name = "frr"}),
        .by_metric = by_metric,
        .local_pref = 50,
        .protocol_count = 1,
        .protocols = {RTPROT_BGP},
    });
    nl_table_sync_begin(world->routes);
}

static void close_world(struct world *world)
{
    nl_table_destroy(world->routes);
    table_destroy(world->table);
}

static struct nlmsghdr *begin(struct world *world, uint16_t type)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(world->frame + world->n);

    message->nlmsg_type = type;
    return message;
}

static void end(struct world *world, const struct nlmsghdr *message)
{
    world->n += message->nlmsg_len;
    assert_true(world->n < sizeof(world->frame) - 256);
}

static void put_addr(struct nlmsghdr *message, uint16_t type, const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    mnl_attr_put(message, type, family_bytes(addr.family), addr.bytes);
}

/* Each gateway of a route; one alone is the route's own. Of several the first has this weight, the next ones more. */
static void put_hops(struct nlmsghdr *message, const char *const *gateways, unsigned int weight)
{
    struct nlattr *list;

    if (gateways[0] != NULL && gateways[1] == NULL) {
        put_addr(message, RTA_GATEWAY, gateways[0]);
        mnl_attr_put_u32(message, RTA_OIF, 2);
        return;
    }
    list = mnl_attr_nest_start(message, RTA_MULTIPATH);
    for (unsigned int i = 0; gateways[i] != NULL; i++) {
        struct rtnexthop *next = mnl_nlmsg_get_payload_tail(message);
        uint32_t before = message->nlmsg_len;

        message->nlmsg_len += sizeof(*next);
        *next = (struct rtnexthop){.rtnh_ifindex = 2, .rtnh_hops = weight > 0 ? (unsigned char)(weight + i - 1) : 0};
        put_addr(message, RTA_GATEWAY, gateways[i]);
        next->rtnh_len = (uint16_t)(message->nlmsg_len - before);
    }
    mnl_attr_nest_end(message, list);
}

struct say {
    const char *prefix;
    const char *gateways[4];
    uint32_t object;
    unsigned int weight;
    uint32_t metric;
    uint8_t type;
    uint8_t protocol;
    bool del;
};

static void put(struct world *world, struct say say)
{
    struct nlmsghdr *message = begin(world, say.del ? RTM_DELROUTE : RTM_NEWROUTE);
    struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    struct prefix prefix;

    assert_int_equal(prefix_parse(say.prefix, &prefix), 0);
    *header = (struct rtmsg){
        .rtm_family = prefix.addr.family == FAMILY_V4 ? AF_INET : AF_INET6,
        .rtm_dst_len = prefix.length,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = say.protocol != 0 ? say.protocol : RTPROT_BGP,
        .rtm_type = say.del         ? RTN_UNSPEC
                    : say.type != 0 ? say.type
                                    : RTN_UNICAST,
    };
    mnl_attr_put(message, RTA_DST, family_bytes(prefix.addr.family), prefix.addr.bytes);
    mnl_attr_put_u32(message, RTA_PRIORITY, say.metric);
    if (say.object != 0) {
        mnl_attr_put_u32(message, RTA_NH_ID, say.object);
    }
    if (say.gateways[0] != NULL) {
        put_hops(message, say.gateways, say.weight);
    }
    end(world, message);
}

static void put_group(struct world *world, uint32_t id, const struct nexthop_grp *group, size_t n)
{
    struct nlmsghdr *message = begin(world, RTM_NEWNEXTHOP);

    mnl_nlmsg_put_extra_header(message, sizeof(struct nhmsg));
    mnl_attr_put_u32(message, NHA_ID, id);
    mnl_attr_put(message, NHA_GROUP, n * sizeof(*group), group);
    end(world, message);
}

/* A single one with a gateway, or a group of up to three. */
static void put_object(struct world *world, uint32_t id, const char *gateway, const uint32_t *members)
{
    struct nlmsghdr *message = begin(world, RTM_NEWNEXTHOP);
    struct nhmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    struct nexthop_grp group[3] = {0};
    size_t n = 0;

    header->nh_family = AF_INET;
    mnl_attr_put_u32(message, NHA_ID, id);
    if (gateway != NULL) {
        put_addr(message, NHA_GATEWAY, gateway);
    }
    for (; members != NULL && n < 3 && members[n] != 0; n++) {
        group[n].id = members[n];
    }
    if (n > 0) {
        mnl_attr_put(message, NHA_GROUP, n * sizeof(group[0]), group);
    }
    end(world, message);
}

static size_t finish(struct world *world, uint8_t *out)
{
    size_t n = world->n + 4;

    memcpy(out, (uint8_t[]){1, 1, (uint8_t)(n >> 8), (uint8_t)n}, 4);
    memcpy(out + 4, world->frame, world->n);
    world->n = 0;
    return n;
}

/* The frame that was built is heard, and what it changed decided. */
static void hear(struct world *world)
{
    uint8_t bytes[sizeof(world->frame) + 4];
    struct span span = span_of(bytes, finish(world, bytes));
    struct feed_sink *sink = table_sink(world->table);

    assert_int_equal(fpm_read(world->routes, &span, ALL), 1);
    assert_int_equal(span_left(&span), 0);
    sink->commit(sink->owner);
}

static void expect(struct world *world, const char *text)
{
    assert_string_equal(table_text(world->table, NULL), text);
}

static void a_route_comes_changes_and_goes(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2"}});
    put(&world, (struct say){.prefix = "2001:db8::/32", .gateways = {"fd00::2"}});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50; 2001:db8::/32 frr via fd00::2 pref 50");
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.3"}, .metric = 7});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.3 pref 50; 2001:db8::/32 frr via fd00::2 pref 50");
    put(&world, (struct say){.prefix = "192.0.2.0/24", .del = true});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .del = true});
    hear(&world);
    expect(&world, "2001:db8::/32 frr via fd00::2 pref 50");
    close_world(&world);
}

static void a_replacement_in_one_frame_leaves_no_hole(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2"}});
    hear(&world);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .del = true});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.3"}});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.3 pref 50");
    assert_int_equal(table_holes(world.table), 0);
    assert_true(nl_table_has_holes(world.routes)); /* one was seen on the way, and is told once */
    assert_false(nl_table_has_holes(world.routes));
    close_world(&world);
}

static void next_hops_of_a_multipath_route_are_candidates(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2", "10.0.0.3", "10.0.0.4"}});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50; 192.0.2.0/24 frr#1 via 10.0.0.3 pref 50; 192.0.2.0/24 frr#2 "
                   "via 10.0.0.4 pref 50");
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.3", "10.0.0.4"}});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.3 pref 50; 192.0.2.0/24 frr#1 via 10.0.0.4 pref 50");
    close_world(&world);
}

static void weights_of_next_hops_are_their_shares(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2", "10.0.0.3"}, .weight = 7});
    put_object(&world, 10, "10.0.0.2", NULL);
    put_object(&world, 11, "10.0.0.3", NULL);
    put_group(&world, 12, (struct nexthop_grp[]){{.id = 10, .weight = 0}, {.id = 11, .weight = 255}}, 2);
    put(&world, (struct say){.prefix = "198.51.100.0/24", .object = 12});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 share 7 pref 50; 192.0.2.0/24 frr#1 via 10.0.0.3 share 8 pref 50; "
                   "198.51.100.0/24 frr via 10.0.0.2 pref 50; 198.51.100.0/24 frr#1 via 10.0.0.3 share 256 pref 50");
    /* another weight alone is a change */
    put_group(&world, 12, (struct nexthop_grp[]){{.id = 10, .weight = 4}, {.id = 11, .weight = 0}}, 2);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2"}});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50; 198.51.100.0/24 frr via 10.0.0.2 share 5 pref 50; "
                   "198.51.100.0/24 frr#1 via 10.0.0.3 pref 50");
    close_world(&world);
}

static void single_next_hops_leave_an_ipv6_route(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, true);
    put(&world, (struct say){.prefix = "2001:db8::/32", .gateways = {"fd00::2", "fd00::3", "fd00::4"}});
    put(&world, (struct say){.prefix = "2001:db8::/32", .gateways = {"fd00::3"}, .del = true});
    hear(&world);
    expect(&world, "2001:db8::/32 frr via fd00::2 pref 50 med 0; 2001:db8::/32 frr#1 via fd00::4 pref 50 med 0");
    put(&world, (struct say){.prefix = "2001:db8::/32", .gateways = {"fd00::2", "fd00::4"}, .del = true});
    hear(&world);
    expect(&world, "");
    close_world(&world);
}

static void a_route_follows_its_next_hop_object(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put_object(&world, 10, "10.0.0.2", NULL);
    put_object(&world, 11, "10.0.0.3", NULL);
    put_object(&world, 12, NULL, (uint32_t[]){10, 11, 0});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .object = 12});
    put(&world, (struct say){.prefix = "198.51.100.0/24", .object = 10});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50; 192.0.2.0/24 frr#1 via 10.0.0.3 pref 50; 198.51.100.0/24 "
                   "frr via 10.0.0.2 pref 50");
    put_object(&world, 10, "10.0.0.9", NULL); /* as it stands for itself, and in the group */
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.9 pref 50; 192.0.2.0/24 frr#1 via 10.0.0.3 pref 50; 198.51.100.0/24 "
                   "frr via 10.0.0.9 pref 50");
    put_object(&world, 12, NULL, (uint32_t[]){11, 0});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.3 pref 50; 198.51.100.0/24 frr via 10.0.0.9 pref 50");
    close_world(&world);
}

static void fates_are_actions_and_connected_routes_are_left_out(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "10.1.0.0/16", .type = RTN_BLACKHOLE});
    put(&world, (struct say){.prefix = "10.2.0.0/16", .type = RTN_UNREACHABLE});
    put(&world, (struct say){.prefix = "10.3.0.0/16", .type = RTN_PROHIBIT});
    put(&world, (struct say){.prefix = "10.4.0.0/16", .type = RTN_LOCAL});
    put(&world, (struct say){.prefix = "10.5.0.0/16"});
    put(&world, (struct say){.prefix = "2001:db8::/32", .gateways = {"fe80::1"}});
    put(&world, (struct say){.prefix = "10.6.0.0/16", .gateways = {"10.0.0.2"}, .protocol = RTPROT_STATIC});
    hear(&world);
    expect(&world, "10.1.0.0/16 frr blackhole pref 50; 10.2.0.0/16 frr reject pref 50; 10.3.0.0/16 frr reject pref 50; "
                   "2001:db8::/32 frr via fe80::1 pref 50");
    close_world(&world);
}

static void of_several_metrics_the_lowest_comes_first_and_the_others_wait(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, true);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.3"}, .metric = 32});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2"}, .metric = 20});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50 med 20; 192.0.2.0/24 frr#1 via 10.0.0.3 pref 50 med 32");
    put(&world, (struct say){.prefix = "192.0.2.0/24", .metric = 20, .del = true});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .metric = 99, .del = true});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.3 pref 50 med 32");
    close_world(&world);
}

static void a_new_connection_loses_nothing_and_sweeps_in_the_end(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put_object(&world, 10, "10.0.0.2", NULL);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .object = 10});
    put(&world, (struct say){.prefix = "198.51.100.0/24", .object = 10});
    hear(&world);
    nl_table_sync_begin(world.routes);
    put_object(&world, 10, "10.0.0.7", NULL); /* the same number for another thing */
    put_object(&world, 20, "10.0.0.2", NULL);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .object = 20});
    hear(&world);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50; 198.51.100.0/24 frr via 10.0.0.2 pref 50!");
    nl_table_sync_end(world.routes);
    expect(&world, "192.0.2.0/24 frr via 10.0.0.2 pref 50");
    assert_int_equal(nl_table_counts(world.routes)->routes, 1);
    close_world(&world);
}

/* Cut at every length, in memory of just that length: as a stream that waits for its rest, and as a frame that says it
 * ends there. */
static void cut_frames_are_read_to_their_end_and_no_further(void **state)
{
    struct world world;
    uint8_t bytes[sizeof(world.frame) + 4];
    size_t n;

    (void)state;
    open_world(&world, false);
    put_object(&world, 10, "10.0.0.2", NULL);
    put_object(&world, 12, NULL, (uint32_t[]){10, 11, 0});
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2", "10.0.0.3", "10.0.0.4"}});
    put(&world, (struct say){.prefix = "2001:db8::/32", .object = 12});
    n = finish(&world, bytes);
    for (size_t length = 0; length < n; length++) {
        uint8_t *cut = malloc(length + (length == 0));
        struct span span = span_of(cut, length);

        memcpy(cut, bytes, length);
        assert_int_equal(fpm_read(world.routes, &span, ALL), 0);
        assert_int_equal(span_left(&span), length);
        if (length >= 4) {
            cut[2] = (uint8_t)(length >> 8);
            cut[3] = (uint8_t)length;
            assert_int_equal(fpm_read(world.routes, &span, ALL), 1);
        }
        free(cut);
    }
    close_world(&world);
}

/* Each netlink message cut, its length with it. */
static void cut_messages_are_refused(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, false);
    put(&world, (struct say){.prefix = "192.0.2.0/24", .gateways = {"10.0.0.2", "10.0.0.3"}});
    for (uint32_t length = sizeof(struct nlmsghdr); length < world.n; length++) {
        struct nlmsghdr *cut = calloc(1, NLMSG_ALIGN(length));
        struct nl_event event;
        int result;

        memcpy(cut, world.frame, length);
        cut->nlmsg_len = length;
        result = nl_event_parse(cut, &event);
        assert_true(result == 0 || result == -EBADMSG);
        assert_true(length >= NLMSG_LENGTH(sizeof(struct rtmsg)) || result == -EBADMSG);
        free(cut);
    }
    close_world(&world);
}

/* What zebra of FRR 8.4.4 really sent: 192.0.2.0/24 came, moved from one router to the other, went and came back. */
static void frr_is_understood(void **state)
{
    size_t length;
    uint8_t *capture = table_capture("frr-8.4.4-fpm.txt", &length);
    struct world world;
    struct feed_sink *sink;

    (void)state;
    if (capture == NULL) {
        skip();
    }
    open_world(&world, false);
    sink = table_sink(world.table);
    for (size_t at = 0; at < length;) {
        uint32_t n;
        struct span span;

        memcpy(&n, capture + at, sizeof(n));
        span = span_of(capture + at + sizeof(n), n);
        assert_int_equal(fpm_read(world.routes, &span, ALL), 1);
        sink->commit(sink->owner);
        at += sizeof(n) + n;
        if (strstr(table_text(world.table, "192.0.2.0/24"), "via 10.90.2.2") != NULL) {
            assert_int_equal(table_holes(world.table), 0); /* it moved there in one frame */
        }
    }
    assert_int_equal(nl_table_counts(world.routes)->feed.unusable, 0);
    expect(&world, "192.0.2.0/24 frr via 10.90.2.2 pref 50");
    close_world(&world);
    free(capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_comes_changes_and_goes),
        cmocka_unit_test(a_replacement_in_one_frame_leaves_no_hole),
        cmocka_unit_test(next_hops_of_a_multipath_route_are_candidates),
        cmocka_unit_test(weights_of_next_hops_are_their_shares),
        cmocka_unit_test(single_next_hops_leave_an_ipv6_route),
        cmocka_unit_test(a_route_follows_its_next_hop_object),
        cmocka_unit_test(fates_are_actions_and_connected_routes_are_left_out),
        cmocka_unit_test(of_several_metrics_the_lowest_comes_first_and_the_others_wait),
        cmocka_unit_test(a_new_connection_loses_nothing_and_sweeps_in_the_end),
        cmocka_unit_test(cut_frames_are_read_to_their_end_and_no_further),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(frr_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
