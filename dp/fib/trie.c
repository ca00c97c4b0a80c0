/* SPDX-License-Identifier: BSD-3-Clause */
#include "trie.h"
#include "pages.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Either a route, or a fork whose two children have nothing above them but it. Node 0 is the root, of length 0, always
 * there; as nobody's child it serves as "none". */
struct node {
    trie_key key;
    uint32_t child[2]; /* by the bit behind the key's length; of a free node, child[0] is the next free one */
    uint16_t value;    /* 0: a fork, or the root without a default route */
    uint8_t length;
};

static_assert(sizeof(struct node) == 32, "two to a cache line");

struct trie {
    struct node *nodes;
    size_t max_routes;
    size_t routes;
    uint32_t top; /* nodes from here on were never used */
    uint32_t free;
};

/* Every route brings at most one fork, and a route that goes takes it along. */
static size_t nodes_bytes(size_t max_routes)
{
    return (1 + 2 * max_routes) * sizeof(struct node);
}

struct trie *trie_create(unsigned int max_routes)
{
    struct trie *trie = calloc(1, sizeof(*trie));

    if (trie == NULL) {
        return NULL;
    }
    trie->max_routes = max_routes;
    trie->top = 1;
    trie->nodes = pages_map(nodes_bytes(max_routes));
    if (trie->nodes == NULL) {
        free(trie);
        return NULL;
    }
    return trie;
}

void trie_destroy(struct trie *trie)
{
    if (trie == NULL) {
        return;
    }
    pages_unmap(trie->nodes, nodes_bytes(trie->max_routes));
    free(trie);
}

static unsigned int bit_at(trie_key key, unsigned int position)
{
    return (unsigned int)(key >> (TRIE_KEY_BITS - 1 - position)) & 1;
}

/* The bits that both begin with, at most `limit`. */
static unsigned int common_bits(trie_key a, trie_key b, unsigned int limit)
{
    uint64_t high = (uint64_t)((a ^ b) >> 64);
    uint64_t low = (uint64_t)(a ^ b);
    unsigned int common = high != 0  ? (unsigned int)__builtin_clzll(high)
                          : low != 0 ? 64 + (unsigned int)__builtin_clzll(low)
                                     : TRIE_KEY_BITS;

    return common < limit ? common : limit;
}

static bool covers(const struct node *node, trie_key key)
{
    return ((node->key ^ key) & trie_mask(node->length)) == 0;
}

static uint32_t new_node(struct trie *trie, trie_key key, unsigned int length, uint32_t value)
{
    uint32_t index = trie->free;

    if (index != 0) {
        trie->free = trie->nodes[index].child[0];
    } else {
        index = trie->top++;
    }
    trie->nodes[index] =
        (struct node){.key = key & trie_mask(length), .length = (uint8_t)length, .value = (uint16_t)value};
    return index;
}

static void free_node(struct trie *trie, uint32_t index)
{
    trie->nodes[index].child[0] = trie->free;
    trie->free = index;
}

/* Puts the route above `child`, or on a fork beside it. Returns what takes the child's place. */
static uint32_t join(struct trie *trie, uint32_t child, trie_key key, unsigned int length, uint32_t value)
{
    const struct node *sibling = &trie->nodes[child];
    uint32_t route = new_node(trie, key, length, value);
    unsigned int common;
    uint32_t fork;

    if (child == 0) {
        return route;
    }
    common = common_bits(key, sibling->key, length);
    if (common == length) {
        trie->nodes[route].child[bit_at(sibling->key, length)] = child;
        return route;
    }
    fork = new_node(trie, key, common, 0);
    trie->nodes[fork].child[bit_at(key, common)] = route;
    trie->nodes[fork].child[bit_at(sibling->key, common)] = child;
    return fork;
}

int trie_set(struct trie *trie, trie_key key, unsigned int length, uint32_t value, uint32_t *old)
{
    struct node *node = &trie->nodes[0];
    uint32_t *link = NULL;

    while (node->length < length) {
        link = &node->child[bit_at(key, node->length)];
        node = &trie->nodes[*link];
        if (*link == 0 || node->length > length || !covers(node, key)) {
            if (trie->routes == trie->max_routes) {
                return -ENOSPC;
            }
            *link = join(trie, *link, key, length, value);
            trie->routes++;
            *old = 0;
            return 0;
        }
    }
    if (node->value == 0 && trie->routes == trie->max_routes) {
        return -ENOSPC;
    }
    *old = node->value;
    node->value = (uint16_t)value;
    trie->routes += *old == 0;
    return 0;
}

/* Takes a node that has become neither route nor fork out of the way. Returns whether it left nothing in its place. */
static bool splice(struct trie *trie, uint32_t *link)
{
    uint32_t index = *link;
    const struct node *node = &trie->nodes[index];

    if (index == 0 || node->value != 0 || (node->child[0] != 0 && node->child[1] != 0)) {
        return false;
    }
    *link = node->child[0] != 0 ? node->child[0] : node->child[1];
    free_node(trie, index);
    return *link == 0;
}

int trie_del(struct trie *trie, trie_key key, unsigned int length, uint32_t *old)
{
    uint32_t root = 0;
    uint32_t *above = &root;
    uint32_t *link = &root;
    struct node *node = &trie->nodes[0];

    while (node->length < length) {
        above = link;
        link = &node->child[bit_at(key, node->length)];
        node = &trie->nodes[*link];
        if (*link == 0) {
            return -ENOENT;
        }
    }
    if (node->length != length || node->key != key || node->value == 0) {
        return -ENOENT;
    }
    *old = node->value;
    node->value = 0;
    trie->routes--;
    if (splice(trie, link)) {
        (void)splice(trie, above);
    }
    return 0;
}

int trie_match(const struct trie *trie, trie_key key, unsigned int max_length, unsigned int *length, uint32_t *value)
{
    const struct node *node = &trie->nodes[0];
    const struct node *best = NULL;
    uint32_t next;

    while (node->length <= max_length && covers(node, key)) {
        best = node->value != 0 ? node : best;
        next = node->length < max_length ? node->child[bit_at(key, node->length)] : 0;
        if (next == 0) {
            break;
        }
        node = &trie->nodes[next];
    }
    if (best == NULL) {
        return -ENOENT;
    }
    *length = best->length;
    *value = best->value;
    return 0;
}

uint32_t trie_get(const struct trie *trie, trie_key key, unsigned int length)
{
    unsigned int found;
    uint32_t value;

    return trie_match(trie, key, length, &found, &value) == 0 && found == length ? value : 0;
}

void trie_walk_start(struct trie_walk *walk, const struct trie *trie, trie_key key, unsigned int length,
                     unsigned int max_length)
{
    const struct node *node = &trie->nodes[0];
    uint32_t index = 0;

    *walk = (struct trie_walk){.trie = trie, .max_length = max_length};
    while (node->length < length) {
        index = node->child[bit_at(key, node->length)];
        node = &trie->nodes[index];
        if (index == 0) {
            return;
        }
    }
    if (((node->key ^ key) & trie_mask(length)) == 0) {
        walk->stack[walk->pending++] = index;
    }
}

bool trie_walk_next(struct trie_walk *walk, struct trie_item *item)
{
    while (walk->pending > 0) {
        const struct node *node = &walk->trie->nodes[walk->stack[--walk->pending]];

        *item = (struct trie_item){.key = node->key, .length = node->length, .value = node->value};
        if (node->length > walk->max_length) {
            item->value = TRIE_DEEPER;
            return true;
        }
        for (int bit = 1; bit >= 0; bit--) {
            if (node->child[bit] != 0) {
                walk->stack[walk->pending++] = node->child[bit];
            }
        }
        if (node->value != 0) {
            return true;
        }
    }
    return false;
}

static void fill(uint16_t *cells, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++) {
        cells[i] = (uint16_t)value;
    }
}

void trie_paint(const struct trie *trie, trie_key key, unsigned int length, unsigned int max_length, uint32_t outside,
                uint16_t *cells)
{
    struct trie_walk walk;
    struct trie_item item;

    fill(cells, (size_t)1 << (max_length - length), outside);
    trie_walk_start(&walk, trie, key, length, max_length);
    while (trie_walk_next(&walk, &item)) {
        size_t first = (size_t)((item.key - key) >> (TRIE_KEY_BITS - max_length));

        fill(cells + first, item.length < max_length ? (size_t)1 << (max_length - item.length) : 1, item.value);
    }
}

size_t trie_routes(const struct trie *trie)
{
    return trie->routes;
}

size_t trie_bytes(const struct trie *trie)
{
    return trie->top * sizeof(struct node);
}
