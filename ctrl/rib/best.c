/* SPDX-License-Identifier: BSD-3-Clause */
#include "best.h"
#include <stdio.h>

/* The last step whose equals may share the traffic. */
#define STEP_LAST_SHARED STEP_IGP_COST

struct decision {
    const struct contender *contenders;
    const struct best_options *options;
    struct verdict *verdicts;
};

enum format { NUMBER, WORD, ID, ADDRESS };

static const struct step {
    const char *name;
    bool highest_wins;
    enum format format;
    const char *words[3]; /* WORD: what the values are called */
} steps[STEPS] = {
    [STEP_NONE] = {"none", false, NUMBER, {NULL}},
    [STEP_DRAINING] = {"draining", false, WORD, {"no", "yes"}},
    [STEP_STALE] = {"stale", false, WORD, {"no", "long-lived"}},
    [STEP_WEIGHT] = {"weight", true, NUMBER, {NULL}},
    [STEP_LOCAL_PREF] = {"local_pref", true, NUMBER, {NULL}},
    [STEP_LOCAL] = {"local", true, WORD, {"no", "yes"}},
    [STEP_AS_PATH] = {"as_path", false, NUMBER, {NULL}},
    [STEP_ORIGIN] = {"origin", false, WORD, {"igp", "egp", "incomplete"}},
    [STEP_MED] = {"med", false, NUMBER, {NULL}},
    [STEP_EBGP] = {"ebgp", true, WORD, {"no", "yes"}},
    [STEP_IGP_COST] = {"igp_cost", false, NUMBER, {NULL}},
    [STEP_ROUTER_ID] = {"router_id", false, ID, {NULL}},
    [STEP_CLUSTER_LIST] = {"cluster_list", false, NUMBER, {NULL}},
    [STEP_PEER_ADDRESS] = {"peer_address", false, ADDRESS, {NULL}},
    [STEP_PATH_ID] = {"path_id", false, NUMBER, {NULL}},
    [STEP_KEY] = {"key", false, NUMBER, {NULL}},
};

const char *best_step_name(enum best_step step)
{
    return steps[step].name;
}

/* As a number that sorts: IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), below every global IPv6 address. */
static unsigned __int128 address_value(const struct ip_addr *addr)
{
    unsigned __int128 value = 0;

    if (addr->family == FAMILY_V4) {
        return (unsigned __int128)0xffff << 32 | ip_addr_to_u32(addr);
    }
    for (unsigned int i = 0; i < sizeof(addr->bytes); i++) {
        value = value << 8 | addr->bytes[i];
    }
    return value;
}

static uint32_t med_value(const struct attrs *attrs, const struct best_options *options)
{
    if (attrs->has_med) {
        return attrs->med;
    }
    return options->missing_med_worst ? UINT32_MAX : 0;
}

/* What a contender brings to a step, as a person would say it. */
static unsigned __int128 step_value(enum best_step step, const struct contender *c, const struct best_options *options)
{
    switch (step) {
    case STEP_DRAINING:
        return c->draining;
    case STEP_STALE:
        return c->long_lived_stale || attrs_has_community(c->attrs, COMMUNITY_LLGR_STALE);
    case STEP_WEIGHT:
        return c->attrs->weight;
    case STEP_LOCAL_PREF:
        return attrs_local_pref(c->attrs);
    case STEP_LOCAL:
        return c->peer->type == PEER_LOCAL;
    case STEP_AS_PATH:
        return as_path_length(&c->attrs->as_path);
    case STEP_ORIGIN:
        return c->attrs->origin;
    case STEP_MED:
        return med_value(c->attrs, options);
    case STEP_EBGP:
        return c->peer->type != PEER_IBGP;
    case STEP_IGP_COST:
        return c->peer->external ? 0 : c->igp_cost;
    case STEP_ROUTER_ID:
        return c->attrs->has_originator_id ? c->attrs->originator_id : c->peer->router_id;
    case STEP_CLUSTER_LIST:
        return c->attrs->n_cluster_list;
    case STEP_PEER_ADDRESS:
        return address_value(&c->peer->address);
    case STEP_PATH_ID:
        return c->path_id;
    case STEP_KEY:
        return c->key;
    case STEP_NONE:
    case STEPS:
        break;
    }
    return 0;
}

/* The same, so that the lowest wins. */
static unsigned __int128 step_cost(const struct decision *d, enum best_step step, uint32_t i)
{
    unsigned __int128 value = step_value(step, &d->contenders[i], d->options);

    return steps[step].highest_wins ? ~value : value;
}

/* A path that does not tell its neighbour AS came from the peer's; over iBGP, from inside our own (RFC 4271 9.1.2.2 c,
 * also for an aggregate that begins with an AS_SET). */
static uint32_t neighbour_as(const struct decision *d, uint32_t i)
{
    const struct contender *c = &d->contenders[i];

    return as_path_neighbour_as(&c->attrs->as_path, c->peer->type == PEER_EBGP ? c->peer->as : d->options->own_as);
}

static bool comparable(const struct decision *d, enum best_step step, uint32_t a, uint32_t b)
{
    return step != STEP_MED || d->options->always_compare_med || neighbour_as(d, a) == neighbour_as(d, b);
}

/* The lowest cost in the set among those that compare with contender i. */
static unsigned __int128 lowest_cost(const struct decision *d, enum best_step step, const uint32_t *set, uint32_t n,
                                     uint32_t i)
{
    unsigned __int128 lowest = step_cost(d, step, i);

    for (uint32_t k = 0; k < n; k++) {
        unsigned __int128 cost = step_cost(d, step, set[k]);

        if (cost < lowest && comparable(d, step, i, set[k])) {
            lowest = cost;
        }
    }
    return lowest;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;

    *a = *b;
    *b = kept;
}

/* One step: moves those that survive to the front of the set and returns how many they are. Each is judged against all
 * n, also those dropped a moment ago; that changes nothing, since what beat them is still there and beats more. */
static uint32_t step_eliminate(const struct decision *d, enum best_step step, uint32_t *set, uint32_t n)
{
    unsigned __int128 lowest = lowest_cost(d, step, set, n, set[0]);
    uint32_t kept = 0;

    for (uint32_t k = 0; k < n; k++) {
        struct verdict *verdict = &d->verdicts[set[k]];

        if (step == STEP_MED) {
            lowest = lowest_cost(d, step, set, n, set[k]);
        }
        if (step_cost(d, step, set[k]) == lowest) {
            swap(&set[kept++], &set[k]);
        } else if (verdict->lost_at == STEP_NONE) {
            verdict->lost_at = step; /* the first loss is the one of tier 1 */
        }
    }
    return kept;
}

static uint32_t steps_eliminate(const struct decision *d, enum best_step first, enum best_step last, uint32_t *set,
                                uint32_t n)
{
    for (enum best_step step = first; step <= last && n > 1; step++) {
        n = step_eliminate(d, step, set, n);
    }
    return n;
}

/* May i, which ties with the winner down to the cost of the next hop, share the traffic with it? */
static bool may_share(const struct decision *d, uint32_t winner, uint32_t i)
{
    const struct contender *a = &d->contenders[winner];
    const struct contender *b = &d->contenders[i];

    if (a->key == b->key && a->peer->external) {
        return true;
    }
    if (!d->options->multipath || d->options->multipath_relax) {
        return d->options->multipath;
    }
    if (a->peer->type == PEER_IBGP) {
        return as_path_equal(&a->attrs->as_path, &b->attrs->as_path);
    }
    return neighbour_as(d, winner) == neighbour_as(d, i);
}

/* Nothing in the tie-break is bound to a neighbour AS, so here pairs do make an order. */
static bool wins_tie(const struct decision *d, uint32_t a, uint32_t b)
{
    for (enum best_step step = STEP_LAST_SHARED + 1; step < STEPS; step++) {
        unsigned __int128 left = step_cost(d, step, a);
        unsigned __int128 right = step_cost(d, step, b);

        if (left != right) {
            return left < right;
        }
    }
    return false;
}

static void sort_by_tie_break(const struct decision *d, uint32_t *set, uint32_t n)
{
    for (uint32_t k = 1; k < n; k++) {
        for (uint32_t j = k; j > 0 && wins_tie(d, set[j], set[j - 1]); j--) {
            swap(&set[j], &set[j - 1]);
        }
    }
}

/* Brings the best tier of the set to its front, in order, and returns its size. */
static uint32_t tier_select(const struct decision *d, uint32_t *set, uint32_t n)
{
    uint32_t tied = steps_eliminate(d, STEP_NONE + 1, STEP_LAST_SHARED, set, n);
    uint32_t size = 1;

    steps_eliminate(d, STEP_LAST_SHARED + 1, STEPS - 1, set, tied);
    for (uint32_t k = 1; k < tied; k++) {
        if (may_share(d, set[0], set[k])) {
            swap(&set[size++], &set[k]);
        }
    }
    sort_by_tie_break(d, set, size);
    return size;
}

/* The best one beats everybody, unless a MED decided for which it does not count: then, the best of those for which it
 * does and that were still there. */
static uint32_t find_winner_over(const struct decision *d, uint32_t loser, const uint32_t *ranking, uint32_t n)
{
    enum best_step lost_at = d->verdicts[loser].lost_at;

    for (uint32_t k = 0; k < n; k++) {
        enum best_step fell_at = d->verdicts[ranking[k]].lost_at;

        if ((fell_at == STEP_NONE || fell_at > lost_at) && comparable(d, lost_at, loser, ranking[k])) {
            return ranking[k];
        }
    }
    return loser; /* not reached: something beat it */
}

/* Fills the ranking with those eligible, then with those not, and clears the verdicts. Returns how many are eligible.
 */
static uint32_t part_eligible(const struct decision *d, uint32_t n, uint32_t *ranking)
{
    uint32_t eligible = 0;
    uint32_t at;

    for (uint32_t i = 0; i < n; i++) {
        d->verdicts[i] = (struct verdict){.tier = 0};
        if (d->contenders[i].why_not == NULL) {
            ranking[eligible++] = i;
        }
    }
    at = eligible;
    for (uint32_t i = 0; i < n; i++) {
        if (d->contenders[i].why_not != NULL) {
            ranking[at++] = i;
        }
    }
    return eligible;
}

static void tier_record(const struct decision *d, uint32_t tier, const uint32_t *members, uint32_t n)
{
    for (uint32_t order = 0; order < n; order++) {
        struct verdict *verdict = &d->verdicts[members[order]];

        verdict->tier = tier;
        verdict->order = order;
        if (tier == 1) {
            verdict->lost_at = STEP_NONE; /* losing the tie-break is no loss for who shares */
        }
    }
}

uint32_t best_rank(const struct contender *contenders, uint32_t n, const struct best_options *options,
                   uint32_t *ranking, struct verdict *verdicts)
{
    const struct decision d = {contenders, options, verdicts};
    uint32_t eligible = part_eligible(&d, n, ranking);
    uint32_t ranked = 0;

    for (uint32_t tier = 1; ranked < eligible; tier++) {
        uint32_t size = tier_select(&d, ranking + ranked, eligible - ranked);

        tier_record(&d, tier, ranking + ranked, size);
        ranked += size;
    }
    for (uint32_t k = 0; k < eligible; k++) {
        if (verdicts[ranking[k]].lost_at != STEP_NONE) {
            verdicts[ranking[k]].lost_to = find_winner_over(&d, ranking[k], ranking, eligible);
        }
    }
    return eligible;
}

#define VALUE_STRLEN 48

static char *value_format(enum best_step step, const struct contender *c, const struct best_options *options, char *out)
{
    unsigned __int128 value = step_value(step, c, options);
    struct ip_addr id;

    switch (steps[step].format) {
    case WORD:
        snprintf(out, VALUE_STRLEN, "%s", steps[step].words[value]);
        break;
    case ID:
        id = ip_addr_v4((uint32_t)value);
        ip_addr_format(&id, out);
        break;
    case ADDRESS:
        ip_addr_format(&c->peer->address, out);
        break;
    case NUMBER:
        snprintf(out, VALUE_STRLEN, "%llu", (unsigned long long)value);
        break;
    }
    return out;
}

char *best_detail(enum best_step step, const struct contender *loser, const struct contender *winner,
                  const struct best_options *options, const char *who, char *out)
{
    char lost[VALUE_STRLEN];
    char won[VALUE_STRLEN];

    snprintf(out, BEST_DETAIL_STRLEN, "%s %s %c %s (%s)", steps[step].name, value_format(step, loser, options, lost),
             steps[step].highest_wins ? '<' : '>', value_format(step, winner, options, won), who);
    return out;
}
