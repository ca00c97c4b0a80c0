/* SPDX-License-Identifier: BSD-3-Clause */
/* Against a table of every prefix that may occur, in order, and a mark for each that is in. */
#include "hash.h"
#include "prefix_tree.h"
#include "refuse_memory.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNIVERSE 2048
#define STEPS    200000

static struct prefix_leaf leaves[UNIVERSE]; /* ascending */
static bool in[UNIVERSE];
static uint32_t n_leaves;
static uint64_t random_counter = 1;

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(hash_mix64(random_counter++ * 0x9e3779b97f4a7c15ULL) >> 33) % n;
}

static int compare(const void *a, const void *b)
{
    return prefix_compare(&((const struct prefix_leaf *)a)->prefix, &((const struct prefix_leaf *)b)->prefix);
}

/* Few distinct bits at every depth, so that prefixes nest, touch and share long beginnings. */
static struct prefix random_prefix(void)
{
    struct ip_addr addr = {.family = (uint8_t)random_below(FAMILIES)};

    for (unsigned int i = 0; i < family_bytes(addr.family); i++) {
        addr.bytes[i] = random_below(3) != 0 ? 0 : (uint8_t)(0xff << random_below(8));
    }
    return prefix_of(&addr, random_below(family_bits(addr.family) + 1));
}

static int universe_setup(void **state)
{
    uint32_t kept = 0;

    (void)state;
    for (uint32_t i = 0; i < UNIVERSE; i++) {
        leaves[i].prefix = random_prefix();
    }
    for (unsigned int family = 0; family < FAMILIES; family++) {
        leaves[family].prefix = (struct prefix){.addr.family = (uint8_t)family}; /* the default routes */
    }
    qsort(leaves, UNIVERSE, sizeof(leaves[0]), compare);
    for (uint32_t i = 0; i < UNIVERSE; i++) {
        if (kept == 0 || compare(&leaves[kept - 1], &leaves[i]) != 0) {
            leaves[kept++] = leaves[i];
        }
    }
    n_leaves = kept;
    return 0;
}

/* The first that is in, from index i on. */
static const struct prefix_leaf *first_in(uint32_t i)
{
    while (i < n_leaves && !in[i]) {
        i++;
    }
    return i < n_leaves ? &leaves[i] : NULL;
}

static void check_around(const struct prefix_tree *tree, uint32_t i)
{
    const struct prefix *prefix = &leaves[i].prefix;

    assert_ptr_equal(prefix_tree_find(tree, prefix), in[i] ? &leaves[i] : NULL);
    assert_ptr_equal(prefix_tree_seek(tree, prefix), first_in(i));
    assert_ptr_equal(prefix_tree_next(tree, prefix), first_in(i + 1));
}

static void change(struct prefix_tree *tree, uint32_t i)
{
    if (random_below(3) == 0) {
        struct prefix_leaf twin = leaves[i];

        memory_left = random_below(2) == 0 ? 0 : -1;
        if (in[i]) {
            assert_int_equal(prefix_tree_insert(tree, &twin), -EEXIST);
        } else if (memory_left == 0 && tree->root != NULL) {
            assert_int_equal(prefix_tree_insert(tree, &twin), -ENOMEM);
        }
        memory_left = -1;
    } else if (in[i]) {
        prefix_tree_remove(tree, &leaves[i]);
        in[i] = false;
    } else {
        assert_int_equal(prefix_tree_insert(tree, &leaves[i]), 0);
        in[i] = true;
    }
}

static void drop(void *owner, struct prefix_leaf *leaf)
{
    (void)owner;
    assert_true(in[leaf - leaves]);
    in[leaf - leaves] = false;
}

static void the_tree_finds_and_orders_like_a_sorted_table(void **state)
{
    struct prefix_tree tree = {.root = NULL};

    (void)state;
    for (uint32_t range = 4; range <= UNIVERSE; range *= 8) { /* from nearly empty to full */
        for (uint32_t step = 0; step < STEPS / 4; step++) {
            change(&tree, random_below(range < n_leaves ? range : n_leaves));
            check_around(&tree, random_below(n_leaves));
        }
    }
    prefix_tree_clear(&tree, drop, NULL);
    assert_null(first_in(0));
    assert_null(tree.root);
    check_around(&tree, 0);
}

static void a_walk_meets_all_in_order(void **state)
{
    struct prefix_tree tree = {.root = NULL};
    const struct prefix_leaf *leaf;

    (void)state;
    memset(in, 0, sizeof(in));
    for (uint32_t i = 0; i < n_leaves; i++) {
        uint32_t shuffled = (uint32_t)((uint64_t)i * 1000003 % n_leaves);

        in[shuffled] = prefix_tree_insert(&tree, &leaves[shuffled]) == 0;
    }
    leaf = prefix_tree_seek(&tree, &(const struct prefix){.addr.family = FAMILY_V4});
    for (uint32_t i = 0; i < n_leaves; i++) {
        assert_ptr_equal(leaf, &leaves[i]);
        leaf = prefix_tree_next(&tree, &leaf->prefix);
    }
    assert_null(leaf);
    prefix_tree_clear(&tree, drop, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_finds_and_orders_like_a_sorted_table),
        cmocka_unit_test(a_walk_meets_all_in_order),
    };
    return cmocka_run_group_tests(tests, universe_setup, NULL);
}
