/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share. */
#ifndef BFD_PRIVATE_H
#define BFD_PRIVATE_H

#include "bfd.h"

#define BFD_EVENTS    256 /* a power of two */
#define BFD_INBOX     64  /* a power of two */
#define BFD_SLOT_BITS 10
static_assert(BFD_SESSIONS_MAX == 1 << BFD_SLOT_BITS, "a discriminator's low bits name the slot");

/* Where a session stands between the two threads. */
enum bfd_life {
    BFD_LIVES,   /* the runner's */
    BFD_LEAVES,  /* the control thread wants it back */
    BFD_HAS_LEFT /* the runner will touch it no more */
};

struct bfd_member {
    struct bfd_spec spec; /* immutable */
    uint32_t id;
    uint32_t discriminator;
    uint32_t life; /* atomic: enum bfd_life */
    bool hold;     /* atomic: the control thread's */
    bool started;  /* from here on: the runner's */
    bool ever_up;
    bool held; /* `hold` as the bytes have it */
    uint64_t grace;
    uint64_t packets_heard;
    struct bfd_session session;
    /* relaxed atomics for the control thread, as of the last change */
    struct bfd_status status;
};

struct bfd_inbox {
    uint32_t head; /* written by the worker */
    struct {
        uint32_t discriminator;
        uint64_t now;
        struct bfd_packet packet;
    } slots[BFD_INBOX];
    uint32_t tail __attribute__((aligned(64))); /* written by the runner */
};

struct bfd {
    struct bfd_clock clock; /* first: bfd_is_due() */
    uint64_t hz;
    uint64_t judge_after; /* the runner's own */
    struct rcu *rcu;
    struct adjacency *adjacencies;
    bfd_send_fn *send;
    void *owner;
    struct takeovers *takeovers;
    bfd_count_fn *count;
    const void *count_owner;
    unsigned int workers;
    bool running;                                 /* atomic */
    uint32_t end;                                 /* atomic: slots in use are below */
    struct bfd_member *members[BFD_SESSIONS_MAX]; /* atomic: by slot, NULL: free */
    uint64_t due[BFD_SESSIONS_MAX];               /* the runner's own, by slot */
    struct bfd_inbox *inboxes;                    /* by worker; the runner's is not used */
    uint32_t event_head;                          /* written by the runner */
    struct bfd_event events[BFD_EVENTS];
    uint32_t event_tail __attribute__((aligned(64))); /* written by the control thread */
};

static inline struct bfd_member *bfd_member_load(const struct bfd *bfd, uint32_t slot)
{
    return __atomic_load_n(&bfd->members[slot], __ATOMIC_ACQUIRE);
}

#endif
