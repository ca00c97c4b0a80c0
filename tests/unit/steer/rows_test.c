/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "members.h"
#include "rows.h"
#include "unit.h"
#include <math.h>
#include <string.h>

static row_t rows[ROWS_SHARED];
static row_t others[ROWS_SHARED];

static void build(const struct path_list_spec *spec, row_t *out)
{
    assert_int_equal(rows_count(spec), ROWS_SHARED);
    rows_build(spec, out, ROWS_SHARED);
}

/* How many rows have the adjacency in this place. */
static unsigned int count_rows(const row_t *in, unsigned int place, uint16_t adjacency)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < ROWS_SHARED; i++) {
        n += row_place(in[i], place) == adjacency;
    }
    return n;
}

/* Five standard deviations of drawing `trials` times with that probability. */
static double tolerance(double trials, double probability)
{
    return 5 * sqrt(trials * probability * (1 - probability));
}

static void the_order_in_which_members_are_listed_does_not_matter(void **state)
{
    struct members members;
    const struct path_list_spec *spec = members_of_weights(&members, (const uint16_t[]){100, 50, 100, 200, 1, 0});

    (void)state;
    build(spec, rows);
    for (unsigned int i = 0; i < 2; i++) {
        struct path swapped = members.paths[i];

        members.paths[i] = members.paths[4 - i];
        members.paths[4 - i] = swapped;
    }
    build(spec, others);
    assert_memory_equal(rows, others, sizeof(rows));
}

/* What is left of a row without one member, places moved up. */
static row_t row_without(row_t row, uint16_t adjacency)
{
    row_t out = 0;
    unsigned int place = 0;

    for (unsigned int i = 0; i < ROW_PLACES; i++) {
        if (row_place(row, i) != adjacency) {
            out |= (row_t)row_place(row, i) << (16 * place++);
        }
    }
    return out;
}

static void removing_a_member_moves_no_row_of_a_survivor(void **state)
{
    static const uint16_t weights[] = {100, 50, 100, 200, 1, 30000, 0};

    (void)state;
    for (unsigned int gone = 0; gone < 6; gone++) {
        struct members members;
        const struct path_list_spec *spec = members_of_weights(&members, weights);

        build(spec, rows);
        memmove(&members.paths[gone], &members.paths[gone + 1], (5 - gone) * sizeof(struct path));
        members.tiers[0]--;
        build(spec, others);
        for (unsigned int i = 0; i < ROWS_SHARED; i++) {
            row_t kept = row_without(rows[i], (uint16_t)(gone + 1));
            unsigned int places = kept == rows[i] ? 4 : 3; /* a fourth moves up from beyond the row */
            row_t mask = places == 4 ? UINT64_MAX : UINT64_C(0xffffffffffff);

            assert_int_equal(others[i] & mask, kept & mask);
        }
    }
}

static void adding_a_member_takes_only_its_share(void **state)
{
    static const struct {
        uint16_t weight; /* of the new one beside four of 100 */
        double share;
    } cases[] = {{100, 0.2}, {50, 1.0 / 9}, {400, 0.5}, {1, 1.0 / 401}};

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct members members;
        const struct path_list_spec *spec = members_of_weights(&members, (const uint16_t[]){100, 100, 100, 100, 0});
        unsigned int moved = 0;

        build(spec, rows);
        members.paths[4] = member(4, cases[c].weight);
        members.tiers[0]++;
        build(spec, others);
        for (unsigned int i = 0; i < ROWS_SHARED; i++) {
            if (row_place(rows[i], 0) != row_place(others[i], 0)) {
                assert_int_equal(row_place(others[i], 0), 5);
                moved++;
            }
        }
        assert_true(fabs(moved - cases[c].share * ROWS_SHARED) < tolerance(ROWS_SHARED, cases[c].share));
    }
}

static void shares_follow_the_weights(void **state)
{
    static const uint16_t cases[][MEMBERS_MAX] = {
        {1, 1},
        {100, 300},
        {1, 2, 3, 4, 5},
        {1, 65535},
        {65535, 65535, 65535},
        {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
        {10, 1000, 10, 1000, 7},
    };

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct members members;
        const struct path_list_spec *spec = members_of_weights(&members, cases[c]);
        double sum = 0;

        for (unsigned int i = 0; i < members.tiers[0]; i++) {
            sum += cases[c][i];
        }
        build(spec, rows);
        for (unsigned int i = 0; i < members.tiers[0]; i++) {
            double share = cases[c][i] / sum;
            double got = count_rows(rows, 0, (uint16_t)(i + 1));

            assert_true(fabs(got - share * ROWS_SHARED) <= tolerance(ROWS_SHARED, share) + 1);
        }
    }
}

#define ROWS_MOST 65536
#define EQUALS    64

/* The largest number of rows that one of n equal members is the first of, over the mean. */
static double largest_over_mean(unsigned int set, unsigned int n, row_t *into, uint32_t count)
{
    struct path paths[EQUALS];
    uint16_t tier = (uint16_t)n;
    struct path_list_spec spec = {paths, &tier, 1, HASH_PORTS, false};
    unsigned int of[EQUALS + 1] = {0};
    unsigned int largest = 0;

    for (unsigned int i = 0; i < n; i++) {
        paths[i] = member(set * EQUALS + i, 100);
        paths[i].adjacency = (uint16_t)(i + 1);
    }
    rows_build(&spec, into, count);
    for (uint32_t i = 0; i < count; i++) {
        unsigned int rows_of = ++of[row_place(into[i], 0)];

        largest = rows_of > largest ? rows_of : largest;
    }
    return (double)largest * n / count;
}

static void equal_members_have_nearly_equal_shares(void **state)
{
    row_t *most = test_malloc(ROWS_MOST * sizeof(*most));

    (void)state;
    for (unsigned int set = 0; set < 4; set++) {
        double eight = largest_over_mean(set, 8, most, ROWS_MOST);

        assert_true(eight <= 1.04);
        eight = largest_over_mean(set, 8, rows, ROWS_SHARED);
        assert_true((eight - 1) / 8 < 0.01); /* a percentage point of all rows */
        if (set == 0) {
            assert_true(largest_over_mean(set, EQUALS, most, ROWS_MOST) <= 1.15);
            assert_true((largest_over_mean(set, EQUALS, rows, ROWS_SHARED) - 1) / EQUALS < 0.01);
        }
    }
    test_free(most);
}

static void the_rows_of_a_dead_member_spread_by_weight_over_the_others(void **state)
{
    static const uint16_t weights[] = {100, 100, 200, 400, 0};
    struct members members;
    unsigned int second[5] = {0};
    unsigned int n;

    (void)state;
    build(members_of_weights(&members, weights), rows);
    n = count_rows(rows, 0, 1);
    for (unsigned int i = 0; i < ROWS_SHARED; i++) {
        if (row_place(rows[i], 0) == 1) {
            second[row_place(rows[i], 1)]++;
        }
    }
    for (unsigned int i = 1; i < 4; i++) {
        double share = weights[i] / 700.0;

        assert_true(fabs(second[i + 1] - share * n) < tolerance(n, share));
    }
}

static void places_come_from_the_tiers_in_order_and_the_fourth_from_the_next(void **state)
{
    static const struct {
        uint16_t tiers[8];
        const char *places; /* the tier of each place */
    } cases[] = {
        {{1}, "0---"},       {{2}, "00--"},          {{3}, "000-"},       {{4}, "0000"},    {{9}, "0000"},
        {{1, 1}, "01--"},    {{1, 1, 1, 1}, "0123"}, {{2, 1}, "001-"},    {{3, 1}, "0001"}, {{4, 1}, "0001"},
        {{5, 2}, "0001"},    {{2, 2}, "0011"},       {{2, 5}, "0011"},    {{1, 4}, "0111"}, {{2, 5, 1}, "0012"},
        {{1, 4, 1}, "0112"}, {{1, 1, 3, 1}, "0123"}, {{3, 3, 3}, "0001"}, {{1, 2}, "011-"}, {{1, 1, 1, 1, 1}, "0123"},
    };

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct members members;
        const struct path_list_spec *spec = members_of_tiers(&members, cases[c].tiers);
        uint32_t n = rows_count(spec);

        rows_build(spec, rows, n);
        for (uint32_t i = 0; i < n; i++) {
            char places[ROW_PLACES + 1] = "----";

            for (unsigned int p = 0; p < ROW_PLACES; p++) {
                unsigned int tier = 0;
                unsigned int end = members.tiers[0];

                if (row_place(rows[i], p) == ADJACENCY_NONE) {
                    continue;
                }
                while (row_place(rows[i], p) > end) {
                    end += members.tiers[++tier];
                }
                places[p] = (char)('0' + tier);
            }
            assert_string_equal(places, cases[c].places);
        }
    }
}

static void no_member_is_twice_in_a_row(void **state)
{
    struct members members;

    (void)state;
    build(members_of_tiers(&members, (const uint16_t[]){2, 3, 4, 0}), rows);
    for (unsigned int i = 0; i < ROWS_SHARED; i++) {
        for (unsigned int p = 1; p < ROW_PLACES; p++) {
            for (unsigned int q = 0; q < p; q++) {
                assert_int_not_equal(row_place(rows[i], p), row_place(rows[i], q));
            }
        }
    }
}

/* A flow's row is its hash modulo the number of rows, so that number may depend on nothing but whether there is a
 * choice. */
static void there_is_one_row_where_there_is_no_choice(void **state)
{
    static const struct {
        uint16_t tiers[8];
        uint32_t rows;
    } cases[] = {
        {{1}, 1},
        {{1, 1, 1}, 1},
        {{2}, ROWS_SHARED},
        {{1, 2}, ROWS_SHARED},
        {{1, 1, 1, 1, 2}, ROWS_SHARED},
        {{13}, ROWS_SHARED},
    };

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct members members;

        assert_int_equal(rows_count(members_of_tiers(&members, cases[c].tiers)), cases[c].rows);
    }
}

static void a_list_without_members_has_one_empty_row(void **state)
{
    struct path_list_spec spec = {.tier_count = 0};

    (void)state;
    rows[0] = UINT64_MAX;
    assert_int_equal(rows_count(&spec), 1);
    rows_build(&spec, rows, 1);
    assert_int_equal(rows[0], 0);
}

/* Two versions of anyfwd at one site must agree: a change of this value moves flows. */
static void rows_are_pinned(void **state)
{
    struct members members;
    const struct path_list_spec *spec = members_of_tiers(&members, (const uint16_t[]){5, 2, 0});
    uint64_t hash = 0;

    (void)state;
    members.paths[1].weight = 1;
    members.paths[2].weight = 37;
    members.paths[3].weight = 65535;
    members.paths[6].weight = 250;
    build(spec, rows);
    for (unsigned int i = 0; i < ROWS_SHARED; i++) {
        hash = hash_mix64(hash ^ rows[i]);
    }
    assert_int_equal(hash, 0x3415b2e542ae27a3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_in_which_members_are_listed_does_not_matter),
        cmocka_unit_test(removing_a_member_moves_no_row_of_a_survivor),
        cmocka_unit_test(adding_a_member_takes_only_its_share),
        cmocka_unit_test(shares_follow_the_weights),
        cmocka_unit_test(the_rows_of_a_dead_member_spread_by_weight_over_the_others),
        cmocka_unit_test(equal_members_have_nearly_equal_shares),
        cmocka_unit_test(places_come_from_the_tiers_in_order_and_the_fourth_from_the_next),
        cmocka_unit_test(no_member_is_twice_in_a_row),
        cmocka_unit_test(there_is_one_row_where_there_is_no_choice),
        cmocka_unit_test(a_list_without_members_has_one_empty_row),
        cmocka_unit_test(rows_are_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
