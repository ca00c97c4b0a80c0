/* SPDX-License-Identifier: BSD-3-Clause */
/* The control thread's side, and what any worker may ask. */
#include "bfd_private.h"
#include "hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LEAVE_WAIT_US      20 /* between two looks whether the runner has let go */
#define LEAVE_WAIT_MOST_US 200000

struct bfd *bfd_create(struct rcu *rcu, struct adjacency *adjacencies, unsigned int workers, uint64_t hz)
{
    struct bfd *bfd = aligned_alloc(64, (sizeof(*bfd) + 63) & ~(size_t)63);

    if (bfd == NULL) {
        return NULL;
    }
    memset(bfd, 0, sizeof(*bfd));
    bfd->inboxes = aligned_alloc(64, workers * sizeof(*bfd->inboxes));
    if (bfd->inboxes == NULL) {
        free(bfd);
        return NULL;
    }
    memset(bfd->inboxes, 0, workers * sizeof(*bfd->inboxes));
    bfd->rcu = rcu;
    bfd->adjacencies = adjacencies;
    bfd->workers = workers;
    bfd->hz = hz;
    return bfd;
}

void bfd_destroy(struct bfd *bfd)
{
    if (bfd == NULL) {
        return;
    }
    for (uint32_t id = 0; id < bfd->end; id++) {
        free(bfd->members[id]);
    }
    free(bfd->inboxes);
    free(bfd);
}

void bfd_set_sender(struct bfd *bfd, bfd_send_fn *send, void *owner)
{
    bfd->send = send;
    bfd->owner = owner;
}

void bfd_set_witness(struct bfd *bfd, struct takeovers *takeovers, bfd_count_fn *count, const void *owner)
{
    bfd->takeovers = takeovers;
    bfd->count = count;
    bfd->count_owner = owner;
}

static void wake(struct bfd *bfd)
{
    __atomic_add_fetch(&bfd->clock.wake, 1, __ATOMIC_RELEASE);
}

static bool path_equal(const struct bfd_path *a, const struct bfd_path *b)
{
    return a->multihop == b->multihop && ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->peer, &b->peer);
}

/* A free slot, or -EEXIST, -ENOSPC. */
static int find_slot(const struct bfd *bfd, const struct bfd_path *path)
{
    int slot = -ENOSPC;

    for (uint32_t id = 0; id < BFD_SESSIONS_MAX; id++) {
        const struct bfd_member *member = bfd->members[id];

        if (member == NULL && slot < 0) {
            slot = (int)id;
        }
        if (member != NULL && path_equal(&member->spec.path, path)) {
            return -EEXIST;
        }
    }
    return slot;
}

/* Not to be guessed by who is not on the path (6.8.1); never 0. */
static uint32_t new_discriminator(uint32_t slot)
{
    uint32_t random;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
        random = (uint32_t)hash_mix64((uintptr_t)&random + slot);
    }
    return (random | 1) << BFD_SLOT_BITS | slot;
}

int bfd_add(struct bfd *bfd, const struct bfd_spec *spec)
{
    int slot = find_slot(bfd, &spec->path);
    struct bfd_member *member;

    if (slot < 0) {
        return slot;
    }
    member = calloc(1, sizeof(*member));
    if (member == NULL) {
        return -ENOMEM;
    }
    member->spec = *spec;
    member->id = (uint32_t)slot;
    member->discriminator = new_discriminator((uint32_t)slot);
    member->status.state = BFD_DOWN;
    member->status.usable = true;
    member->status.discriminator = member->discriminator;
    __atomic_store_n(&bfd->members[slot], member, __ATOMIC_RELEASE);
    if ((uint32_t)slot >= bfd->end) {
        __atomic_store_n(&bfd->end, (uint32_t)slot + 1, __ATOMIC_RELEASE);
    }
    wake(bfd);
    return slot;
}

/* The runner writes the bytes while it has the session, and nobody afterwards. A runner that does not run is not waited
 * for longer than that: the session is gone before it looks for it again. */
static void take_back(struct bfd *bfd, struct bfd_member *member)
{
    __atomic_store_n(&member->life, BFD_LEAVES, __ATOMIC_RELEASE);
    wake(bfd);
    for (int us = 0; us < LEAVE_WAIT_MOST_US && __atomic_load_n(&bfd->running, __ATOMIC_ACQUIRE) &&
                     __atomic_load_n(&member->life, __ATOMIC_ACQUIRE) != BFD_HAS_LEFT;
         us += LEAVE_WAIT_US) {
        usleep(LEAVE_WAIT_US);
    }
}

static void reclaim_member(void *owner, void *thing)
{
    (void)owner;
    free(thing);
}

void bfd_del(struct bfd *bfd, uint32_t id)
{
    struct bfd_member *member = bfd->members[id];

    take_back(bfd, member);
    for (unsigned int i = 0; i < member->spec.target_count; i++) {
        adjacency_set_state(&bfd->adjacencies[member->spec.targets[i]], ADJACENCY_BFD, ADJACENCY_ALIVE);
    }
    __atomic_store_n(&bfd->members[id], NULL, __ATOMIC_RELEASE);
    rcu_retire(bfd->rcu, reclaim_member, NULL, member);
}

void bfd_hold(struct bfd *bfd, uint32_t id, bool hold)
{
    struct bfd_member *member = bfd->members[id];

    if (__atomic_load_n(&member->hold, __ATOMIC_RELAXED) != hold) {
        __atomic_store_n(&member->hold, hold, __ATOMIC_RELAXED);
        wake(bfd);
    }
}

uint32_t bfd_discriminator(const struct bfd *bfd, uint32_t id)
{
    return bfd->members[id]->discriminator;
}

#define READ(member) .member = __atomic_load_n(&status->member, __ATOMIC_RELAXED)

void bfd_status(const struct bfd *bfd, uint32_t id, struct bfd_status *out)
{
    const struct bfd_status *status = &bfd->members[id]->status;

    *out = (struct bfd_status){
        READ(state),
        READ(remote_state),
        READ(diag),
        READ(remote_diag),
        READ(usable),
        READ(discriminator),
        READ(remote_discriminator),
        READ(detection_us),
        READ(tx_us),
        READ(sent),
        READ(received),
        READ(failures),
    };
}

bool bfd_event(struct bfd *bfd, struct bfd_event *out)
{
    uint32_t tail = bfd->event_tail;

    if (tail == __atomic_load_n(&bfd->event_head, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *out = bfd->events[tail % BFD_EVENTS];
    __atomic_store_n(&bfd->event_tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

static bool is_for(const struct bfd_member *member, const struct bfd_arrival *arrival)
{
    return path_equal(&member->spec.path, &arrival->path) &&
           (arrival->path.multihop || (arrival->port == member->spec.port && arrival->ttl == BFD_TTL));
}

/* RFC 5880 6.8.6: by the discriminator; who does not know it yet, by addresses (RFC 5881 3). */
const struct bfd_member *bfd_match(const struct bfd *bfd, const struct bfd_arrival *arrival)
{
    uint32_t yours = arrival->packet.your_discriminator;
    uint32_t end = __atomic_load_n(&bfd->end, __ATOMIC_ACQUIRE);
    const struct bfd_member *member;

    if (yours != 0) {
        member = bfd_member_load(bfd, yours & (BFD_SESSIONS_MAX - 1));
        return member != NULL && member->discriminator == yours && is_for(member, arrival) ? member : NULL;
    }
    for (uint32_t id = 0; id < end; id++) {
        member = bfd_member_load(bfd, id);
        if (member != NULL && is_for(member, arrival)) {
            return member;
        }
    }
    return NULL;
}
