/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include "install_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t outcome_hash(const struct outcome_path *paths, unsigned int count, struct outcome_traits traits)
{
    uint64_t hash = hash_mix64(traits.hash_mode * 2u + traits.tell_no_instance + 1);

    for (unsigned int i = 0; i < count; i++) {
        hash = hash_mix64(hash ^ (uintptr_t)paths[i].hop);
        hash = hash_mix64(hash ^ ((uint64_t)paths[i].tier << 16 | paths[i].weight) ^ paths[i].hash);
    }
    return hash;
}

static bool outcome_is(const struct outcome *outcome, const struct outcome_path *paths, unsigned int count,
                       struct outcome_traits traits)
{
    if (outcome->count != count || outcome->traits.hash_mode != traits.hash_mode ||
        outcome->traits.tell_no_instance != traits.tell_no_instance) {
        return false;
    }
    for (unsigned int i = 0; i < count; i++) {
        const struct outcome_path *a = &outcome->paths[i];
        const struct outcome_path *b = &paths[i];

        if (a->hop != b->hop || a->weight != b->weight || a->tier != b->tier || a->hash != b->hash) {
            return false;
        }
    }
    return true;
}

/* The path list of these paths. Its id or -errno. */
static int path_list_of(struct install *install, const struct outcome *outcome)
{
    struct path *paths = calloc(outcome->count + 1u, sizeof(*paths));
    uint16_t *tiers = calloc(outcome->count + 1u, sizeof(*tiers));
    unsigned int tier_count = 0;
    int id = -ENOMEM;

    if (paths == NULL || tiers == NULL) {
        goto free_arrays;
    }
    for (unsigned int i = 0; i < outcome->count; i++) {
        const struct outcome_path *path = &outcome->paths[i];

        paths[i] = (struct path){path->hop->adjacency, path->weight, path->hash};
        tier_count += i == 0 || path->tier != outcome->paths[i - 1].tier;
        tiers[tier_count - 1]++;
    }
    id = dp_path_list_create(install->dp,
                             &(struct path_list_spec){.paths = paths,
                                                      .tiers = tiers,
                                                      .tier_count = tier_count,
                                                      .hash_mode = outcome->traits.hash_mode,
                                                      .tell_no_instance = outcome->traits.tell_no_instance});
free_arrays:
    free(tiers);
    free(paths);
    return id;
}

static struct outcome *outcome_new(struct install *install, const struct outcome_path *paths, unsigned int count,
                                   struct outcome_traits traits, uint64_t hash)
{
    struct outcome *outcome = calloc(1, sizeof(*outcome) + count * sizeof(*paths));
    int id;

    if (outcome == NULL) {
        return NULL;
    }
    outcome->hash = hash;
    outcome->refs = 1;
    outcome->count = (uint16_t)count;
    outcome->traits = traits;
    memcpy(outcome->paths, paths, count * sizeof(*paths));
    id = path_list_of(install, outcome);
    if (id < 0) {
        free(outcome);
        errno = -id;
        return NULL;
    }
    outcome->id = (uint32_t)id;
    for (unsigned int i = 0; i < count; i++) {
        hop_ref(outcome->paths[i].hop);
    }
    LIST_INSERT_HEAD(&install->outcomes[hash % OUTCOME_BUCKETS], outcome, by_hash);
    install->by_id[id] = outcome;
    install->outcome_count++;
    return outcome;
}

const struct outcome *outcome_get(struct install *install, const struct outcome_path *paths, unsigned int count,
                                  struct outcome_traits traits)
{
    uint64_t hash = outcome_hash(paths, count, traits);
    struct outcome *outcome;

    LIST_FOREACH(outcome, &install->outcomes[hash % OUTCOME_BUCKETS], by_hash)
    {
        if (outcome->hash == hash && outcome_is(outcome, paths, count, traits)) {
            outcome->refs++;
            return outcome;
        }
    }
    return outcome_new(install, paths, count, traits, hash);
}

const struct outcome *outcome_by_id(const struct install *install, uint32_t path_list)
{
    return path_list < PATH_LIST_MAX ? install->by_id[path_list] : NULL;
}

void outcome_put(struct install *install, const struct outcome *constant)
{
    struct outcome *outcome = install->by_id[constant->id];

    if (--outcome->refs > 0) {
        return;
    }
    LIST_REMOVE(outcome, by_hash);
    install->by_id[outcome->id] = NULL;
    install->outcome_count--;
    dp_path_list_destroy(install->dp, outcome->id);
    for (unsigned int i = 0; i < outcome->count; i++) {
        hop_put(install, outcome->paths[i].hop);
    }
    free(outcome);
}

uint32_t outcome_id(const struct outcome *outcome)
{
    return outcome->id;
}

const struct outcome_path *outcome_paths(const struct outcome *outcome, unsigned int *count)
{
    *count = outcome->count;
    return outcome->paths;
}

unsigned int outcome_count(const struct install *install)
{
    return install->outcome_count;
}
