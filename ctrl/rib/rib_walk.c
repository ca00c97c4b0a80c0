/* SPDX-License-Identifier: BSD-3-Clause */
#include "rib_walk.h"
#include <errno.h>
#include <stdlib.h>

/* Numbers wrap: those of works under way, and of what entries remember, are never so far apart. */
#define WALKS_MAX (INT16_MAX / 2)

struct rib_walk {
    TAILQ_ENTRY(rib_walk) link;
    uint16_t number;
    struct rib_work work;
    /* what its selector points to */
    uint16_t session_id;
    uint16_t peer_id;
    struct target target;
    bool stale;
    bool held;
};

static bool is_after(uint16_t number, uint16_t other)
{
    return (int16_t)(uint16_t)(number - other) > 0;
}

void rib_walks_init(struct rib_walks *walks)
{
    *walks = (struct rib_walks){.count = 0};
    TAILQ_INIT(&walks->list);
}

static void walk_remove(struct rib_walks *walks, struct rib_walk *walk)
{
    TAILQ_REMOVE(&walks->list, walk, link);
    walks->count--;
    free(walk);
}

void rib_walks_free(struct rib_walks *walks)
{
    while (!TAILQ_EMPTY(&walks->list)) {
        walk_remove(walks, TAILQ_FIRST(&walks->list));
    }
}

/* The caller's selector, with values of its own. */
static void keep_selector(struct rib_walk *walk)
{
    struct rib_selector *selector = &walk->work.selector;

    if (selector->session_id != NULL) {
        walk->session_id = *selector->session_id;
        selector->session_id = &walk->session_id;
    }
    if (selector->peer_id != NULL) {
        walk->peer_id = *selector->peer_id;
        selector->peer_id = &walk->peer_id;
    }
    if (selector->target != NULL) {
        walk->target = *selector->target;
        selector->target = &walk->target;
    }
    if (selector->stale != NULL) {
        walk->stale = *selector->stale;
        selector->stale = &walk->stale;
    }
    if (selector->held != NULL) {
        walk->held = *selector->held;
        selector->held = &walk->held;
    }
}

int rib_walks_add(struct rib_walks *walks, const struct rib_work *work)
{
    struct rib_walk *walk = walks->count < WALKS_MAX ? malloc(sizeof(*walk)) : NULL;

    if (walk == NULL) {
        return walks->count < WALKS_MAX ? -ENOMEM : -ENOSPC;
    }
    *walk = (struct rib_walk){.number = ++walks->last, .work = *work};
    keep_selector(walk);
    TAILQ_INSERT_TAIL(&walks->list, walk, link);
    walks->count++;
    return 0;
}

void rib_walks_visit(struct rib_walks *walks, struct rib_entry *entry)
{
    struct rib_walk *walk;

    if (walks->visiting) { /* a work looks at the entry that it is given */
        return;
    }
    walks->visiting = true;
    TAILQ_FOREACH(walk, &walks->list, link)
    {
        if (is_after(walk->number, entry->walked)) {
            walk->work.visit(walk->work.owner, entry, &walk->work.selector);
        }
    }
    entry->walked = walks->last;
    walks->visiting = false;
}

static void end_pass(struct rib_walks *walks)
{
    struct rib_walk *walk;

    while ((walk = TAILQ_FIRST(&walks->list)) != NULL && !is_after(walk->number, walks->pass)) {
        walk_remove(walks, walk);
    }
    walks->passing = false;
}

bool rib_walks_part(struct rib_walks *walks, const struct prefix_set *prefixes, unsigned int most,
                    void (*settle)(void *owner, struct rib_entry *entry), void *owner)
{
    struct prefix_place place = {0};
    struct prefix *member = NULL;

    if (TAILQ_EMPTY(&walks->list) || most == 0) {
        return !TAILQ_EMPTY(&walks->list);
    }
    if (walks->passing) {
        place = prefix_set_after(prefixes, &walks->at);
    } else {
        walks->passing = true;
        walks->pass = walks->last;
    }
    for (unsigned int i = 0; i < most && (member = prefix_set_walk(prefixes, &place)) != NULL; i++) {
        settle(owner, (struct rib_entry *)member);
        walks->at = *member;
    }
    if (member == NULL) {
        end_pass(walks);
    }
    return walks->passing;
}

bool rib_walks_concern(const struct rib_walks *walks, uint16_t session_id)
{
    const struct rib_walk *walk;

    TAILQ_FOREACH(walk, &walks->list, link)
    {
        const uint16_t *of = walk->work.selector.session_id;

        if (walk->work.counted && (of == NULL || *of == session_id)) {
            return true;
        }
    }
    return false;
}
