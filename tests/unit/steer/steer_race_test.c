/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker steers while the control thread changes all there is to change: state words, rewrites, path lists, and the
 * ids themselves. Under ThreadSanitizer and AddressSanitizer as well.
 */
#include "adjacency.h"
#include "hash.h"
#include "path_list.h"
#include "select.h"
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define CHANGES 3000
#define CHOICES 3 /* members of a list beside the constant one */

struct shared {
    struct rcu *rcu;
    struct adjacency *adjacencies;
    const struct path_list *const *path_lists;
    uint16_t constant;      /* an adjacency that is always alive */
    _Atomic uint32_t route; /* what a FIB entry would say */
    atomic_bool online;
    atomic_bool stop;
    /* the reader's */
    unsigned long steered;
    unsigned long invalid;
};

/* Whole, and of this adjacency: the writer gives every rewrite the id as its port, and sixteen equal bytes. */
static bool rewrite_is_valid(const struct rewrite *rewrite, uint16_t id)
{
    return rewrite != NULL && rewrite->kind == REWRITE_TX && rewrite->port == id &&
           memcmp(rewrite->header, rewrite->header + 1, 15) == 0;
}

static bool steer_one(struct shared *shared, uint64_t hash)
{
    const struct path_list *list =
        path_list_load(shared->path_lists, atomic_load_explicit(&shared->route, memory_order_acquire));
    row_t row = list->rows[hash & list->row_mask];
    struct selection selection = {.adjacency = row_place(row, 0)};

    if (list->ranked_count != CHOICES + 1) {
        return false;
    }
    if (adjacency_state(&shared->adjacencies[selection.adjacency]) != 0) {
        selection = select_backup(list, row, shared->adjacencies);
    }
    /* one was alive all the time: nothing may be lost, and no suspect used */
    return selection.adjacency != ADJACENCY_NONE && !selection.failed_open &&
           rewrite_is_valid(adjacency_rewrite(&shared->adjacencies[selection.adjacency]), selection.adjacency);
}

static void *steer_until_stopped(void *arg)
{
    struct shared *shared = arg;
    uint64_t hash = 0;

    rcu_reader_online(shared->rcu, 0);
    atomic_store(&shared->online, true);
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        for (int i = 0; i < 32; i++) {
            hash = hash_mix64(hash + 1);
            shared->invalid += !steer_one(shared, hash);
            shared->steered++;
        }
        rcu_quiescent(shared->rcu, 0);
    }
    rcu_reader_offline(shared->rcu, 0);
    return NULL;
}

static struct rewrite rewrite_for(uint16_t id, uint8_t filling)
{
    struct rewrite rewrite = {.kind = REWRITE_TX, .header_length = 14, .port = id, .mtu = 1500};

    memset(rewrite.header, filling, 16);
    return rewrite;
}

/* The id is known only once it is given out, and no row names it yet. */
static uint16_t new_adjacency(struct adjacency_table *table)
{
    struct rewrite rewrite = rewrite_for(0, 0);
    int id = adjacency_alloc(table, &rewrite);

    assert_true(id > 0);
    rewrite.port = (uint16_t)id;
    assert_int_equal(adjacency_set_rewrite(table, (uint16_t)id, &rewrite), 0);
    return (uint16_t)id;
}

/* Ways to lead to the constant adjacency last, so that it is used when the others are not. */
static uint32_t new_list(struct path_list_table *table, const uint16_t *members, uint16_t constant, bool choice)
{
    struct path paths[CHOICES + 1];
    uint16_t tiers[CHOICES + 1] = {choice ? 2 : 1, 1, 1, 1};
    struct path_list_spec spec = {paths, tiers, choice ? CHOICES : CHOICES + 1, HASH_PORTS, false};
    int id;

    for (unsigned int i = 0; i <= CHOICES; i++) {
        paths[i] = (struct path){i < CHOICES ? members[i] : constant, 1, hash_mix64(members[i % CHOICES])};
    }
    id = path_list_create(table, &spec);
    assert_true(id > 0);
    return (uint32_t)id;
}

static void disturb_members(struct shared *shared, struct adjacency_table *table, const uint16_t *members, int round)
{
    for (int i = 0; i < 16; i++) {
        uint16_t id = members[i % CHOICES];
        struct rewrite rewrite = rewrite_for(id, (uint8_t)(round + i));

        adjacency_set_state(&shared->adjacencies[id], (enum adjacency_source)(i / 3 % ADJACENCY_SOURCES),
                            (enum adjacency_health)((round + i) % 3));
        assert_int_equal(adjacency_set_rewrite(table, id, &rewrite), 0);
    }
}

static void disturb(struct shared *shared, struct adjacency_table *adjacencies, struct path_list_table *path_lists,
                    uint16_t members[CHOICES])
{
    for (int round = 0; round < CHANGES; round++) {
        uint32_t old = atomic_load_explicit(&shared->route, memory_order_relaxed);
        uint16_t replaced = members[round % CHOICES];

        disturb_members(shared, adjacencies, members, round);
        members[round % CHOICES] = new_adjacency(adjacencies);
        /* lists with a choice are slow to make: now and then */
        atomic_store_explicit(&shared->route, new_list(path_lists, members, shared->constant, round % 64 == 0),
                              memory_order_release);
        path_list_destroy(path_lists, old);
        adjacency_free(adjacencies, replaced);
        rcu_reclaim(shared->rcu);
    }
}

static void a_worker_never_meets_anything_invalid(void **state)
{
    struct shared shared = {.rcu = rcu_create(1)};
    struct adjacency_table *adjacencies = adjacency_table_create(shared.rcu);
    struct path_list_table *path_lists = path_list_table_create(shared.rcu);
    uint16_t members[CHOICES];
    pthread_t reader;

    (void)state;
    shared.adjacencies = adjacency_array(adjacencies);
    shared.path_lists = path_list_array(path_lists);
    shared.constant = new_adjacency(adjacencies);
    for (int i = 0; i < CHOICES; i++) {
        members[i] = new_adjacency(adjacencies);
    }
    atomic_store(&shared.route, new_list(path_lists, members, shared.constant, true));
    assert_int_equal(pthread_create(&reader, NULL, steer_until_stopped, &shared), 0);
    while (!atomic_load(&shared.online)) {
    }
    disturb(&shared, adjacencies, path_lists, members);
    atomic_store(&shared.stop, true);
    pthread_join(reader, NULL);
    assert_int_equal(shared.invalid, 0);
    assert_true(shared.steered > 0);
    path_list_table_destroy(path_lists);
    adjacency_table_destroy(adjacencies);
    rcu_destroy(shared.rcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_never_meets_anything_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
