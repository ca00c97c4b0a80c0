/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet's way: parse -> lookup -> steer -> rewrite -> transmit lane.
 *
 * One struct pipe a worker: pointers to what the control thread publishes, which it only reads, and what is its own.
 * Nothing here blocks, allocates, locks, logs or makes a system call.
 */
#ifndef PIPE_H
#define PIPE_H

#include "addr.h"
#include "adjacency.h"
#include "bfd.h"
#include "counters.h"
#include "fib.h"
#include "path_list.h"
#include "pending.h"
#include "request.h"
#include "takeover.h"
#include "tx.h"
#include "wanted.h"
#include "watch.h"
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <stdint.h>

#define BURST_MAX    64
#define PIPE_NO_TWIN UINT16_MAX
#define PIPE_NO_PORT UINT16_MAX
#define PIPE_VIDS    4096

/* Where ICMP errors about what a port received come from. Immutable once published. */
struct pipe_addresses {
    struct ip_addr addr[FAMILIES];
    bool has[FAMILIES];
};

/* A port as packets see it. */
struct pipe_port {
    const struct pipe_addresses *addresses; /* NULL: none; published by a release store */
    uint64_t mac;           /* the six bytes as they lie in a frame, in the low bits of a little-endian word */
    uint16_t twin;          /* lane of the kernel twin, PIPE_NO_TWIN if XDP is the only way to the kernel */
    uint64_t icmp_interval; /* TSC cycles between two ICMP errors of a worker in the long run */
    uint64_t icmp_burst;    /* TSC cycles' worth of errors that may come at once */
    const uint16_t *vlans;  /* [PIPE_VIDS]: the sub-interface of each VID, PIPE_NO_PORT for none; NULL: it has none */
};

struct pipe {
    /* published by the control thread */
    const struct fib4 *fib4;
    const struct fib6 *fib6;
    const struct path_list *const *path_lists; /* by id */
    const struct adjacency *adjacencies;       /* by id */
    const struct pipe_port *ports;             /* by index */
    struct bfd *bfd;                           /* NULL: no BFD packet is ours */
    unsigned int worker;                       /* id */
    struct takeovers *takeovers;               /* NULL: nobody wants to know who takes over */
    uint64_t hash_seed;
    uint64_t request_interval; /* TSC cycles between two equal wishes */
    uint64_t pending_time;     /* TSC cycles that a packet waits for its neighbour */
    bool wide;                 /* the stages' AVX-512 forms are used */
    bool pass_source_route;    /* source-routed packets are forwarded */
    bool drop_class_e;         /* 240/4 is martian */
    struct datagram_times datagram_times;
    struct datagram_table *datagrams; /* of all workers: the one thing that they write together */
    struct watch *watches; /* NULL: nobody looks; published by a release store, in use until the next quiescent state */
    /* the worker's own */
    uint64_t now;    /* TSC cycles, of the last tick: what all of a loop takes for the time */
    uint64_t before; /* the same of the loop before */
    struct counters *counters;
    struct rte_mempool *pool; /* for packets that are made here */
    struct request_ring *requests;
    struct pending *pending;     /* NULL: no packet waits for its neighbour, it is dropped */
    uint16_t tunnel_id;          /* IPv4 identification of the next outer header without DF (RFC 6864) */
    uint16_t tunnel_id_step;     /* to the one after: as many as there are workers, of which each has ids of its own */
    struct wanted_table *wanted; /* fragments that wait for the first one of their datagram */
    uint64_t icmp_due[PIPE_PORTS_MAX]; /* by port, TSC: when the next error would be due at the steady rate */
    struct lane lanes[PIPE_PORTS_MAX]; /* by index of the egress port or twin */
};

/* Whether this CPU has what pipe->wide needs. */
bool pipe_wide_works(void);

/* The address that a port speaks from, NULL if it has none of this family; valid until the next quiescent state. */
static inline const struct ip_addr *pipe_port_address(const struct pipe *pipe, uint16_t port, enum family family)
{
    const struct pipe_addresses *addresses = __atomic_load_n(&pipe->ports[port].addresses, __ATOMIC_ACQUIRE);

    return addresses != NULL && addresses->has[family] ? &addresses->addr[family] : NULL;
}

/* NULL: nobody looks. */
static inline struct watch *pipe_watches(const struct pipe *pipe)
{
    return __atomic_load_n(&pipe->watches, __ATOMIC_ACQUIRE);
}

/* Shows the packets to who watches. */
static inline void pipe_show(const struct pipe *pipe, enum watch_point point, enum drop_reason reason, uint16_t lane,
                             struct rte_mbuf *const *mbufs, unsigned int n)
{
    struct watch *watches = pipe_watches(pipe);

    if (unlikely(watches != NULL)) {
        watches_tell(watches, &(struct watch_event){point, reason, lane, pipe->now, NULL, NULL}, mbufs, n);
    }
}

/* Shows what was made of a packet. */
static inline void pipe_show_made(const struct pipe *pipe, uint16_t port, const struct rte_mbuf *origin,
                                  struct rte_mbuf *made)
{
    struct watch *watches = pipe_watches(pipe);

    if (unlikely(watches != NULL)) {
        watches_tell(watches, &(struct watch_event){WATCH_MADE, DROP_REASONS, port, pipe->now, NULL, origin}, &made, 1);
    }
}

/* The end of the lane, with room for n <= BURST_MAX packets more, and for a whole vector's stores behind them. */
static inline struct rte_mbuf **lane_reserve(struct pipe *pipe, uint16_t lane, unsigned int n)
{
    struct lane *to = &pipe->lanes[lane];

    if (unlikely(to->count + n > TX_LANE_MAX)) {
        lane_flush(pipe, lane);
    }
    return &to->mbufs[to->count];
}

/* So many packets, of so many bytes, were written behind the end of the lane. */
static inline void lane_extend(struct pipe *pipe, uint16_t lane, uint32_t n, uint64_t bytes)
{
    pipe->lanes[lane].count += n;
    pipe->lanes[lane].bytes += bytes;
}

/* Puts the packet into the lane, which takes it over. */
static inline void pipe_send(struct pipe *pipe, uint16_t lane, struct rte_mbuf *mbuf)
{
    *lane_reserve(pipe, lane, 1) = mbuf;
    lane_extend(pipe, lane, 1, mbuf->pkt_len);
}

/* Forwards, punts or drops n <= BURST_MAX packets that `port` received, and counts them; takes them over. What is to
 * leave waits in the lanes until pipe_flush(). The worker must be an online RCU reader. */
void pipe_burst(struct pipe *pipe, uint16_t port, struct rte_mbuf **mbufs, uint16_t n);
/* Packets that the kernel sent into the twin of `port`: out of the port unchanged. Takes them over. */
void pipe_from_twin(struct pipe *pipe, uint16_t port, struct rte_mbuf **mbufs, uint16_t n);
/* Every loop, before all else: what the time is, in TSC cycles. Packets that wait go on when what they wait for has
 * come; those that waited too long go on without it, or are dropped. */
void pipe_tick(struct pipe *pipe, uint64_t now);
/* Empties lanes 0 to count - 1. */
void pipe_flush(struct pipe *pipe, unsigned int count);

#endif
