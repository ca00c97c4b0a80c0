/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ordered set of prefixes: a crit-bit tree (PATRICIA, Morrison 1968) over the bytes of struct prefix, which compare
 * as prefix_compare() does: family, address, length. So one tree holds both families, a walk meets a covering prefix
 * before what it covers, and nothing is ever rebalanced.
 *
 * The owner embeds a struct prefix_leaf in what it stores. A branch (32 bytes) belongs to the tree. A search reads one
 * branch a level, some 25 levels at a million prefixes, of which neighbours share nearly all.
 */
#ifndef PREFIX_TREE_H
#define PREFIX_TREE_H

#include "addr.h"
#include "attributes.h"

struct prefix_node {
    uint8_t bit; /* the bit that a branch tests, from 0 = the first of the family byte; a leaf has a mark */
};

struct prefix_leaf {
    struct prefix_node node;
    struct prefix prefix; /* set before the insertion and then left alone */
};

struct prefix_tree {
    struct prefix_node *root; /* NULL: empty */
};

/* Empties the tree; calls drop(owner, leaf) once for each leaf, which may free it. */
void prefix_tree_clear(struct prefix_tree *tree, void (*drop)(void *owner, struct prefix_leaf *leaf), void *owner);
/* 0, -EEXIST or -ENOMEM, of which the last two change nothing. */
int prefix_tree_insert(struct prefix_tree *tree, struct prefix_leaf *leaf) MUST_USE;
/* The leaf must be in the tree. */
void prefix_tree_remove(struct prefix_tree *tree, const struct prefix_leaf *leaf);
/* NULL: not there. */
struct prefix_leaf *prefix_tree_find(const struct prefix_tree *tree, const struct prefix *prefix);
/* The first leaf at or after the prefix, which need not be in the tree; NULL: none. */
struct prefix_leaf *prefix_tree_seek(const struct prefix_tree *tree, const struct prefix *prefix);
/* The first leaf after the prefix, which need not be in the tree any more; NULL: none. */
struct prefix_leaf *prefix_tree_next(const struct prefix_tree *tree, const struct prefix *prefix);

#endif
