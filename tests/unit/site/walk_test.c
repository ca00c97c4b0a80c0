/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over a table so large that they are done in parts: what others do meanwhile, and what they find. */
#include "session_breaker.h"
#include "session_limits.h"
#include "site_world.h"
#include "unit.h"
#include "update.h"
#include <stdio.h>

#define ROUTES 6000 /* enough to be many */
#define LOOKUP "fib.lookup", "{'address':'20.0.0.1'}"

static struct {
    uint16_t id;
    uint16_t peers[2];
} feed;

static struct site *site(void)
{
    return world_control()->site;
}

static void make_peers(void)
{
    struct error error;

    for (unsigned int i = 0; i < ARRAY_SIZE(feed.peers); i++) {
        struct site_peer peer = {.facts = {.as = 65002, .type = PEER_EBGP}, .session_id = feed.id};

        snprintf(peer.name, sizeof(peer.name), "feed-peer-%u", i);
        assert_int_equal(site_peer_set(site(), &peer, &error), 0);
        feed.peers[i] = (uint16_t)site_peer_id(site(), peer.name);
    }
}

static void open_feed(void)
{
    struct error error;
    int id = site_session_open(site(), &(struct site_session_spec){.client = "feed"}, NULL, &error);

    assert_true(id > SITE_SESSION_OPERATOR);
    feed.id = (uint16_t)id;
    make_peers();
}

static struct prefix nth(unsigned int n)
{
    struct ip_addr address = ip_addr_v4(0x14000000 + (n << 8));

    return prefix_of(&address, 24);
}

static void upsert(unsigned int n, unsigned int peer, unsigned int hop)
{
    struct prefix prefix = nth(n);
    struct candidate candidate = {
        .key = {feed.id, feed.peers[peer], 0},
        .target = {.kind = TARGET_NEXT_HOP, .next_hop = ip_addr_v4(0x0a000002 + hop)},
    };

    candidate.attrs = attrs_intern(site_attrs(site()), &(struct attrs){0});
    assert_non_null(candidate.attrs);
    assert_true(site_route_set(site(), &prefix, &candidate, NULL) >= 0);
    attrs_unref(site_attrs(site()), candidate.attrs);
}

/* The first half by one peer and the second by the other, all of them decided. */
static void announce_all(void)
{
    open_feed();
    for (unsigned int n = 0; n < ROUTES; n++) {
        upsert(n, n >= ROUTES / 2, 0);
    }
    assert_int_equal(site_commit(site()), 0);
    assert_int_equal(rib_counts(site_rib(site()))->of_session[feed.id], ROUTES);
}

static unsigned int candidates_at(unsigned int n)
{
    struct prefix prefix = nth(n);
    const struct rib_entry *entry = rib_find(site_rib(site()), &prefix);

    return entry != NULL ? entry->n_candidates : 0;
}

/* So far that some of it is done, and some is not. */
static void go_half_way(void)
{
    for (unsigned int n = 0; n < ROUTES / 2 / 800; n++) {
        assert_true(site_walk_part(site(), 100));
    }
}

static void finish(void)
{
    while (site_commit_part(site(), 256)) {
    }
    assert_int_equal(site_commit(site()), 0);
}

static uint32_t left(void)
{
    return rib_counts(site_rib(site()))->of_session[feed.id];
}

static void what_is_announced_while_a_flush_is_half_way_survives(void **state)
{
    (void)state;
    announce_all();
    site_session_flush(site(), feed.id, NULL);
    assert_true(site_session_is_busy(site(), feed.id));
    assert_int_equal(left(), ROUTES);
    go_half_way();
    assert_in_range(left(), 1, ROUTES - 1);
    assert_int_equal(candidates_at(ROUTES - 1), 0); /* gone for whoever looks */
    upsert(0, 0, 1);
    upsert(ROUTES - 2, 1, 1);
    upsert(ROUTES - 3, 1, 1);
    finish();
    assert_false(site_session_is_busy(site(), feed.id));
    assert_int_equal(left(), 3);
    assert_int_equal(candidates_at(0) + candidates_at(ROUTES - 2) + candidates_at(ROUTES - 3), 3);
    world_expect(LOOKUP, "10.0.0.3");
    assert_int_equal(rib_counts(site_rib(site()))->prefixes[FAMILY_V4], 3);
}

static void what_is_not_told_again_is_swept_and_nothing_else(void **state)
{
    (void)state;
    announce_all();
    site_session_mark_stale(site(), feed.id, NULL);
    go_half_way();
    for (unsigned int n = 0; n < ROUTES; n += 2) { /* some before they are marked, some after */
        upsert(n, n >= ROUTES / 2, 0);
    }
    assert_int_equal(site_session_sweep(site(), feed.id, NULL), ROUTES / 2);
    upsert(1, 0, 0); /* just too late not to be swept, but told */
    finish();
    assert_int_equal(left(), ROUTES / 2 + 1);
    assert_int_equal(candidates_at(1) + candidates_at(2), 2);
    assert_int_equal(candidates_at(3), 0);
    assert_int_equal(site_session_stale(site(), feed.id), 0);
}

static void withdraw(unsigned int n, unsigned int peer)
{
    struct prefix prefix = nth(n);

    site_route_withdraw(site(), &prefix, &(struct candidate_key){feed.id, feed.peers[peer], 0});
}

/* One of two peers is down, which nobody judges; of what is left half may go, and not one more. */
static void expect_half(bool finished)
{
    struct error error;
    uint32_t held;

    announce_all();
    assert_int_equal(site_session_limit(site(), feed.id, &(struct site_limits){.breaker = {50, 60, 10}}), 0);
    assert_int_equal(site_peer_del(site(), "feed-peer-0", &error), 0);
    site_session_rebase(site(), feed.id);
    if (finished) {
        finish();
    } else {
        go_half_way();
    }
    for (unsigned int n = ROUTES / 2; n < ROUTES; n++) {
        withdraw(n, 1);
    }
    held = rib_counts(site_rib(site()))->held_of_session[feed.id];
    assert_int_equal(held, ROUTES / 4);
    finish();
    assert_int_equal(left(), ROUTES / 4);
    assert_int_equal(site_breakers_tripped(site()), 1);
}

static void a_breaker_counts_what_a_walk_has_not_taken_away_yet(void **state)
{
    (void)state;
    expect_half(false);
}

static void a_breaker_counts_what_a_walk_has_taken_away(void **state)
{
    (void)state;
    expect_half(true);
}

static void a_resync_is_judged_by_all_that_was_told_again(void **state)
{
    size_t swept;

    (void)state;
    announce_all();
    assert_int_equal(site_session_limit(site(), feed.id, &(struct site_limits){.breaker = {50, 60, 10}}), 0);
    site_session_mark_stale(site(), feed.id, NULL);
    for (unsigned int n = 0; n < ROUTES / 2 - 1; n++) {
        upsert(n, 0, 0);
    }
    assert_false(site_session_sweep_if_let(site(), feed.id, NULL, &swept)); /* one too few */
    upsert(ROUTES - 1, 1, 0);
    assert_true(site_session_sweep_if_let(site(), feed.id, NULL, &swept));
    assert_int_equal(swept, ROUTES / 2);
    world_tick(10);
    finish();
    assert_int_equal(left(), ROUTES / 2);
    assert_int_equal(site_breakers_tripped(site()), 0);
}

static void a_limit_counts_what_is_being_taken_away_as_gone(void **state)
{
    (void)state;
    announce_all();
    assert_int_equal(
        site_session_limit(site(), feed.id, &(struct site_limits){.max_prefixes = ROUTES, .breaker = BREAKER_OFF}), 0);
    site_session_flush(site(), feed.id, &feed.peers[0]);
    go_half_way();
    upsert(ROUTES, 1, 0); /* there is room for it */
    finish();
    assert_int_equal(left(), ROUTES / 2 + 1);
}

static void those_who_come_after_a_session_that_is_over_have_nothing_of_it(void **state)
{
    uint16_t over;

    (void)state;
    announce_all();
    over = feed.id;
    assert_int_equal(site_session_close(site(), feed.id, true), ROUTES);
    assert_null(site_session(site(), over));
    go_half_way();
    open_feed(); /* its name and its peers' are free again */
    assert_int_equal(left(), 0);
    upsert(1, 0, 0);
    upsert(ROUTES - 1, 0, 0);
    assert_int_equal(left(), 2);
    assert_int_equal(site_commit(site()), 0);
    finish();
    assert_int_equal(left(), 2);
    assert_int_equal(candidates_at(1) + candidates_at(ROUTES - 1), 2);
    assert_int_equal(rib_counts(site_rib(site()))->prefixes[FAMILY_V4], 2);
    assert_int_equal(rib_counts(site_rib(site()))->of_session[over] * (over != feed.id), 0);
}

static void an_instance_and_a_peer_of_the_same_name_are_others(void **state)
{
    (void)state;
    announce_all();
    world_do("peer.set", "{'name':'p','as':65001,'type':'ebgp'}");
    world_do("instance.set", "{'name':'i','next_hop':'10.0.0.9'}");
    world_do("route.update", "{'add':[{'prefix':'192.0.2.0/24','peer':'p','instance':'i'},"
                             "{'prefix':'20.0.0.0/24','peer':'p','instance':'i'}]}");
    world_do("instance.del", "{'name':'i'}");
    world_do("instance.set", "{'name':'i','next_hop':'10.0.0.8'}");
    world_do("route.update", "{'add':[{'prefix':'192.0.2.0/25','peer':'p','instance':'i'}]}");
    world_do("peer.del", "{'name':'p'}");
    world_do("peer.set", "{'name':'p','as':65001,'type':'ebgp'}");
    world_do("route.update", "{'add':[{'prefix':'192.0.2.128/25','peer':'p','instance':'i'}]}");
    world_expect("route.get", "{'prefix':'192.0.2.0/24'}", "'candidates':[]");
    world_expect("route.get", "{'prefix':'192.0.2.0/25'}", "'candidates':[]");
    world_expect("route.get", "{'prefix':'192.0.2.128/25'}", "'peer':'p'");
    finish();
    world_expect("route.get", "{'prefix':'192.0.2.128/25'}", "'peer':'p'");
    world_expect("fib.lookup", "{'address':'192.0.2.129'}", "10.0.0.8");
    assert_int_equal(rib_counts(site_rib(site()))->of_session[SITE_SESSION_OPERATOR], 1);
}

static void methods_count_what_they_take_away_before_it_is(void **state)
{
    (void)state;
    announce_all();
    world_do("peer.set", "{'name':'p','as':65001,'type':'ebgp'}");
    world_do("route.update", "{'add':[{'prefix':'192.0.2.0/24','peer':'p','next_hop':'10.0.0.2'},"
                             "{'prefix':'192.0.3.0/24','peer':'feed-peer-0','next_hop':'10.0.0.2'}]}");
    world_expect("route.flush", "{'peer':'feed-peer-0'}", "'deleted':1");
    world_expect("route.flush", "{'all':true}", "'deleted':1");
    world_expect("route.flush", "{'all':true}", "'deleted':0");
    finish();
    assert_int_equal(left(), ROUTES);
}

static void the_ticks_finish_what_nobody_waits_for(void **state)
{
    (void)state;
    announce_all();
    site_session_flush(site(), feed.id, NULL);
    world_tick(5000);
    assert_false(site_session_is_busy(site(), feed.id));
    assert_int_equal(rib_counts(site_rib(site()))->prefixes[FAMILY_V4], 0);
    assert_int_equal(world_call(LOOKUP), API_ERR_NO_ROUTE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_announced_while_a_flush_is_half_way_survives),
        TEST(what_is_not_told_again_is_swept_and_nothing_else),
        TEST(a_breaker_counts_what_a_walk_has_not_taken_away_yet),
        TEST(a_breaker_counts_what_a_walk_has_taken_away),
        TEST(a_resync_is_judged_by_all_that_was_told_again),
        TEST(a_limit_counts_what_is_being_taken_away_as_gone),
        TEST(those_who_come_after_a_session_that_is_over_have_nothing_of_it),
        TEST(an_instance_and_a_peer_of_the_same_name_are_others),
        TEST(methods_count_what_they_take_away_before_it_is),
        TEST(the_ticks_finish_what_nobody_waits_for),
    };
    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
