/* SPDX-License-Identifier: BSD-3-Clause */
/* The withdraw breaker: as a pure thing, and what it does with the routes of sessions. */
#include "session_breaker.h"
#include "session_limits.h"
#include "site_world.h"
#include "unit.h"
#include <stdio.h>

#define SECOND 1000

/* Each step: at a time, the breaker is asked whether of `has` prefixes `lose` may go. */
struct step {
    uint64_t s;
    uint32_t has, lose;
    bool let;
};

static void judge(const struct breaker_rules *rules, const struct step *steps, size_t n)
{
    struct breaker breaker = {.rules = *rules};

    for (size_t i = 0; i < n; i++) {
        bool let = breaker_lets(&breaker, steps[i].has, steps[i].lose, (1000 + steps[i].s) * SECOND);

        if (let != steps[i].let || breaker.tripped == let) {
            fail_msg("step %zu: %s", i, let ? "let" : "stopped");
        }
    }
}

#define JUDGE(rules, ...)                                                 \
    judge(&(struct breaker_rules)rules, (const struct step[])__VA_ARGS__, \
          ARRAY_SIZE(((const struct step[])__VA_ARGS__)))

static void a_part_may_go_within_the_window(void **state)
{
    (void)state;
    /* clang-format off */
#define HALF {50, 60, 10}
    JUDGE(HALF, {{0, 1000, 500, true}, {1, 500, 1, false}});
    JUDGE(HALF, {{0, 1000, 501, false}, {1, 1000, 1, false}, {500, 1000, 1, false}}); /* tripped, it stays so */
    JUDGE(HALF, {{0, 1000, 300, true}, {30, 700, 200, true}, {44, 500, 1, false}});
    JUDGE(HALF, {{0, 1000, 300, true}, {30, 700, 200, true}, {61, 500, 150, true}}); /* 1000 were too long ago */
    JUDGE(HALF, {{0, 1000, 500, true}, {1, 1000, 500, true}, {2, 1000, 500, true}}); /* what comes back is no loss */
    JUDGE(HALF, {{0, 20, 10, true}, {1, 10, 1, false}});   /* few: the number counts */
    JUDGE(HALF, {{0, 10, 10, true}});
    JUDGE(HALF, {{0, 4000000000u, 2000000001u, false}});
    /* clang-format on */
    judge(&BREAKER_OFF, &(const struct step){0, 1000000, 1000000, true}, 1);
    judge(&(struct breaker_rules){0, 60, 0}, &(const struct step){0, 1000000, 1, false}, 1);
}

static void one_that_is_reset_or_rebased_begins_anew(void **state)
{
    struct breaker breaker = {.rules = {50, 60, 10}};

    (void)state;
    assert_false(breaker_lets(&breaker, 1000, 1000, 1000 * SECOND));
    breaker_reset(&breaker, 1000, 1000 * SECOND, true);
    assert_true(breaker_lets(&breaker, 1000, 990, 1059 * SECOND)); /* let, for a window */
    breaker_rebase(&breaker, 100, 1061 * SECOND);
    assert_true(breaker_lets(&breaker, 100, 50, 1061 * SECOND));
    assert_false(breaker_lets(&breaker, 50, 1, 1061 * SECOND));
    breaker_reset(&breaker, 50, 1062 * SECOND, false);
    assert_true(breaker_lets(&breaker, 50, 25, 1062 * SECOND));
    assert_false(breaker_lets(&breaker, 25, 1, 1062 * SECOND));
}

#define ROUTES 40

static struct {
    uint16_t id;
    uint16_t peer;
} feed;

static struct site *site(void)
{
    return world_control()->site;
}

static struct prefix nth(unsigned int n)
{
    struct ip_addr addr = ip_addr_v4(0xac100000 + (n << 8));

    return prefix_of(&addr, 24);
}

static void upsert(unsigned int n, uint32_t path_id)
{
    struct prefix prefix = nth(n);
    struct candidate candidate = {.key = {feed.id, feed.peer, path_id}, .target = {.kind = TARGET_BLACKHOLE}};

    candidate.attrs = attrs_intern(site_attrs(site()), &(struct attrs){0});
    assert_non_null(candidate.attrs);
    assert_true(site_route_set(site(), &prefix, &candidate, NULL) >= 0);
    site_session_announced(site(), feed.id, &prefix);
    attrs_unref(site_attrs(site()), candidate.attrs);
}

static void withdraw(unsigned int n, uint32_t path_id)
{
    struct prefix prefix = nth(n);

    site_route_withdraw(site(), &prefix, &(struct candidate_key){feed.id, feed.peer, path_id});
}

static void announce_all(void)
{
    for (unsigned int n = 0; n < ROUTES; n++) {
        upsert(n, 0);
    }
}

static uint32_t routes(void)
{
    assert_int_equal(site_commit(site()), 0);
    return rib_counts(site_rib(site()))->of_session[feed.id];
}

static uint32_t held(void)
{
    return rib_counts(site_rib(site()))->held_of_session[feed.id];
}

/* With so many routes; half of them may go, and ten in any case. */
static int open_feed(void **state)
{
    struct site_peer peer = {.name = "feed-peer", .facts = {.as = 65002, .type = PEER_EBGP}};
    struct error error;
    int id;

    world_open(state);
    id = site_session_open(site(), &(struct site_session_spec){.client = "feed", .on_disconnect = SITE_KEEP}, NULL,
                           &error);
    assert_true(id > 0);
    feed.id = (uint16_t)id;
    peer.session_id = feed.id;
    assert_int_equal(site_peer_set(site(), &peer, &error), 0);
    feed.peer = (uint16_t)site_peer_id(site(), "feed-peer");
    assert_int_equal(site_session_limit(site(), feed.id, &(struct site_limits){.breaker = {50, 60, 10}}), 0);
    announce_all();
    assert_int_equal(routes(), ROUTES);
    return 0;
}

static void what_a_feed_withdraws_beyond_its_part_is_held_until_it_is_confirmed(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < ROUTES; n++) {
        withdraw(n, 0);
        withdraw(n, 7); /* which is not there */
    }
    assert_int_equal(routes(), ROUTES / 2);
    assert_int_equal(held(), ROUTES / 2);
    assert_int_equal(site_session_stale(site(), feed.id), ROUTES / 2);
    assert_int_equal(site_breakers_tripped(site()), 1);
    world_tick(120 * SECOND);
    world_expect("fib.lookup", "{'address':'172.16.39.1'}", "blackhole");
    world_expect("route.get", "{'prefix':'172.16.39.0/24'}", "'held':true");
    world_expect("session.list", "{}", "'tripped':true");
    world_expect("status", "{}", "'breakers_tripped':1");
    assert_int_equal(world_call("session.confirm", "{'session':4000}"), API_ERR_SESSION);
    world_tick(5 * SECOND);
    world_do("session.confirm", "{'session':1}");
    assert_int_equal(routes(), 0);
    world_expect("session.list", "{}", "'tripped':false");
}

static void what_comes_back_is_fresh_and_the_breaker_as_before(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < ROUTES; n++) {
        withdraw(n, 0);
    }
    world_tick(5 * SECOND);
    for (unsigned int n = 0; n < ROUTES; n++) {
        assert_int_equal(site_breakers_tripped(site()), 1);
        upsert(n, n % 2); /* some by another path */
        world_tick(10);
    }
    assert_int_equal(routes(), ROUTES);
    assert_int_equal(held() + site_session_stale(site(), feed.id), 0);
    assert_int_equal(site_breakers_tripped(site()), 0);
}

static void a_replacement_in_one_burst_is_no_loss(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < ROUTES; n++) {
        withdraw(n, 0);
        upsert(n, 1);
    }
    for (unsigned int n = 0; n < ROUTES; n++) {
        withdraw(n, 1);
    }
    announce_all();
    world_tick(10);
    assert_int_equal(routes(), ROUTES);
    assert_int_equal(held() + site_breakers_tripped(site()), 0);
    for (unsigned int n = 0; n < ROUTES; n++) { /* one of two paths */
        upsert(n, 1);
        withdraw(n, 0);
    }
    assert_int_equal(routes(), ROUTES);
    assert_int_equal(held() + site_breakers_tripped(site()), 0);
}

static void a_resync_that_tells_too_little_sweeps_nothing(void **state)
{
    size_t swept;

    (void)state;
    site_session_mark_stale(site(), feed.id, NULL);
    upsert(0, 0);
    assert_false(site_session_sweep_if_let(site(), feed.id, NULL, &swept));
    assert_int_equal(routes(), ROUTES);
    assert_int_equal(held(), ROUTES - 1);
    /* and again, with most of them */
    site_session_mark_stale(site(), feed.id, NULL);
    for (unsigned int n = 0; n < ROUTES - 5; n++) {
        upsert(n, 0);
    }
    assert_true(site_session_sweep_if_let(site(), feed.id, NULL, &swept));
    assert_int_equal(swept, 5);
    world_tick(10);
    assert_int_equal(routes(), ROUTES - 5);
    assert_int_equal(held() + site_breakers_tripped(site()), 0);
}

static void what_goes_for_its_own_reason_is_not_judged(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(site_peer_del(site(), "feed-peer", &error), 0);
    site_session_rebase(site(), feed.id);
    assert_int_equal(routes(), 0);
    assert_int_equal(site_breakers_tripped(site()), 0);
    site_session_close(site(), feed.id, true);
    assert_int_equal(site_commit(site()), 0);
    assert_null(site_session(site(), feed.id));
}

/* The operator's, for whom it is off unless it is set. */
static void a_call_is_stopped_as_a_whole(void **state)
{
    static const char *const some = "{'del':[{'prefix':'172.17.0.0/24'},{'prefix':'172.17.1.0/24'},"
                                    "{'prefix':'172.17.2.0/24'}],'atomic':false,"
                                    "'add':[{'prefix':'172.18.0.0/24','peer':'p','action':'reject'}]}";
    char add[256];

    (void)state;
    world_do("peer.set", "{'name':'p','as':65002,'type':'ebgp'}");
    for (int n = 0; n < 4; n++) {
        snprintf(add, sizeof(add), "{'add':[{'prefix':'172.17.%d.0/24','peer':'p','action':'reject'}]}", n);
        world_do("route.update", add);
    }
    assert_int_equal(site_session_limit(site(), 0, &(struct site_limits){.breaker = {25, 60, 0}}), 0);
    assert_int_equal(world_call("route.update", some), API_ERR_BREAKER);
    world_expect("route.list", "{'within':'172.16.0.0/12'}", "172.17.2.0/24");
    world_expect_not("route.list", "{'within':'172.16.0.0/12'}", "172.18.0.0/24");
    assert_int_equal(world_call("route.flush", "{'all':true}"), API_ERR_BREAKER);
    assert_int_equal(world_call("route.flush", "{'peer':'p'}"), API_ERR_BREAKER);
    assert_int_equal(world_call("peer.del", "{'name':'p'}"), API_ERR_BREAKER);
    assert_int_equal(world_call("route.update", "{'del':[{'prefix':'172.17.0.0/24'}]}"), API_ERR_BREAKER);
    world_do("route.update", "{'del':[{'prefix':'172.17.0.0/24'}],"
                             "'add':[{'prefix':'172.17.0.0/24','peer':'p','action':'blackhole'}]}");
    world_tick(300 * SECOND);
    assert_int_equal(world_call("route.flush", "{'all':true}"), API_ERR_BREAKER); /* until it is confirmed */
    world_do("session.confirm", "{'session':0}");
    world_expect("route.update", some, "'deleted':3");
    world_do("route.flush", "{'all':true}");
}

#define FEED(name)  cmocka_unit_test_setup_teardown(name, open_feed, world_close)
#define WORLD(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_may_go_within_the_window),
        cmocka_unit_test(one_that_is_reset_or_rebased_begins_anew),
        FEED(what_a_feed_withdraws_beyond_its_part_is_held_until_it_is_confirmed),
        FEED(what_comes_back_is_fresh_and_the_breaker_as_before),
        FEED(a_replacement_in_one_burst_is_no_loss),
        FEED(a_resync_that_tells_too_little_sweeps_nothing),
        FEED(what_goes_for_its_own_reason_is_not_judged),
        WORLD(a_call_is_stopped_as_a_whole),
    };
    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
