/* SPDX-License-Identifier: BSD-3-Clause */
#include "bfd_session.h"
#include "hash.h"
#include <string.h>

static uint32_t max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t ticks(const struct bfd_session *session, uint64_t us)
{
    return us * session->hz / 1000000;
}

/* bfd.DesiredMinTxInterval: slow while the session is not up (6.8.3). */
static uint32_t desired_min_tx(const struct bfd_session *session)
{
    return session->state == BFD_UP ? session->timers.min_tx_us : max32(session->timers.min_tx_us, BFD_SLOW_US);
}

uint64_t bfd_session_tx_us(const struct bfd_session *session)
{
    bool demanded = session->remote_demand && session->state == BFD_UP && session->remote_state == BFD_UP;

    if (session->remote_min_rx_us == 0 || (demanded && !session->polling)) {
        return 0;
    }
    return max32(desired_min_tx(session), session->remote_min_rx_us);
}

uint64_t bfd_session_detection_us(const struct bfd_session *session)
{
    return (uint64_t)session->remote_multiplier * max32(session->timers.min_rx_us, session->remote_min_tx_us);
}

void bfd_session_init(struct bfd_session *session, const struct bfd_timers *timers, uint32_t discriminator, uint64_t hz,
                      uint64_t seed, uint64_t now)
{
    memset(session, 0, sizeof(*session));
    session->hz = hz;
    session->timers = *timers;
    session->discriminator = discriminator;
    session->state = BFD_DOWN;
    session->remote_state = BFD_DOWN;
    session->remote_min_rx_us = 1;
    session->random = seed;
    session->tx_due = now;
    session->deadline = BFD_NEVER;
}

/* Less than the interval by up to a quarter, and by a tenth at least where one packet decides (6.8.7). */
static uint64_t jittered(struct bfd_session *session, uint64_t interval)
{
    uint64_t least = session->timers.multiplier == 1 ? 10 : 0;
    uint64_t permille = least * 10 + hash_mix64(++session->random) % ((25 - least) * 10 + 1);

    return interval - interval * permille / 1000;
}

static void schedule(struct bfd_session *session)
{
    uint64_t interval = bfd_session_tx_us(session);

    session->tx_due = interval > 0 ? session->sent + jittered(session, ticks(session, interval)) : BFD_NEVER;
}

static void enter(struct bfd_session *session, enum bfd_state state, uint8_t diag, uint64_t now)
{
    if (state == BFD_UP) {
        session->polling = true; /* our interval changes with it (6.8.3) */
    } else {
        session->polling = false;
    }
    session->state = state;
    session->diag = diag;
    session->tx_due = now; /* the neighbour should know at once (6.8.7) */
}

/* 6.8.6, from "If received state is AdminDown". True: the state has changed. */
static bool advance(struct bfd_session *session, enum bfd_state received, uint64_t now)
{
    enum bfd_state state = session->state;

    if (state == BFD_DOWN && received == BFD_DOWN) {
        enter(session, BFD_INIT, session->diag, now);
    } else if ((state == BFD_DOWN && received == BFD_INIT) ||
               (state == BFD_INIT && (received == BFD_INIT || received == BFD_UP))) {
        enter(session, BFD_UP, BFD_DIAG_NONE, now);
    } else if ((state != BFD_DOWN && received == BFD_ADMIN_DOWN) || (state == BFD_UP && received == BFD_DOWN)) {
        enter(session, BFD_DOWN, BFD_DIAG_NEIGHBOUR, now);
    }
    return session->state != state;
}

static void learn(struct bfd_session *session, const struct bfd_packet *packet)
{
    session->remote_discriminator = packet->my_discriminator;
    session->remote_state = packet->state;
    session->remote_diag = packet->diag;
    session->remote_demand = packet->demand;
    session->remote_multiplier = packet->multiplier;
    session->remote_min_tx_us = packet->min_tx_us;
    session->remote_min_rx_us = packet->min_rx_us;
}

bool bfd_session_receive(struct bfd_session *session, const struct bfd_packet *packet, uint64_t now)
{
    uint64_t before = bfd_session_tx_us(session);
    bool changed;

    if (session->state == BFD_ADMIN_DOWN) {
        return false;
    }
    learn(session, packet);
    session->received = now;
    session->deadline = now + ticks(session, bfd_session_detection_us(session));
    if (packet->final) {
        session->polling = false;
    }
    if (packet->poll) {
        session->answer = true;
        session->tx_due = now;
    }
    changed = advance(session, packet->state, now);
    if (!changed && !session->answer && session->sent != 0 && bfd_session_tx_us(session) != before) {
        schedule(session);
    }
    return changed;
}

bool bfd_session_expire(struct bfd_session *session, uint64_t now)
{
    if (now < session->deadline) {
        return false;
    }
    session->deadline = BFD_NEVER;
    session->remote_discriminator = 0; /* 6.8.1 */
    if (session->state != BFD_INIT && session->state != BFD_UP) {
        return false;
    }
    enter(session, BFD_DOWN, BFD_DIAG_EXPIRED, now);
    return true;
}

static void compose(const struct bfd_session *session, struct bfd_packet *out)
{
    *out = (struct bfd_packet){
        .state = session->state,
        .diag = session->diag,
        .poll = session->polling && !session->answer,
        .final = session->answer,
        .control_plane_independent = true,
        .multiplier = session->timers.multiplier,
        .my_discriminator = session->discriminator,
        .your_discriminator = session->remote_discriminator,
        .min_tx_us = desired_min_tx(session),
        .min_rx_us = session->timers.min_rx_us,
    };
}

bool bfd_session_send(struct bfd_session *session, uint64_t now, struct bfd_packet *out)
{
    if (session->state == BFD_ADMIN_DOWN || now < session->tx_due) {
        return false;
    }
    compose(session, out);
    session->answer = false;
    session->sent = now;
    schedule(session);
    return true;
}

void bfd_session_stop(struct bfd_session *session, struct bfd_packet *out)
{
    session->state = BFD_ADMIN_DOWN;
    session->diag = BFD_DIAG_ADMIN_DOWN;
    session->polling = false;
    session->answer = false;
    session->tx_due = BFD_NEVER;
    session->deadline = BFD_NEVER;
    compose(session, out);
}

uint64_t bfd_session_due(const struct bfd_session *session)
{
    return session->tx_due < session->deadline ? session->tx_due : session->deadline;
}
