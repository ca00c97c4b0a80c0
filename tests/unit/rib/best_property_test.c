/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What holds for any set of candidates, on random sets in which ties abound. A candidate is drawn as the plain numbers
 * that the steps compare; one translation makes a contender of them, and the oracle below works on the numbers alone.
 */
#include "attributes.h"
#include "best.h"
#include "hash.h"
#include "unit.h"
#include <string.h>

#define N_MAX           300
#define OWN_AS          65000
#define SEED            20240601
#define ROUNDS          4000
#define PATH_MAX_LENGTH 4

/* cost[step]: the lowest wins. */
struct drawn {
    uint64_t cost[STEPS];
    uint32_t neighbour;
    uint32_t tail; /* of the path, behind the neighbour */
    bool eligible;
};

struct world {
    struct best_options options;
    uint32_t n;
    struct drawn drawn[N_MAX];
    /* made of them */
    struct as_segment segments[N_MAX];
    uint32_t asns[N_MAX][PATH_MAX_LENGTH];
    struct attrs attrs[N_MAX];
    struct best_peer peers[N_MAX];
    struct contender contenders[N_MAX];
    /* what the decision says */
    uint32_t ranking[N_MAX];
    struct verdict verdicts[N_MAX];
};

static uint64_t random_counter = SEED;

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(hash_mix64(random_counter++ * 0x9e3779b97f4a7c15ULL) >> 33) % n;
}

/* Mostly equal, so that late steps get their turn. */
static uint32_t random_cost(void)
{
    return random_below(4) == 0 ? random_below(3) : 0;
}

static void draw(struct drawn *drawn, uint32_t key)
{
    for (enum best_step step = STEP_DRAINING; step < STEP_KEY; step++) {
        drawn->cost[step] = random_cost();
    }
    drawn->cost[STEP_DRAINING] = random_below(8) == 0;
    drawn->cost[STEP_STALE] = random_below(8) == 0;
    drawn->cost[STEP_LOCAL] = random_below(8) != 0;
    drawn->cost[STEP_EBGP] = drawn->cost[STEP_LOCAL] == 0 ? 0 : random_below(2);
    drawn->cost[STEP_MED] = random_below(3);
    drawn->cost[STEP_KEY] = key;
    drawn->neighbour = 1 + random_below(3);
    drawn->tail = 100 + random_below(2);
    drawn->eligible = random_below(10) != 0;
}

static const uint32_t clusters[3] = {1, 2, 3};

static void contender_make(struct world *world, uint32_t i)
{
    const uint64_t *cost = world->drawn[i].cost;
    uint32_t length = 1 + (uint32_t)cost[STEP_AS_PATH];

    for (uint32_t k = 0; k < length; k++) {
        world->asns[i][k] = k == 0 ? world->drawn[i].neighbour : world->drawn[i].tail;
    }
    world->segments[i] = (struct as_segment){AS_SEQUENCE, length};
    world->attrs[i] = (struct attrs){.as_path = {&world->segments[i], world->asns[i], 1},
                                     .weight = 9 - (uint32_t)cost[STEP_WEIGHT],
                                     .has_local_pref = true,
                                     .local_pref = 9 - (uint32_t)cost[STEP_LOCAL_PREF],
                                     .origin = (uint8_t)cost[STEP_ORIGIN],
                                     .has_med = true,
                                     .med = (uint32_t)cost[STEP_MED],
                                     .cluster_list = clusters,
                                     .n_cluster_list = (uint32_t)cost[STEP_CLUSTER_LIST]};
    world->peers[i] = (struct best_peer){.address = ip_addr_v4((uint32_t)cost[STEP_PEER_ADDRESS]),
                                         .as = 77,
                                         .router_id = (uint32_t)cost[STEP_ROUTER_ID],
                                         .type = cost[STEP_LOCAL] == 0  ? PEER_LOCAL
                                                 : cost[STEP_EBGP] == 0 ? PEER_EBGP
                                                                        : PEER_IBGP};
    world->contenders[i] = (struct contender){.attrs = &world->attrs[i],
                                              .peer = &world->peers[i],
                                              .why_not = world->drawn[i].eligible ? NULL : "as_loop",
                                              .key = cost[STEP_KEY],
                                              .path_id = (uint32_t)cost[STEP_PATH_ID],
                                              .igp_cost = (uint32_t)cost[STEP_IGP_COST],
                                              .draining = cost[STEP_DRAINING] != 0,
                                              .long_lived_stale = cost[STEP_STALE] != 0};
}

static uint32_t world_rank(struct world *world)
{
    for (uint32_t i = 0; i < world->n; i++) {
        contender_make(world, i);
    }
    return best_rank(world->contenders, world->n, &world->options, world->ranking, world->verdicts);
}

static void world_draw(struct world *world)
{
    world->options = (struct best_options){.own_as = OWN_AS,
                                           .multipath = random_below(2),
                                           .multipath_relax = random_below(2),
                                           .always_compare_med = random_below(4) == 0,
                                           .missing_med_worst = random_below(2)};
    world->n = random_below(50) == 0 ? random_below(N_MAX) : random_below(9);
    for (uint32_t i = 0; i < world->n; i++) {
        draw(&world->drawn[i], i);
    }
}

/* The candidate that was drawn with this key. */
static uint32_t index_of_key(const struct world *world, uint64_t key)
{
    uint32_t i = 0;

    while (world->drawn[i].cost[STEP_KEY] != key) {
        i++;
        assert_in_range(i, 0, world->n - 1);
    }
    return i;
}

/* The oracle: the definition, word by word. in[i] says who is still there; returns the winner or -1. tied[i]: who was
 * still there after the last step whose equals share. */
static int oracle_winner(const struct world *world, bool *in, bool *tied)
{
    bool next[N_MAX];
    int winner = -1;

    for (enum best_step step = STEP_DRAINING; step < STEPS; step++) {
        for (uint32_t i = 0; i < world->n; i++) {
            next[i] = in[i];
            for (uint32_t k = 0; k < world->n; k++) {
                bool compare = step != STEP_MED || world->options.always_compare_med ||
                               world->drawn[i].neighbour == world->drawn[k].neighbour;

                if (in[k] && compare && world->drawn[k].cost[step] < world->drawn[i].cost[step]) {
                    next[i] = false;
                }
            }
        }
        memcpy(in, next, sizeof(next));
        if (step == STEP_IGP_COST) {
            memcpy(tied, in, sizeof(next));
        }
    }
    for (uint32_t i = 0; i < world->n; i++) {
        winner = in[i] ? (int)i : winner;
    }
    return winner;
}

static bool oracle_shares(const struct world *world, uint32_t a, uint32_t b)
{
    const struct drawn *x = &world->drawn[a];
    const struct drawn *y = &world->drawn[b];
    bool same_path = x->neighbour == y->neighbour && (x->cost[STEP_AS_PATH] == 0 || x->tail == y->tail);

    if (a == b || !world->options.multipath || world->options.multipath_relax) {
        return a == b || world->options.multipath;
    }
    return x->cost[STEP_EBGP] == 0 ? x->neighbour == y->neighbour : same_path;
}

static void check_against_oracle(const struct world *world)
{
    bool left[N_MAX] = {false};

    for (uint32_t i = 0; i < world->n; i++) {
        left[i] = world->drawn[i].eligible;
        assert_true(left[i] || world->verdicts[i].tier == 0);
    }
    for (uint32_t tier = 1;; tier++) {
        bool in[N_MAX];
        bool tied[N_MAX];
        int winner;

        memcpy(in, left, sizeof(in));
        winner = oracle_winner(world, in, tied);
        if (winner < 0) {
            return;
        }
        assert_int_equal(world->verdicts[winner].order, 0);
        for (uint32_t i = 0; i < world->n; i++) {
            bool member = left[i] && tied[i] && oracle_shares(world, (uint32_t)winner, i);

            assert_int_equal(world->verdicts[i].tier == tier, member);
            left[i] = left[i] && !member;
        }
    }
}

static struct world world;
static struct world other;

static void the_ranking_is_what_the_definition_says(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        world_draw(&world);
        world.n = world.n > 40 ? 40 : world.n; /* the oracle takes n^3 */
        world_rank(&world);
        check_against_oracle(&world);
    }
}

static void the_ranking_lists_each_once_by_tier_and_order(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        bool seen[N_MAX] = {false};
        uint32_t tier = 0;
        uint32_t order = 0;
        uint32_t eligible;

        world_draw(&world);
        eligible = world_rank(&world);
        for (uint32_t k = 0; k < world.n; k++) {
            uint32_t i = world.ranking[k];

            assert_false(seen[i]);
            seen[i] = true;
            assert_int_equal(world.drawn[i].eligible, k < eligible);
            if (k < eligible) {
                order = world.verdicts[i].tier == tier ? order + 1 : 0;
                tier += order == 0;
                assert_int_equal(world.verdicts[i].tier, tier);
                assert_int_equal(world.verdicts[i].order, order);
                assert_int_equal(world.verdicts[i].lost_at == STEP_NONE, tier == 1);
            }
        }
    }
}

/* The cost that lost is higher than the cost that won, and there was nothing to choose before. */
static void a_reason_is_true(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        world_draw(&world);
        world_rank(&world);
        for (uint32_t i = 0; i < world.n; i++) {
            const struct verdict *verdict = &world.verdicts[i];
            const uint64_t *lost = world.drawn[i].cost;
            const uint64_t *won = world.drawn[verdict->lost_to].cost;

            if (verdict->lost_at == STEP_NONE) {
                continue;
            }
            assert_true(won[verdict->lost_at] < lost[verdict->lost_at]);
            for (enum best_step step = STEP_DRAINING; step < verdict->lost_at; step++) {
                assert_true(step == STEP_MED || won[step] == lost[step]);
            }
        }
    }
}

static void shuffle(struct world *w)
{
    for (uint32_t i = w->n; i > 1; i--) {
        uint32_t k = random_below(i);
        struct drawn kept = w->drawn[i - 1];

        w->drawn[i - 1] = w->drawn[k];
        w->drawn[k] = kept;
    }
}

static void any_order_of_the_same_candidates_gives_the_same_verdicts(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        world_draw(&world);
        world_rank(&world);
        other = world;
        shuffle(&other);
        world_rank(&other);
        for (uint32_t i = 0; i < world.n; i++) {
            const struct verdict *a = &world.verdicts[i];
            const struct verdict *b = &other.verdicts[index_of_key(&other, world.drawn[i].cost[STEP_KEY])];

            assert_int_equal(a->tier, b->tier);
            assert_int_equal(a->order, b->order);
            assert_int_equal(a->lost_at, b->lost_at);
            if (a->lost_at != STEP_NONE) {
                assert_int_equal(world.drawn[a->lost_to].cost[STEP_KEY], other.drawn[b->lost_to].cost[STEP_KEY]);
            }
        }
    }
}

static void without_tier_1_each_tier_moves_up_by_one(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        world_draw(&world);
        world_rank(&world);
        other = world;
        other.n = 0;
        for (uint32_t i = 0; i < world.n; i++) {
            if (world.verdicts[i].tier != 1) {
                other.drawn[other.n++] = world.drawn[i];
            }
        }
        world_rank(&other);
        for (uint32_t i = 0; i < other.n; i++) {
            const struct verdict *before = &world.verdicts[index_of_key(&world, other.drawn[i].cost[STEP_KEY])];

            assert_int_equal(other.verdicts[i].tier, before->tier == 0 ? 0 : before->tier - 1);
            assert_int_equal(other.verdicts[i].order, before->order);
        }
    }
}

/* The anomaly that MEDs bring needs a shared neighbour AS: somebody who loses may drop others on the way. */
static void a_loser_of_a_neighbour_as_of_its_own_changes_no_winner(void **state)
{
    uint32_t losers = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t before;

        world_draw(&world);
        if (world.n == N_MAX || world_rank(&world) == 0) {
            continue;
        }
        before = world.ranking[0];
        draw(&world.drawn[world.n], world.n);
        world.drawn[world.n++].neighbour = 9;
        world_rank(&world);
        if (world.ranking[0] != world.n - 1) {
            assert_int_equal(world.ranking[0], before);
            losers++;
        }
    }
    assert_true(losers > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ranking_is_what_the_definition_says),
        cmocka_unit_test(the_ranking_lists_each_once_by_tier_and_order),
        cmocka_unit_test(a_reason_is_true),
        cmocka_unit_test(any_order_of_the_same_candidates_gives_the_same_verdicts),
        cmocka_unit_test(without_tier_1_each_tier_moves_up_by_one),
        cmocka_unit_test(a_loser_of_a_neighbour_as_of_its_own_changes_no_winner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
