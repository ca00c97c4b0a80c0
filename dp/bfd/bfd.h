/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BFD sessions of the data plane. One worker, the runner, receives, sends and times all of them, so that a control
 * thread that is stuck delays no failover: when a detection time is over, the runner writes the BFD byte of the
 * session's adjacencies itself.
 *
 * The control thread adds and removes sessions, which are published by pointers under RCU, and reads what the runner
 * tells: a status of relaxed atomics, and a ring of events. Another worker that receives a packet hands it to the
 * runner in a ring of its own. Without sessions a loop costs the comparison in bfd_is_due().
 *
 * A session that has never been up is no failure for the first three seconds: the neighbour may start later than we do.
 */
#ifndef BFD_H
#define BFD_H

#include "addr.h"
#include "adjacency.h"
#include "bfd_session.h"
#include "rcu.h"
#include "takeover.h"

#define BFD_SESSIONS_MAX 1024
#define BFD_TARGETS_MAX  2    /* adjacencies of an instance */
#define BFD_GRACE_MS     3000 /* for a session that was never up */

struct bfd_path {
    struct ip_addr local;
    struct ip_addr peer; /* of the same family */
    bool multihop;       /* RFC 5883; else RFC 5881 */
};

struct bfd_spec {
    struct bfd_path path;
    struct bfd_timers timers;
    uint16_t port; /* single-hop: index of the port that packets must come in by */
    uint16_t via;  /* an adjacency without a tunnel that leads to the peer */
    uint16_t targets[BFD_TARGETS_MAX];
    unsigned int target_count;
};

struct bfd_status {
    enum bfd_state state;
    enum bfd_state remote_state;
    uint8_t diag;
    uint8_t remote_diag;
    bool usable; /* up, or not given up yet */
    uint32_t discriminator;
    uint32_t remote_discriminator;
    uint32_t detection_us;
    uint32_t tx_us;
    uint64_t sent;
    uint64_t received;
    uint64_t failures; /* times that it stopped being usable */
};

/* A session began or ceased to be usable. TSC cycles. */
struct bfd_event {
    uint32_t id;
    uint32_t discriminator;
    bool usable;
    uint8_t diag;
    uint64_t heard;         /* when the last packet came */
    uint64_t flipped;       /* when the adjacencies' bytes were written */
    uint64_t packets_heard; /* that the adjacencies had been sent when the last packet came */
    uint64_t packets;       /* and when they were flipped */
};

/* A control packet as it came. */
struct bfd_arrival {
    struct bfd_path path; /* local: the packet's destination */
    uint16_t port;
    uint8_t ttl;
    struct bfd_packet packet;
};

struct bfd;
struct bfd_member;

/* Control thread. workers: ids 0 to workers - 1; the runner is worker 0. NULL: no memory. */
struct bfd *bfd_create(struct rcu *rcu, struct adjacency *adjacencies, unsigned int workers, uint64_t hz);
/* Workers must be gone. NULL is fine. */
void bfd_destroy(struct bfd *bfd);
/* An id, or -EEXIST (a session has this path), -ENOSPC, -ENOMEM. */
int bfd_add(struct bfd *bfd, const struct bfd_spec *spec) MUST_USE;
/* Tells the neighbour (AdminDown) and lets go of the adjacencies, whose BFD bytes are zero afterwards. Waits for the
 * runner, some microseconds. */
void bfd_del(struct bfd *bfd, uint32_t id);
/* While held, the adjacencies count as alive whatever the session says. Within 10 ms. */
void bfd_hold(struct bfd *bfd, uint32_t id, bool hold);
void bfd_status(const struct bfd *bfd, uint32_t id, struct bfd_status *out);
/* The discriminator that the neighbour's packets will carry. */
uint32_t bfd_discriminator(const struct bfd *bfd, uint32_t id);
/* False: there is none. */
bool bfd_event(struct bfd *bfd, struct bfd_event *out);

/* Before the workers start: how the runner sends a packet. */
typedef void bfd_send_fn(void *owner, const struct bfd_spec *spec, uint16_t source_port,
                         const uint8_t packet[BFD_PACKET_SIZE]);
void bfd_set_sender(struct bfd *bfd, bfd_send_fn *send, void *owner);
/* Likewise: who is told of a failover that is about to be, and how many packets an adjacency has been sent. Without,
 * nobody, and none. */
typedef uint64_t bfd_count_fn(const void *owner, uint16_t adjacency);
void bfd_set_witness(struct bfd *bfd, struct takeovers *takeovers, bfd_count_fn *count, const void *owner);

/* Any worker: the session that the packet is for, NULL: none of ours. Valid until the next quiescent state. */
const struct bfd_member *bfd_match(const struct bfd *bfd, const struct bfd_arrival *arrival);
/* Any worker: takes what bfd_match() found; what finds no room on the way to the runner is lost, as on a link. */
void bfd_arrive(struct bfd *bfd, unsigned int worker, const struct bfd_member *member, const struct bfd_packet *packet,
                uint64_t now);

/* The runner. A running one is waited for by bfd_del(). */
void bfd_runner_online(struct bfd *bfd);
/* Tells every neighbour (AdminDown) before a planned stop. */
void bfd_runner_stop(struct bfd *bfd);
/* Sends what is due. True: a detection time is over, so empty the receive queues, then call bfd_judge(). */
bool bfd_run(struct bfd *bfd, uint64_t now);
/* stalled: this loop came late, so that packets may be on their way through the kernel still; then judgement waits for
 * another millisecond. */
void bfd_judge(struct bfd *bfd, uint64_t now, bool stalled);

/* The first cache line of struct bfd. */
struct bfd_clock {
    uint64_t due;   /* the runner's own */
    uint32_t wake;  /* atomic: counts what the control thread changed */
    uint32_t woken; /* the runner's own: the last of these that it has seen */
};

/* The runner, once a loop. */
static inline bool bfd_is_due(const struct bfd *bfd, uint64_t now)
{
    const struct bfd_clock *clock = (const struct bfd_clock *)bfd;

    return now >= clock->due || __atomic_load_n(&clock->wake, __ATOMIC_RELAXED) != clock->woken;
}

#endif
