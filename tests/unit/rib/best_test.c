/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules one by one. What holds for any set of candidates is in best_property_test.c. */
#include "best.h"
#include "path_text.h"
#include "unit.h"
#include <stdio.h>

#define SIDES_MAX 5
#define OWN_AS    65000

/* A contender as a row of a table tells it; all zero is an eBGP route of AS 0 with an empty path. */
struct side {
    const char *path;
    struct attrs attrs; /* without the path */
    struct best_peer peer;
    const char *why_not;
    uint32_t path_id;
    uint32_t igp_cost;
    bool draining;
    bool long_lived_stale;
};

static const struct contender *contender_set(struct contender *c, const struct side *side, struct attrs *attrs,
                                             struct path_text *text, uint64_t key)
{
    *attrs = side->attrs;
    attrs->as_path = *path_read(side->path != NULL ? side->path : "", text);
    *c = (struct contender){.attrs = attrs,
                            .peer = &side->peer,
                            .why_not = side->why_not,
                            .key = key,
                            .path_id = side->path_id,
                            .igp_cost = side->igp_cost,
                            .draining = side->draining,
                            .long_lived_stale = side->long_lived_stale};
    return c;
}

#define V4(a, b, c, d) \
    {                  \
        FAMILY_V4,     \
        {              \
            a, b, c, d \
        }              \
    }
#define V6(a, b)   \
    {              \
        FAMILY_V6, \
        {          \
            a, b   \
        }          \
    }
#define MED(value)        .has_med = true, .med = (value)
#define LOCAL_PREF(value) .has_local_pref = true, .local_pref = (value)
#define COMMUNITIES(...) \
    .communities = (const uint32_t[]){__VA_ARGS__}, .n_communities = ARRAY_SIZE(((const uint32_t[]){__VA_ARGS__}))
#define CLUSTERS(...) \
    .cluster_list = (const uint32_t[]){__VA_ARGS__}, .n_cluster_list = ARRAY_SIZE(((const uint32_t[]){__VA_ARGS__}))

/* Two candidates, of which the first wins for one reason. */
static const struct duel {
    const char *rule;
    struct side winner;
    struct side loser;
    enum best_step step;
    const char *detail;
    struct best_options options;
} duels[] = {
    {"one that is not draining beats one that is, whatever else",
     {.path = "1 2 3"},
     {.draining = true, .attrs = {.weight = 9}},
     STEP_DRAINING,
     .detail = "draining yes > no (w)"},
    {"fresh beats long-lived stale (RFC 9494 4.3)",
     {.path = "1 2 3"},
     {.long_lived_stale = true, .attrs = {.weight = 9}},
     STEP_STALE,
     .detail = "stale long-lived > no (w)"},
    {"the community LLGR_STALE is long-lived stale (RFC 9494 4.3)",
     {.path = "1 2 3"},
     {.path = "1", .attrs = {COMMUNITIES(COMMUNITY_LLGR_STALE)}},
     STEP_STALE,
     .detail = "stale long-lived > no (w)"},
    {"highest weight", {.attrs = {.weight = 2}}, {.attrs = {.weight = 1}}, STEP_WEIGHT, .detail = "weight 1 < 2 (w)"},
    {"weight before LOCAL_PREF",
     {.attrs = {.weight = 1}},
     {.attrs = {LOCAL_PREF(900)}},
     STEP_WEIGHT,
     .detail = "weight 0 < 1 (w)"},
    {"highest LOCAL_PREF (RFC 4271 9.1.1)",
     {.attrs = {LOCAL_PREF(200)}, .path = "1 2 3"},
     {.attrs = {LOCAL_PREF(150)}, .path = "1"},
     STEP_LOCAL_PREF,
     .detail = "local_pref 150 < 200 (w)"},
    {"LOCAL_PREF is 100 by default: above 99",
     {.path = "1 2 3"},
     {.attrs = {LOCAL_PREF(99)}, .path = "1"},
     STEP_LOCAL_PREF,
     .detail = "local_pref 99 < 100 (w)"},
    {"LOCAL_PREF is 100 by default: equal to 100, so the path decides",
     {.path = "1"},
     {.attrs = {LOCAL_PREF(100)}, .path = "1 2"},
     STEP_AS_PATH,
     .detail = "as_path 2 > 1 (w)"},
    {"GRACEFUL_SHUTDOWN makes LOCAL_PREF 0 (RFC 8326 4.2)",
     {.attrs = {LOCAL_PREF(1)}, .path = "1 2 3"},
     {.attrs = {LOCAL_PREF(900), COMMUNITIES(5, COMMUNITY_GRACEFUL_SHUTDOWN)}, .path = "1"},
     STEP_LOCAL_PREF,
     .detail = "local_pref 0 < 1 (w)"},
    {"locally originated",
     {.path = "1 2", .peer = {.type = PEER_LOCAL}},
     {.path = "1"},
     STEP_LOCAL,
     .detail = "local no < yes (w)"},
    {"shortest AS_PATH (RFC 4271 9.1.2.2 a)",
     {.path = "65002"},
     {.path = "65001 65010"},
     STEP_AS_PATH,
     .detail = "as_path 2 > 1 (w)"},
    {"prepending makes a path longer (RFC 4271 9.1.2.2 a)",
     {.path = "1 2"},
     {.path = "1 1 1"},
     STEP_AS_PATH,
     .detail = "as_path 3 > 2 (w)"},
    {"an AS_SET counts 1 (RFC 4271 9.1.2.2 a)",
     {.path = "1 {2 3 4 5}"},
     {.path = "1 2 3"},
     STEP_AS_PATH,
     .detail = "as_path 3 > 2 (w)"},
    {"confederation segments count 0 (RFC 5065 5.3)",
     {.path = "(64512 64513 64514) [64515] 1"},
     {.path = "1 2"},
     STEP_AS_PATH,
     .detail = "as_path 2 > 1 (w)"},
    {"ORIGIN IGP before EGP (RFC 4271 9.1.2.2 b)",
     {.attrs = {.origin = ORIGIN_IGP, MED(9)}},
     {.attrs = {.origin = ORIGIN_EGP}},
     STEP_ORIGIN,
     .detail = "origin egp > igp (w)"},
    {"ORIGIN EGP before INCOMPLETE (RFC 4271 9.1.2.2 b)",
     {.attrs = {.origin = ORIGIN_EGP}},
     {.attrs = {.origin = ORIGIN_INCOMPLETE}},
     STEP_ORIGIN,
     .detail = "origin incomplete > egp (w)"},
    {"lowest MED of the same neighbour AS (RFC 4271 9.1.2.2 c)",
     {.path = "1 2", .attrs = {MED(10)}, .igp_cost = 9},
     {.path = "1 3", .attrs = {MED(20)}},
     STEP_MED,
     .detail = "med 20 > 10 (w)"},
    {"a missing MED is 0 (RFC 4271 9.1.2.2 c)",
     {.path = "1", .igp_cost = 9},
     {.path = "1", .attrs = {MED(1)}},
     STEP_MED,
     .detail = "med 1 > 0 (w)"},
    {"a missing MED is the worst if told so",
     {.path = "1", .attrs = {MED(4294967294)}},
     {.path = "1"},
     STEP_MED,
     .detail = "med 4294967295 > 4294967294 (w)",
     .options = {.missing_med_worst = true}},
    {"MEDs of two neighbour ASes do not compare (RFC 4271 9.1.2.2 c)",
     {.path = "1", .attrs = {MED(20)}},
     {.path = "2", .attrs = {MED(10)}, .igp_cost = 1},
     STEP_IGP_COST,
     .detail = "igp_cost 1 > 0 (w)"},
    {"MEDs of two neighbour ASes compare with always_compare_med",
     {.path = "2", .attrs = {MED(10)}, .igp_cost = 1},
     {.path = "1", .attrs = {MED(20)}},
     STEP_MED,
     .detail = "med 20 > 10 (w)",
     .options = {.always_compare_med = true}},
    {"confederation segments hide no neighbour AS (RFC 5065 5.3)",
     {.path = "(64512) 1", .attrs = {MED(1)}, .igp_cost = 9},
     {.path = "1", .attrs = {MED(2)}},
     STEP_MED,
     .detail = "med 2 > 1 (w)"},
    {"an iBGP route with an empty path is of our own AS (RFC 4271 9.1.2.2 c)",
     {.attrs = {MED(1)}, .igp_cost = 9, .peer = {.type = PEER_IBGP, .as = 7}},
     {.attrs = {MED(2)}, .peer = {.type = PEER_EBGP, .as = OWN_AS}},
     STEP_MED,
     .detail = "med 2 > 1 (w)"},
    {"an iBGP aggregate that begins with an AS_SET is of our own AS (RFC 4271 9.1.2.2 c)",
     {.path = "{1 2}", .attrs = {MED(1)}, .igp_cost = 9, .peer = {.type = PEER_IBGP}},
     {.path = "{3}", .attrs = {MED(2)}, .peer = {.type = PEER_IBGP}},
     STEP_MED,
     .detail = "med 2 > 1 (w)"},
    {"an eBGP path that does not tell its neighbour AS is of the peer's",
     {.path = "{1}", .attrs = {MED(1)}, .igp_cost = 9, .peer = {.as = 5}},
     {.path = "5", .attrs = {MED(2)}},
     STEP_MED,
     .detail = "med 2 > 1 (w)"},
    {"eBGP before iBGP (RFC 4271 9.1.2.2 d)",
     {.path = "1", .igp_cost = 9},
     {.path = "1", .peer = {.type = PEER_IBGP}},
     STEP_EBGP,
     .detail = "ebgp no < yes (w)"},
    {"nearest next hop (RFC 4271 9.1.2.2 e)",
     {.igp_cost = 10, .peer = {.router_id = 9}},
     {.igp_cost = 11},
     STEP_IGP_COST,
     .detail = "igp_cost 11 > 10 (w)"},
    {"lowest router id (RFC 4271 9.1.2.2 f)",
     {.peer = {.router_id = 0x0a000001, .address = V4(10, 0, 0, 9)}},
     {.peer = {.router_id = 0x0a000002, .address = V4(10, 0, 0, 1)}},
     STEP_ROUTER_ID,
     .detail = "router_id 10.0.0.2 > 10.0.0.1 (w)"},
    {"ORIGINATOR_ID instead of the router id (RFC 4456 9)",
     {.attrs = {.has_originator_id = true, .originator_id = 1}, .peer = {.router_id = 9}},
     {.peer = {.router_id = 5}},
     STEP_ROUTER_ID,
     .detail = "router_id 0.0.0.5 > 0.0.0.1 (w)"},
    {"shortest CLUSTER_LIST, none being length 0 (RFC 4456 9)",
     {.peer = {.address = V4(10, 0, 0, 9)}},
     {.attrs = {CLUSTERS(1)}, .peer = {.address = V4(10, 0, 0, 1)}},
     STEP_CLUSTER_LIST,
     .detail = "cluster_list 1 > 0 (w)"},
    {"lowest peer address (RFC 4271 9.1.2.2 g)",
     {.peer = {.address = V4(9, 0, 0, 1)}, .path_id = 9},
     {.peer = {.address = V4(10, 0, 0, 1)}},
     STEP_PEER_ADDRESS,
     .detail = "peer_address 10.0.0.1 > 9.0.0.1 (w)"},
    {"lowest peer address of IPv6",
     {.peer = {.address = V6(0x20, 1)}},
     {.peer = {.address = V6(0x20, 2)}},
     STEP_PEER_ADDRESS,
     .detail = "peer_address 2002:: > 2001:: (w)"},
    {"a peer address of IPv4 before one of IPv6",
     {.peer = {.address = V4(240, 0, 0, 1)}},
     {.peer = {.address = V6(0x20, 1)}},
     STEP_PEER_ADDRESS,
     .detail = "peer_address 2001:: > 240.0.0.1 (w)"},
    {"lowest path id (RFC 7911)", {.path_id = 1}, {.path_id = 2}, STEP_PATH_ID, .detail = "path_id 2 > 1 (w)"},
    {"a tie in everything is broken by the key", {.path = "1"}, {.path = "1"}, STEP_KEY, .detail = "key 2 > 1 (w)"},
};

static void judge_duel(const struct duel *duel, bool winner_first)
{
    const struct best_options options = {.own_as = OWN_AS,
                                         .always_compare_med = duel->options.always_compare_med,
                                         .missing_med_worst = duel->options.missing_med_worst};
    uint32_t w = winner_first ? 0 : 1;
    uint32_t l = 1 - w;
    struct attrs attrs[2];
    struct path_text texts[2];
    struct contender contenders[2];
    struct verdict verdicts[2];
    uint32_t ranking[2];
    char detail[BEST_DETAIL_STRLEN];

    contender_set(&contenders[w], &duel->winner, &attrs[w], &texts[w], 1);
    contender_set(&contenders[l], &duel->loser, &attrs[l], &texts[l], 2);
    assert_int_equal(best_rank(contenders, 2, &options, ranking, verdicts), 2);
    assert_int_equal(ranking[0], w);
    assert_int_equal(verdicts[w].tier, 1);
    assert_int_equal(verdicts[w].lost_at, STEP_NONE);
    assert_int_equal(ranking[1], l);
    assert_int_equal(verdicts[l].tier, 2);
    assert_string_equal(best_step_name(verdicts[l].lost_at), best_step_name(duel->step));
    assert_int_equal(verdicts[l].lost_to, w);
    assert_string_equal(best_detail(duel->step, &contenders[l], &contenders[w], &options, "w", detail), duel->detail);
}

static void each_rule_decides_in_either_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(duels); i++) {
        print_message("           %s\n", duels[i].rule);
        judge_duel(&duels[i], true);
        judge_duel(&duels[i], false);
    }
}

/* Makes a side lose at one step and touches no other. */
static void worsen(struct side *side, enum best_step step)
{
    static const char *const longer = "1 2";

    switch (step) {
    case STEP_DRAINING:
        side->draining = true;
        break;
    case STEP_STALE:
        side->long_lived_stale = true;
        break;
    case STEP_WEIGHT:
        side->attrs.weight--;
        break;
    case STEP_LOCAL_PREF:
        side->attrs.local_pref--;
        break;
    case STEP_LOCAL:
        side->peer.type = PEER_EBGP;
        break;
    case STEP_AS_PATH:
        side->path = longer;
        break;
    case STEP_ORIGIN:
        side->attrs.origin++;
        break;
    case STEP_MED:
        side->attrs.med++;
        break;
    case STEP_EBGP:
        side->peer.type = PEER_IBGP;
        break;
    case STEP_IGP_COST:
        side->igp_cost++;
        break;
    case STEP_ROUTER_ID:
        side->peer.router_id++;
        break;
    case STEP_CLUSTER_LIST:
        side->attrs.n_cluster_list++;
        break;
    case STEP_PEER_ADDRESS:
        side->peer.address.bytes[3]++;
        break;
    case STEP_PATH_ID:
        side->path_id++;
        break;
    default:
        break; /* the key: by position */
    }
}

/* One side loses at one step, the other at every later one: the earlier step decides. Being local and being iBGP
 * exclude each other, so where the first decides, the second stays out. */
static void an_earlier_step_overrides_all_later_ones(void **state)
{
    static const uint32_t clusters[2];

    (void)state;
    for (enum best_step step = STEP_DRAINING; step < STEP_KEY; step++) {
        struct side base = {.path = "1",
                            .attrs = {LOCAL_PREF(100), MED(10), .weight = 1, .cluster_list = clusters},
                            .peer = {.address = V4(10, 0, 0, 1), .type = step == STEP_LOCAL ? PEER_LOCAL : PEER_EBGP}};
        struct duel duel = {"", base, base, step, "", {.own_as = OWN_AS}};
        struct attrs attrs[2];
        struct path_text texts[2];
        struct contender contenders[2];
        struct verdict verdicts[2];
        uint32_t ranking[2];

        worsen(&duel.loser, step);
        for (enum best_step later = step + 1; later < STEP_KEY; later++) {
            if (later != STEP_LOCAL && !(later == STEP_EBGP && step == STEP_LOCAL)) {
                worsen(&duel.winner, later);
            }
        }
        contender_set(&contenders[0], &duel.loser, &attrs[0], &texts[0], 1); /* also has the better key */
        contender_set(&contenders[1], &duel.winner, &attrs[1], &texts[1], 2);
        best_rank(contenders, 2, &duel.options, ranking, verdicts);
        assert_int_equal(verdicts[0].lost_at, step);
        assert_int_equal(ranking[0], 1);
    }
}

/* More than two: who is in which tier. */
static const struct group {
    const char *rule;
    struct best_options options;
    uint32_t n;
    struct side sides[SIDES_MAX];
    const char *tiers;   /* "1.0 2.0": tier and order of each */
    const char *lost_at; /* the names of the steps, and to whom */
} groups[] = {
    {"no candidate: nothing", {.multipath = true}, 0, {{.path = ""}}, "", ""},
    {"one candidate is the best", {.multipath = true}, 1, {{.path = "1 2 3"}}, "1.0", "none"},
    {"not eligible is in no tier, and beats nobody",
     {.multipath = true},
     3,
     {{.path = "1", .why_not = "as_loop"}, {.path = "1 2"}, {.path = "1", .why_not = "next_hop_unreachable"}},
     "0.0 1.0 0.0",
     "none none none"},
    {"nobody eligible: no tier at all",
     {.multipath = true},
     2,
     {{.why_not = "as_loop"}, {.why_not = "as_loop"}},
     "0.0 0.0",
     "none none"},
    {"multipath: a tie down to igp_cost shares, the lowest router id first",
     {.multipath = true},
     4,
     {{.path = "1", .peer = {.router_id = 3}},
      {.path = "1", .peer = {.router_id = 1}},
      {.path = "1", .peer = {.router_id = 2}},
      {.path = "1", .igp_cost = 1}},
     "1.2 1.0 1.1 2.0",
     "none none none igp_cost/1"},
    {"multipath off: the best alone, then one backup a tier",
     {.multipath = false},
     3,
     {{.path = "1", .peer = {.router_id = 3}},
      {.path = "1", .peer = {.router_id = 1}},
      {.path = "1", .peer = {.router_id = 2}}},
     "3.0 1.0 2.0",
     "router_id/1 none router_id/1"},
    {"multipath: eBGP shares within one neighbour AS",
     {.multipath = true},
     4,
     {{.path = "1 5", .path_id = 1}, {.path = "2 5", .path_id = 2}, {.path = "1 6", .path_id = 3}, {.path = "2 7"}},
     "2.0 1.1 2.1 1.0",
     "path_id/3 none path_id/3 none"},
    {"multipath_relax: eBGP shares over any",
     {.multipath = true, .multipath_relax = true},
     3,
     {{.path = "1 5", .path_id = 1}, {.path = "2 5", .path_id = 2}, {.path = "3 6"}},
     "1.1 1.2 1.0",
     "none none none"},
    {"relax without multipath shares nothing",
     {.multipath_relax = true},
     2,
     {{.path = "1", .path_id = 1}, {.path = "1"}},
     "2.0 1.0",
     "path_id/1 none"},
    {"multipath: iBGP shares within one AS_PATH",
     {.multipath = true},
     3,
     {{.path = "1 5", .peer = {.type = PEER_IBGP}, .path_id = 1},
      {.path = "1 6", .peer = {.type = PEER_IBGP}, .path_id = 2},
      {.path = "1 5", .peer = {.type = PEER_IBGP}, .path_id = 3}},
     "1.0 2.0 1.1",
     "none path_id/0 none"},
    {"multipath: routes of our own share",
     {.multipath = true},
     2,
     {{.peer = {.type = PEER_LOCAL}, .path_id = 1}, {.peer = {.type = PEER_LOCAL}}},
     "1.1 1.0",
     "none none"},
    {"a drained candidate is the last backup",
     {.multipath = true},
     3,
     {{.path = "1", .draining = true}, {.path = "1 2 3"}, {.path = "1 2", .attrs = {LOCAL_PREF(1)}}},
     "3.0 1.0 2.0",
     "draining/1 none local_pref/1"},
    {"all drained: ranked as if none were",
     {.multipath = true},
     2,
     {{.path = "1 2", .draining = true}, {.path = "1", .draining = true}},
     "2.0 1.0",
     "as_path/1 none"},
    {"a backup's reason is why it lost tier 1, not the tier above it",
     {.multipath = true},
     3,
     {{.path = "1"}, {.path = "1 2", .attrs = {.origin = ORIGIN_EGP}}, {.path = "1 2"}},
     "1.0 3.0 2.0",
     "none as_path/0 as_path/0"},
    {"London and New York: the shorter path wins, two servers share it",
     {.multipath = true},
     3,
     {{.path = "65002", .path_id = 1}, {.path = "65001 65010"}, {.path = "65002", .path_id = 2}},
     "1.0 2.0 1.1",
     "none as_path/0 none"},
    {"MED is no order of pairs: 0 beats 1 and 1 beats 2 by cost, 2 beats 0 by MED; so 1 wins (RFC 3345)",
     {.multipath = true},
     3,
     {{.path = "1 9", .attrs = {MED(20)}, .igp_cost = 1},
      {.path = "2 9", .attrs = {MED(0)}, .igp_cost = 2},
      {.path = "1 9", .attrs = {MED(10)}, .igp_cost = 3}},
     "3.0 1.0 2.0",
     "med/2 none igp_cost/1"},
    {"a MED loser names the best of its neighbour AS that beat it, not a best one of another AS",
     {.multipath = true},
     4,
     {{.path = "1 9", .attrs = {MED(20)}},
      {.path = "2 9"},
      {.path = "1 9", .attrs = {MED(10)}, .igp_cost = 4},
      {.path = "1 9", .attrs = {MED(10)}, .igp_cost = 3}},
     "4.0 1.0 3.0 2.0",
     "med/3 none igp_cost/1 igp_cost/1"},
    {"the lowest MED of each neighbour AS stays",
     {.multipath = true, .multipath_relax = true},
     4,
     {{.path = "1", .attrs = {MED(5)}, .path_id = 1},
      {.path = "2", .attrs = {MED(9)}, .path_id = 2},
      {.path = "1", .attrs = {MED(6)}},
      {.path = "2", .attrs = {MED(8)}}},
     "1.1 2.1 2.0 1.0",
     "none med/3 med/0 none"},
};

static void group_rank(const struct group *group, char *tiers, char *lost_at)
{
    struct best_options options = group->options;
    struct attrs attrs[SIDES_MAX];
    struct path_text texts[SIDES_MAX];
    struct contender contenders[SIDES_MAX];
    struct verdict verdicts[SIDES_MAX];
    uint32_t ranking[SIDES_MAX];

    options.own_as = OWN_AS;
    for (uint32_t i = 0; i < group->n; i++) {
        contender_set(&contenders[i], &group->sides[i], &attrs[i], &texts[i], i);
    }
    best_rank(contenders, group->n, &options, ranking, verdicts);
    for (uint32_t i = 0; i < group->n; i++) {
        const struct verdict *verdict = &verdicts[i];
        const char *space = i > 0 ? " " : "";

        tiers += sprintf(tiers, "%s%u.%u", space, verdict->tier, verdict->order);
        lost_at += sprintf(lost_at, "%s%s", space, best_step_name(verdict->lost_at));
        if (verdict->lost_at != STEP_NONE) {
            lost_at += sprintf(lost_at, "/%u", verdict->lost_to);
        }
    }
}

static void groups_fall_into_tiers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        char tiers[256] = "";
        char lost_at[256] = "";

        print_message("           %s\n", groups[i].rule);
        group_rank(&groups[i], tiers, lost_at);
        assert_string_equal(tiers, groups[i].tiers);
        assert_string_equal(lost_at, groups[i].lost_at);
    }
}

/* Not a test of ours but of the example: each pair of it alone goes round in a circle. */
static void the_med_example_is_a_circle_of_pairs(void **state)
{
    static const uint32_t pairs[][2] = {{0, 1}, {1, 2}, {2, 0}};
    const struct group *example = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        example = strstr(groups[i].rule, "RFC 3345") != NULL ? &groups[i] : example;
    }
    assert_non_null(example);
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct group pair = {"", {.multipath = true}, 2, {example->sides[pairs[i][0]], example->sides[pairs[i][1]]}, "",
                             ""};
        char tiers[64];
        char lost_at[64];

        group_rank(&pair, tiers, lost_at);
        assert_string_equal(tiers, "1.0 2.0");
    }
}

/* Programs outside read these (lost_at in the API). */
static void steps_have_the_names_of_the_api(void **state)
{
    static const char *const names[STEPS] = {
        "none", "draining", "stale",    "weight",    "local_pref",   "local",        "as_path", "origin",
        "med",  "ebgp",     "igp_cost", "router_id", "cluster_list", "peer_address", "path_id", "key",
    };

    (void)state;
    for (enum best_step step = STEP_NONE; step < STEPS; step++) {
        assert_string_equal(best_step_name(step), names[step]);
    }
}

static void a_long_name_is_cut(void **state)
{
    const struct best_peer peer = {.router_id = 1};
    const struct attrs attrs = {.med = 0};
    const struct contender c = {.attrs = &attrs, .peer = &peer};
    const struct best_options options = {.own_as = OWN_AS};
    char name[400];
    char detail[BEST_DETAIL_STRLEN + 1];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    detail[BEST_DETAIL_STRLEN] = '#';
    best_detail(STEP_AS_PATH, &c, &c, &options, name, detail);
    assert_int_equal(strlen(detail), BEST_DETAIL_STRLEN - 1);
    assert_int_equal(detail[BEST_DETAIL_STRLEN], '#');
}

/* What FRR or the kernel has chosen is not chosen among again. */
static void next_hops_of_another_routers_choice_share_whatever_they_cost(void **state)
{
    static const struct best_peer frr = {.external = true};
    static const struct attrs attrs;
    static const struct attrs other = {MED(7)};
    const struct best_options options = {.multipath = false};
    struct contender contenders[] = {
        {.attrs = &attrs, .peer = &frr, .key = 1, .igp_cost = 1},
        {.attrs = &attrs, .peer = &frr, .key = 1, .path_id = 1},
        {.attrs = &attrs, .peer = &frr, .key = 2, .path_id = 2}, /* a second zebra's */
        {.attrs = &other, .peer = &frr, .key = 1, .path_id = 3}, /* a route of a higher metric */
    };
    struct verdict verdicts[4];
    uint32_t ranking[4];

    (void)state;
    assert_int_equal(best_rank(contenders, 4, &options, ranking, verdicts), 4);
    assert_int_equal(verdicts[0].tier, 1);
    assert_int_equal(verdicts[1].tier, 1);
    assert_int_equal(verdicts[2].tier, 2);
    assert_int_equal(verdicts[3].tier, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_decides_in_either_order),
        cmocka_unit_test(an_earlier_step_overrides_all_later_ones),
        cmocka_unit_test(groups_fall_into_tiers),
        cmocka_unit_test(the_med_example_is_a_circle_of_pairs),
        cmocka_unit_test(steps_have_the_names_of_the_api),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(next_hops_of_another_routers_choice_share_whatever_they_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
