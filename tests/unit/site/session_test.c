/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions as feeds use them: whose a candidate is, and what becomes of it when its feed goes and comes back. */
#include "session.h"
#include "session_limits.h"
#include "site_world.h"
#include "unit.h"
#include <errno.h>

#define ROUTE  "172.16.0.0/16"
#define OTHER  "172.17.0.0/16"
#define LOOKUP "fib.lookup", "{'address':'172.16.0.1'}"
#define ASK    "route.get", "{'prefix':'172.16.0.0/16'}"

static struct {
    uint16_t id;
    uint16_t peer;
} feed;

static struct site *site(void)
{
    return world_control()->site;
}

static const struct site_session_spec spec = {.client = "feed", .source = "test"};

/* As a feed does that was not there before. */
static void feed_open(const struct site_session_spec *settings)
{
    struct site_peer peer = {.name = "feed-peer", .facts = {.as = 65002, .type = PEER_EBGP}};
    struct error error;
    bool resumed;
    int id = site_session_open(site(), settings, &resumed, &error);

    assert_true(id > SITE_SESSION_OPERATOR);
    assert_false(resumed);
    feed.id = (uint16_t)id;
    peer.session_id = feed.id;
    assert_int_equal(site_peer_set(site(), &peer, &error), 0);
    feed.peer = (uint16_t)site_peer_id(site(), "feed-peer");
}

static void feed_resume(const struct site_session_spec *settings)
{
    struct error error;
    bool resumed;

    assert_int_equal(site_session_open(site(), settings, &resumed, &error), feed.id);
    assert_true(resumed);
}

static void feed_leave(void)
{
    site_session_leave(site(), feed.id);
    assert_int_equal(site_commit(site()), 0);
}

static struct prefix prefix_from(const char *text)
{
    struct prefix prefix;

    assert_int_equal(prefix_parse(text, &prefix), 0);
    return prefix;
}

static void feed_upsert(const char *text, const char *next_hop)
{
    struct prefix prefix = prefix_from(text);
    struct candidate candidate = {.key = {feed.id, feed.peer, 0}, .target = {.kind = TARGET_NEXT_HOP}};

    assert_int_equal(ip_addr_parse(next_hop, &candidate.target.next_hop), 0);
    candidate.attrs = attrs_intern(site_attrs(site()), &(struct attrs){0});
    assert_non_null(candidate.attrs);
    assert_true(site_route_set(site(), &prefix, &candidate, NULL) >= 0);
    attrs_unref(site_attrs(site()), candidate.attrs);
    assert_int_equal(site_commit(site()), 0);
}

static size_t feed_sweep(void)
{
    size_t swept = site_session_sweep(site(), feed.id, NULL);

    assert_int_equal(site_commit(site()), 0);
    return swept;
}

static void one_session_cannot_touch_the_candidates_of_another(void **state)
{
    (void)state;
    feed_open(&spec);
    feed_upsert(ROUTE, "10.0.0.2");
    world_do("peer.set", "{'name':'p','as':65001,'type':'ebgp'}");
    world_do("route.update", "{'add':[{'prefix':'" ROUTE "','peer':'feed-peer','next_hop':'10.0.0.3'}]}");
    assert_int_equal(rib_counts(site_rib(site()))->candidates[FAMILY_V4], 2);
    world_expect("route.update", "{'del':[{'prefix':'" ROUTE "'}]}", "'deleted':1");
    world_expect("route.flush", "{'all':true}", "'deleted':0");
    world_expect(LOOKUP, "10.0.0.2");
    site_session_close(site(), feed.id, true);
    assert_int_equal(site_commit(site()), 0);
    assert_int_equal(world_call(LOOKUP), API_ERR_NO_ROUTE);
    assert_int_equal(site_peer_id(site(), "feed-peer"), -ENOENT);
    assert_null(site_session(site(), feed.id));
}

static void what_a_feed_leaves_behind_is_used_until_its_time_is_over(void **state)
{
    struct site_session_spec two_seconds = spec;
    uint64_t generation;

    (void)state;
    two_seconds.has_stale_s = true;
    two_seconds.stale_s = 2;
    feed_open(&two_seconds);
    feed_upsert(ROUTE, "10.0.0.2");
    generation = site_generation(site());
    feed_leave();
    assert_int_equal(site_session_stale(site(), feed.id), 1);
    world_tick(1900);
    world_expect(LOOKUP, "10.0.0.2");
    assert_int_equal(site_generation(site()), generation);
    world_tick(200);
    assert_int_equal(world_call(LOOKUP), API_ERR_NO_ROUTE);
    assert_int_equal(site_session_count(site()), 0);
    assert_int_equal(site_peer_id(site(), "feed-peer"), -ENOENT);
}

static void what_a_feed_does_not_say_again_is_swept(void **state)
{
    uint64_t generation;

    (void)state;
    feed_open(&spec);
    feed_upsert(ROUTE, "10.0.0.2");
    feed_upsert(OTHER, "10.0.0.2");
    feed_leave();
    generation = site_generation(site());
    feed_resume(&spec);
    feed_upsert(ROUTE, "10.0.0.2");
    assert_int_equal(site_generation(site()), generation);
    assert_int_equal(site_session_stale(site(), feed.id), 1);
    assert_int_equal(feed_sweep(), 1);
    assert_int_equal(feed_sweep(), 0);
    world_expect(LOOKUP, "10.0.0.2");
    assert_int_equal(world_call("fib.lookup", "{'address':'172.17.0.1'}"), API_ERR_NO_ROUTE);
}

static void a_feed_that_withdraws_takes_all_with_it(void **state)
{
    struct site_session_spec withdrawing = spec;

    (void)state;
    withdrawing.on_disconnect = SITE_WITHDRAW;
    feed_open(&withdrawing);
    feed_upsert(ROUTE, "10.0.0.2");
    feed_leave();
    assert_int_equal(world_call(LOOKUP), API_ERR_NO_ROUTE);
    assert_int_equal(site_session_count(site()), 0);
}

static void what_is_kept_is_kept(void **state)
{
    struct site_session_spec keeping = spec;

    (void)state;
    keeping.on_disconnect = SITE_KEEP;
    feed_open(&keeping);
    feed_upsert(ROUTE, "10.0.0.2");
    feed_leave();
    world_tick(1000 * (SITE_STALE_S_DEFAULT + 1));
    world_expect(LOOKUP, "10.0.0.2");
    assert_false(site_session(site(), feed.id)->long_lived);
}

/* RFC 9494: the last resort, until it is said again. */
static void what_is_stale_for_long_ranks_last(void **state)
{
    struct site_session_spec long_lived = spec;

    (void)state;
    long_lived.has_stale_s = true;
    long_lived.stale_s = 1;
    long_lived.long_lived_stale_s = 2;
    feed_open(&long_lived);
    feed_upsert(ROUTE, "10.0.0.2");
    world_do("peer.set", "{'name':'p','as':65001,'type':'ebgp'}");
    world_do("route.update",
             "{'add':[{'prefix':'" ROUTE "','peer':'p','next_hop':'10.0.0.3','as_path':[65001,65003]}]}");
    feed_leave();
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'next_hop':'10.0.0.2'");
    world_tick(1100);
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'next_hop':'10.0.0.3'");
    world_expect("route.explain", "{'prefix':'" ROUTE "'}", "'lost_at':'stale'");
    feed_resume(&long_lived);
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'next_hop':'10.0.0.3'");
    feed_upsert(ROUTE, "10.0.0.2");
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'next_hop':'10.0.0.2'");
    feed_leave();
    world_tick(3100);
    assert_int_equal(site_session_count(site()), 0);
    world_expect_not(ASK, "10.0.0.2");
}

static void a_session_has_one_client_and_one_owner(void **state)
{
    struct site_session_spec other_uid = spec;
    struct error error;
    bool resumed = true;

    (void)state;
    feed_open(&spec);
    assert_int_equal(site_session_open(site(), &spec, &resumed, &error), -EBUSY);
    other_uid.uid = 1000;
    assert_true(site_session_open(site(), &other_uid, &resumed, &error) > feed.id);
    assert_false(resumed);
}

static void one_that_is_closed_may_leave_its_candidates(void **state)
{
    (void)state;
    feed_open(&spec);
    feed_upsert(ROUTE, "10.0.0.2");
    site_session_close(site(), feed.id, false);
    assert_int_equal(site_commit(site()), 0);
    world_tick(1000 * (SITE_STALE_S_DEFAULT + 1));
    assert_int_equal(site_session_stale(site(), feed.id), 0);
    world_expect(LOOKUP, "10.0.0.2");
    feed_resume(&spec);
    assert_int_equal(feed_sweep(), 1);
}

static int feed_tries(const char *text)
{
    struct prefix prefix = prefix_from(text);
    struct candidate candidate = {.key = {feed.id, feed.peer, 0}, .target = {.kind = TARGET_BLACKHOLE}};
    int result;

    candidate.attrs = attrs_intern(site_attrs(site()), &(struct attrs){0});
    assert_non_null(candidate.attrs);
    result = site_route_set(site(), &prefix, &candidate, NULL);
    attrs_unref(site_attrs(site()), candidate.attrs);
    assert_int_equal(site_commit(site()), 0);
    return result;
}

static void a_session_has_no_more_and_nothing_else_than_its_limits_let_it(void **state)
{
    const struct prefix allowed[] = {prefix_from("172.16.0.0/12"), prefix_from("2001:db8::/32")};
    struct prefix prefix = prefix_from("10.0.0.0/8");
    struct error error;

    (void)state;
    feed_open(&spec);
    assert_int_equal(site_session_limit(site(), feed.id, &(struct site_limits){allowed, 2, 3, BREAKER_OFF}), 0);
    assert_int_equal(feed_tries("172.16.0.0/12"), RIB_ADDED);
    assert_int_equal(feed_tries("2001:db8:1::/48"), RIB_ADDED);
    assert_int_equal(feed_tries("0.0.0.0/0"), -EPERM); /* what covers it is not within it */
    assert_int_equal(feed_tries("172.0.0.0/8"), -EPERM);
    assert_int_equal(feed_tries("::/0"), -EPERM);
    assert_int_equal(feed_tries("172.17.0.0/16"), RIB_ADDED);
    assert_int_equal(feed_tries("172.18.0.0/16"), -EDQUOT);
    assert_int_equal(feed_tries("172.17.0.0/16"), RIB_UNCHANGED); /* what is there may change */
    site_limit_text(site(), feed.id, &prefix, -EPERM, &error);
    assert_string_equal(error.text, "10.0.0.0/8: lies in none of the prefixes that session \"feed\" may announce");
    site_limit_text(site(), feed.id, &prefix, -EDQUOT, &error);
    assert_string_equal(error.text, "10.0.0.0/8: session \"feed\" has the 3 prefixes that it may have");

    /* less than there is: what there is stays */
    assert_int_equal(
        site_session_limit(site(), feed.id, &(struct site_limits){.max_prefixes = 1, .breaker = BREAKER_OFF}), 0);
    assert_int_equal(rib_counts(site_rib(site()))->prefixes_of_session[feed.id], 3);
    assert_int_equal(feed_tries("10.0.0.0/8"), -EDQUOT);
    assert_int_equal(site_session_limit(site(), feed.id, &(struct site_limits){.breaker = BREAKER_OFF}), 0);
    assert_int_equal(feed_tries("10.0.0.0/8"), RIB_ADDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_session_cannot_touch_the_candidates_of_another),
        TEST(what_a_feed_leaves_behind_is_used_until_its_time_is_over),
        TEST(what_a_feed_does_not_say_again_is_swept),
        TEST(a_feed_that_withdraws_takes_all_with_it),
        TEST(what_is_kept_is_kept),
        TEST(what_is_stale_for_long_ranks_last),
        TEST(a_session_has_one_client_and_one_owner),
        TEST(one_that_is_closed_may_leave_its_candidates),
        TEST(a_session_has_no_more_and_nothing_else_than_its_limits_let_it),
    };
    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
