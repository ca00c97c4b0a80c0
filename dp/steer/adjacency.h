/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adjacencies: what the data plane does with a packet once a place for it is chosen.
 *
 * An adjacency is a small fixed record that rows name by a 15-bit id. It has two parts with lives of their own:
 *  - the state word, four bytes with one writer each. Zero means alive. Workers test it for every packet, so that one
 *    store moves all traffic of a dead instance, however many prefixes it serves;
 *  - the rewrite, an immutable record (egress port, ready-made header) that is replaced whole under RCU when a MAC
 *    address, an MTU or a link changes.
 * Id 0 is never alive: it fills the unused places of a row. Its rewrite is a black hole.
 *
 * The control thread allocates, changes and frees; workers only read. The BFD byte will be written by a worker.
 */
#ifndef ADJACENCY_H
#define ADJACENCY_H

#include "attributes.h"
#include "rcu.h"
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADJACENCY_MAX  (1u << 15) /* ids are 15 bits: rows keep the sixteenth for transitions */
#define ADJACENCY_NONE 0

/* The bytes of the state word: who says that the place must not be used. */
enum adjacency_source {
    ADJACENCY_ADMIN, /* the operator */
    ADJACENCY_LINK,  /* egress port, next hop, neighbour */
    ADJACENCY_PROBE, /* health probes */
    ADJACENCY_BFD,   /* its BFD session */
    ADJACENCY_SOURCES,
};

/* What such a byte says. */
enum adjacency_health {
    ADJACENCY_ALIVE,
    ADJACENCY_SUSPECT, /* probes, BFD, an unresolved neighbour: not used while anything better is left (fail open) */
    ADJACENCY_DOWN,    /* never used: the operator says so, or the port is down */
};

enum rewrite_kind {
    REWRITE_TX,         /* put the header before the packet and send it out of the port */
    REWRITE_UNRESOLVED, /* the neighbour's MAC is not known yet */
    REWRITE_GLEAN,      /* a connected subnet: the neighbour is the packet's destination, and not known yet */
    REWRITE_LOCAL,      /* an address of this machine: hand it to the kernel twin */
    REWRITE_BLACKHOLE,  /* drop silently */
    REWRITE_REJECT,     /* drop, and tell the sender that it is prohibited */
};

#define REWRITE_HEADER_MAX 120

/* Immutable once published. The first cache line has all that a packet without a tunnel needs. */
struct rewrite {
    uint8_t kind;                       /* enum rewrite_kind */
    uint8_t header_length;              /* bytes of header[] that replace the received link-layer header */
    uint16_t port;                      /* index of the egress port */
    uint16_t mtu;                       /* largest IP packet that may leave this way, bytes; in a tunnel: inside */
    uint16_t outer;                     /* where the tunnel's IP header begins in header[]; 0: no tunnel */
    uint8_t header[REWRITE_HEADER_MAX]; /* as on the wire: link layer up to the EtherType, then the tunnel (tunnel.h) */
};
static_assert(sizeof(struct rewrite) == 128, "two cache lines");
static_assert(offsetof(struct rewrite, header) + 18 <= 64, "a tagged Ethernet header lies in the first");

union adjacency_state {
    uint32_t word;
    uint8_t bytes[ADJACENCY_SOURCES];
};
static_assert(sizeof(union adjacency_state) == 4, "read as one word");

struct adjacency {
    union adjacency_state state;
    uint32_t reserved;
    const struct rewrite *rewrite;
};
static_assert(sizeof(struct adjacency) == 16, "four a cache line");

/* Any thread. Acquire: who sees an adjacency alive also sees the rewrite that was set before. */
static inline uint32_t adjacency_state(const struct adjacency *adjacency)
{
    return __atomic_load_n(&adjacency->state.word, __ATOMIC_ACQUIRE);
}

/* Workers: valid until their next quiescent state; never NULL for an id in a row, empty places included. */
static inline const struct rewrite *adjacency_rewrite(const struct adjacency *adjacency)
{
    return __atomic_load_n(&adjacency->rewrite, __ATOMIC_ACQUIRE);
}

/* The one writer of that byte. Takes effect at the workers' next packet. */
static inline void adjacency_set_state(struct adjacency *adjacency, enum adjacency_source source,
                                       enum adjacency_health health)
{
    __atomic_store_n(&adjacency->state.bytes[source], (uint8_t)health, __ATOMIC_RELEASE);
}

/* Nobody says that it is down: usable when nothing better is left. */
static inline bool adjacency_is_suspect(uint32_t state)
{
    return (state & (ADJACENCY_DOWN * 0x01010101u)) == 0;
}

struct adjacency_table;

/* NULL: no memory. */
struct adjacency_table *adjacency_table_create(struct rcu *rcu);
/* Workers must be gone. */
void adjacency_table_destroy(struct adjacency_table *table);
/* The array that workers index with ids; lives as long as the table. */
struct adjacency *adjacency_array(struct adjacency_table *table);
/* A new adjacency, alive, with a copy of the rewrite. Returns its id, or -ENOSPC, -ENOMEM. */
int adjacency_alloc(struct adjacency_table *table, const struct rewrite *rewrite) MUST_USE;
/* Publishes a copy of the rewrite; the old one is retired. 0 or -ENOMEM, which changes nothing. */
int adjacency_set_rewrite(struct adjacency_table *table, uint16_t id, const struct rewrite *rewrite) MUST_USE;
/* No published row may name the id any more; it is reused only when no worker can hold it. */
void adjacency_free(struct adjacency_table *table, uint16_t id);

#endif
