/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "select.h"
#include "unit.h"

/* Adjacencies 1 to 6 in these tests; a row and a ranking of them are written as digits. */
#define TESTED 6

static union adjacency_state state_of(char letter)
{
    union adjacency_state state = {0};

    switch (letter) {
    case 'a': /* the operator took it out */
        state.bytes[ADJACENCY_ADMIN] = ADJACENCY_DOWN;
        break;
    case 'l': /* its port is down */
        state.bytes[ADJACENCY_LINK] = ADJACENCY_DOWN;
        break;
    case 'n': /* its neighbour is not resolved */
        state.bytes[ADJACENCY_LINK] = ADJACENCY_SUSPECT;
        break;
    case 'p': /* a probe failed */
        state.bytes[ADJACENCY_PROBE] = ADJACENCY_SUSPECT;
        break;
    case 'b': /* its BFD session failed */
        state.bytes[ADJACENCY_BFD] = ADJACENCY_SUSPECT;
        break;
    case 'x': /* all at once */
        state.word = ADJACENCY_SUSPECT * 0x01010101u;
        state.bytes[ADJACENCY_ADMIN] = ADJACENCY_DOWN;
        break;
    default:
        break;
    }
    return state;
}

static row_t row_of(const char *places)
{
    row_t row = 0;

    for (unsigned int i = 0; places[i] != '\0'; i++) {
        row |= (row_t)(places[i] - '0') << (16 * i);
    }
    return row;
}

static void the_best_that_is_left_is_taken(void **state)
{
    static const struct {
        const char *states; /* of adjacencies 1 to 6, '.' alive */
        const char *row;
        const char *ranked;
        uint16_t adjacency;
        bool failed_open;
    } cases[] = {
        {"......", "1234", "123456", 1, false}, /* came back just now */
        {"p.....", "1234", "123456", 2, false}, {"l.....", "3124", "123456", 3, false},
        {"a.l...", "3124", "123456", 2, false}, {"pb....", "1234", "123456", 3, false},
        {"aaa...", "1234", "123456", 4, false}, {"aaaa..", "1234", "123456", 5, false}, /* beyond the row, alive */
        {"aaaa..", "4321", "123465", 6, false}, /* in the order of the ranking */
        {"pppp..", "1234", "123456", 5, false}, /* alive beyond the row before a suspect in it */
        {"pppppp", "3124", "123456", 3, true},  /* the row's own suspect: flows stay spread */
        {"bpppan", "5324", "123456", 3, true},  {"nnnnnn", "2134", "123456", 2, true},
        {"aaaapb", "1234", "123456", 5, true}, /* no suspect in the row: the ranking's first */
        {"aaaaxb", "1234", "123456", 6, true}, /* down by one source is down */
        {"aalxlx", "1234", "123456", 0, false}, {"a.....", "1", "1", 0, false}, /* empty places are no choice */
        {"p.....", "1", "1", 1, true},          {"ap....", "12", "12", 2, true},
        {"......", "", "", 0, false}, /* a list without members */
    };

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct adjacency adjacencies[TESTED + 1] = {{.state.bytes[ADJACENCY_ADMIN] = ADJACENCY_DOWN}};
        uint16_t ranked[TESTED];
        struct path_list list = {.ranked = ranked};
        struct selection selection;

        for (unsigned int i = 0; i < TESTED; i++) {
            adjacencies[i + 1].state = state_of(cases[c].states[i]);
        }
        for (; cases[c].ranked[list.ranked_count] != '\0'; list.ranked_count++) {
            ranked[list.ranked_count] = (uint16_t)(cases[c].ranked[list.ranked_count] - '0');
        }
        selection = select_backup(&list, row_of(cases[c].row), adjacencies);
        assert_int_equal(selection.adjacency, cases[c].adjacency);
        assert_int_equal(selection.failed_open, cases[c].failed_open);
    }
}

static void the_transition_mark_of_a_row_is_no_part_of_an_id(void **state)
{
    row_t row = row_of("1234") | 0x8000;

    (void)state;
    assert_int_equal(row_place(row, 0), 1);
    assert_int_equal(row_place(row, 3), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_that_is_left_is_taken),
        cmocka_unit_test(the_transition_mark_of_a_row_is_no_part_of_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
