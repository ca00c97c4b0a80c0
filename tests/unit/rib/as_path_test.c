/* SPDX-License-Identifier: BSD-3-Clause */
#include "as_path.h"
#include "attributes.h"
#include "path_text.h"
#include "unit.h"

#define OTHERWISE 7

static void length_and_neighbour_follow_the_segment_kinds(void **state)
{
    static const struct {
        const char *path;
        uint32_t length;
        uint32_t neighbour;
    } cases[] = {
        {"", 0, OTHERWISE},
        {"65001", 1, 65001},
        {"65001 65010", 2, 65001},
        {"65001 65001 65001", 3, 65001}, /* prepending counts */
        {"{1 2 3}", 1, OTHERWISE},
        {"65001 {1 2 3}", 2, 65001},
        {"{1 2} {3}", 2, OTHERWISE},
        {"{1 2} 65001", 2, OTHERWISE},
        {"(64512 64513)", 0, OTHERWISE},
        {"[64512 64513]", 0, OTHERWISE},
        {"(64512) 65001 65010", 2, 65001},
        {"(64512 64513) [64514] 65001", 1, 65001},
        {"(64512) {1 2}", 1, OTHERWISE},
        {"4200000000", 1, 4200000000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct path_text text;
        const struct as_path *path = path_read(cases[i].path, &text);

        assert_int_equal(as_path_length(path), cases[i].length);
        assert_int_equal(as_path_neighbour_as(path, OTHERWISE), cases[i].neighbour);
    }
}

static void own_as_is_a_loop_in_any_segment(void **state)
{
    static const struct {
        const char *path;
        bool loop;
    } cases[] = {
        {"", false},         {"65000", true},         {"65001 65010 65000", true}, {"65001 {1 65000}", true},
        {"(65000) 1", true}, {"[65000] 65001", true}, {"65001 65010", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct path_text text;

        assert_int_equal(as_path_contains(path_read(cases[i].path, &text), 65000), cases[i].loop);
    }
}

static void paths_are_equal_in_kinds_lengths_and_numbers(void **state)
{
    static const char *const paths[] = {
        "", "1", "2", "1 2", "2 1", "{1 2}", "1 {2}", "{1} 2", "(1 2)", "[1 2]", "1 2 3", "1 {2} {3}", "1 {2 3}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(paths); k++) {
            struct path_text a;
            struct path_text b;

            assert_int_equal(as_path_equal(path_read(paths[i], &a), path_read(paths[k], &b)), i == k);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_and_neighbour_follow_the_segment_kinds),
        cmocka_unit_test(own_as_is_a_loop_in_any_segment),
        cmocka_unit_test(paths_are_equal_in_kinds_lengths_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
