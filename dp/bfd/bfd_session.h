/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One BFD session in asynchronous mode: the state machine and the timers of RFC 5880 6.8. Pure: packets and the time go
 * in, packets come out. Times are ticks of any clock that never goes back, `hz` of them a second.
 */
#ifndef BFD_SESSION_H
#define BFD_SESSION_H

#include "bfd_packet.h"

#define BFD_SLOW_US 1000000 /* between two packets, at least, while the session is not up (6.8.3) */
#define BFD_NEVER   UINT64_MAX

struct bfd_timers {
    uint32_t min_tx_us; /* wanted once the session is up */
    uint32_t min_rx_us;
    uint8_t multiplier; /* detection time of the neighbour, in our packets */
};

/* Variables as 6.8.1 has them. */
struct bfd_session {
    uint64_t hz;
    struct bfd_timers timers;
    uint32_t discriminator;
    enum bfd_state state;
    uint8_t diag;
    bool polling; /* a poll sequence of ours is under way */
    bool answer;  /* a poll of the neighbour's wants its final */
    enum bfd_state remote_state;
    uint8_t remote_diag;
    bool remote_demand;
    uint8_t remote_multiplier;
    uint32_t remote_discriminator;
    uint32_t remote_min_tx_us;
    uint32_t remote_min_rx_us;
    uint64_t random;   /* of the jitter */
    uint64_t sent;     /* when the last packet was; 0: none was */
    uint64_t tx_due;   /* when the next one is to be */
    uint64_t received; /* when the last packet came; 0: none did */
    uint64_t deadline; /* the detection time ends; BFD_NEVER: it has, or none runs */
};

/* Down, and about to send. The discriminator is not 0; a seed of the jitter for each session. */
void bfd_session_init(struct bfd_session *session, const struct bfd_timers *timers, uint32_t discriminator, uint64_t hz,
                      uint64_t seed, uint64_t now);
/* A packet that bfd_packet_parse() let through and that is this session's. True: the state has changed. */
bool bfd_session_receive(struct bfd_session *session, const struct bfd_packet *packet, uint64_t now);
/* Judges the deadline. True: the state has changed. */
bool bfd_session_expire(struct bfd_session *session, uint64_t now);
/* True: this packet is to be sent now. */
bool bfd_session_send(struct bfd_session *session, uint64_t now, struct bfd_packet *out);
/* The last words before a planned stop; nothing is received or sent afterwards. */
void bfd_session_stop(struct bfd_session *session, struct bfd_packet *out);
/* When to call next: a packet is due, or the deadline has come. */
uint64_t bfd_session_due(const struct bfd_session *session);

/* In force now; 0: none (6.8.4, 6.8.7). */
uint64_t bfd_session_detection_us(const struct bfd_session *session);
uint64_t bfd_session_tx_us(const struct bfd_session *session);

#endif
