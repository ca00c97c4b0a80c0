/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix_tree.h"
#include <errno.h>
#include <stdlib.h>

#define PREFIX_BITS      (8 * sizeof(struct prefix))
#define PREFIX_NODE_LEAF UINT8_MAX

static_assert(PREFIX_BITS < PREFIX_NODE_LEAF, "a bit's index fits beside the mark of a leaf");

/* Bits grow on the way down. child[0]: the keys with the bit clear, all smaller than those of child[1]. */
struct branch {
    struct prefix_node node;
    struct prefix_node *child[2];
};

static bool is_leaf(const struct prefix_node *node)
{
    return node->bit == PREFIX_NODE_LEAF;
}

/* Both structs begin with their node. */
static struct branch *branch_of(struct prefix_node *node)
{
    return (struct branch *)node;
}

static struct prefix_leaf *leaf_of(struct prefix_node *node)
{
    return (struct prefix_leaf *)node;
}

static unsigned int bit_of(const struct prefix *prefix, unsigned int bit)
{
    return ((const uint8_t *)prefix)[bit / 8] >> (7 - bit % 8) & 1;
}

/* PREFIX_BITS: equal. */
static unsigned int first_difference(const struct prefix *a, const struct prefix *b)
{
    for (unsigned int i = 0; i < sizeof(*a); i++) {
        unsigned int differ = ((const uint8_t *)a)[i] ^ ((const uint8_t *)b)[i];

        if (differ != 0) {
            return 8 * i + (unsigned int)__builtin_clz(differ) - 24;
        }
    }
    return PREFIX_BITS;
}

/* The link in which a branch for `bit` belongs on the way of this prefix: above the first that tests a later one, as
 * the mark of a leaf seems to do. */
static struct prefix_node **descend(struct prefix_node **link, const struct prefix *prefix, unsigned int bit)
{
    while ((*link)->bit < bit) {
        link = &branch_of(*link)->child[bit_of(prefix, (*link)->bit)];
    }
    return link;
}

/* The leaf that shares the longest run of tested bits; the tree is not empty. */
static struct prefix_leaf *nearest(const struct prefix_tree *tree, const struct prefix *prefix)
{
    struct prefix_node *root = tree->root;

    return leaf_of(*descend(&root, prefix, PREFIX_BITS));
}

static struct prefix_leaf *smallest(struct prefix_node *node)
{
    while (!is_leaf(node)) {
        node = branch_of(node)->child[0];
    }
    return leaf_of(node);
}

/* Recursion is as deep as a key has bits. */
static void drop_node(struct prefix_node *node, void (*drop)(void *owner, struct prefix_leaf *leaf), void *owner)
{
    if (is_leaf(node)) {
        drop(owner, leaf_of(node));
        return;
    }
    drop_node(branch_of(node)->child[0], drop, owner);
    drop_node(branch_of(node)->child[1], drop, owner);
    free(branch_of(node));
}

void prefix_tree_clear(struct prefix_tree *tree, void (*drop)(void *owner, struct prefix_leaf *leaf), void *owner)
{
    if (tree->root != NULL) {
        drop_node(tree->root, drop, owner);
    }
    tree->root = NULL;
}

int prefix_tree_insert(struct prefix_tree *tree, struct prefix_leaf *leaf)
{
    struct prefix_node **link;
    struct branch *branch;
    unsigned int bit;
    unsigned int side;

    leaf->node.bit = PREFIX_NODE_LEAF;
    if (tree->root == NULL) {
        tree->root = &leaf->node;
        return 0;
    }
    bit = first_difference(&leaf->prefix, &nearest(tree, &leaf->prefix)->prefix);
    if (bit == PREFIX_BITS) {
        return -EEXIST;
    }
    branch = malloc(sizeof(*branch));
    if (branch == NULL) {
        return -ENOMEM;
    }
    link = descend(&tree->root, &leaf->prefix, bit);
    side = bit_of(&leaf->prefix, bit);
    branch->node.bit = (uint8_t)bit;
    branch->child[side] = &leaf->node;
    branch->child[!side] = *link;
    *link = &branch->node;
    return 0;
}

void prefix_tree_remove(struct prefix_tree *tree, const struct prefix_leaf *leaf)
{
    struct prefix_node **link = &tree->root;
    struct branch *branch;

    if (tree->root == &leaf->node) {
        tree->root = NULL;
        return;
    }
    for (;;) {
        unsigned int side;

        branch = branch_of(*link);
        side = bit_of(&leaf->prefix, branch->node.bit);
        if (branch->child[side] == &leaf->node) {
            *link = branch->child[!side];
            free(branch);
            return;
        }
        link = &branch->child[side];
    }
}

struct prefix_leaf *prefix_tree_find(const struct prefix_tree *tree, const struct prefix *prefix)
{
    struct prefix_leaf *leaf = tree->root != NULL ? nearest(tree, prefix) : NULL;

    return leaf != NULL && prefix_equal(&leaf->prefix, prefix) ? leaf : NULL;
}

/* The first leaf after the prefix, or at it if `inclusive`. Where the prefix leaves the tree's way, the subtree that it
 * would split lies wholly before or wholly after it; if before, the answer is the right side of the last left turn. */
static struct prefix_leaf *seek(const struct prefix_tree *tree, const struct prefix *prefix, bool inclusive)
{
    struct prefix_node *node = tree->root;
    struct prefix_node *right = NULL;
    struct prefix_leaf *near;
    unsigned int differ;

    if (node == NULL) {
        return NULL;
    }
    near = nearest(tree, prefix);
    differ = first_difference(prefix, &near->prefix);
    if (differ == PREFIX_BITS && inclusive) {
        return near;
    }
    while (node->bit < differ) {
        struct branch *branch = branch_of(node);

        if (bit_of(prefix, node->bit) == 0) {
            right = branch->child[1];
            node = branch->child[0];
        } else {
            node = branch->child[1];
        }
    }
    if (differ < PREFIX_BITS && bit_of(prefix, differ) == 0) {
        return smallest(node);
    }
    return right != NULL ? smallest(right) : NULL;
}

struct prefix_leaf *prefix_tree_seek(const struct prefix_tree *tree, const struct prefix *prefix)
{
    return seek(tree, prefix, true);
}

struct prefix_leaf *prefix_tree_next(const struct prefix_tree *tree, const struct prefix *prefix)
{
    return seek(tree, prefix, false);
}
