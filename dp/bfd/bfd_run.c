/* SPDX-License-Identifier: BSD-3-Clause */
/* The runner's side. */
#include "bfd_private.h"

#define QUANTUM_US      100   /* sessions are looked at no more often */
#define IDLE_US         10000 /* and no less */
#define LATE_US         1000  /* grace after a stall */
#define FIRST_PORT      49152 /* RFC 5881 4 */
#define SOURCE_PORT(id) ((uint16_t)(FIRST_PORT + (id)))

static uint64_t ticks(const struct bfd *bfd, uint64_t us)
{
    return us * bfd->hz / 1000000;
}

#define TELL(member, value) __atomic_store_n(&status->member, (value), __ATOMIC_RELAXED)

static void publish(struct bfd_member *member)
{
    const struct bfd_session *session = &member->session;
    struct bfd_status *status = &member->status;

    TELL(state, session->state);
    TELL(remote_state, session->remote_state);
    TELL(diag, session->diag);
    TELL(remote_diag, session->remote_diag);
    TELL(remote_discriminator, session->remote_discriminator);
    TELL(detection_us, (uint32_t)bfd_session_detection_us(session));
    TELL(tx_us, (uint32_t)bfd_session_tx_us(session));
}

static uint64_t packets_to(const struct bfd *bfd, const struct bfd_member *member)
{
    uint64_t packets = 0;

    for (unsigned int i = 0; bfd->count != NULL && i < member->spec.target_count; i++) {
        packets += bfd->count(bfd->count_owner, member->spec.targets[i]);
    }
    return packets;
}

static void put_event(struct bfd *bfd, const struct bfd_member *member, bool usable, uint64_t now)
{
    uint32_t head = bfd->event_head;

    if (head - __atomic_load_n(&bfd->event_tail, __ATOMIC_ACQUIRE) == BFD_EVENTS) {
        return; /* the status tells as well, if less */
    }
    bfd->events[head % BFD_EVENTS] = (struct bfd_event){
        .id = member->id,
        .discriminator = member->discriminator,
        .usable = usable,
        .diag = member->session.diag,
        .heard = member->session.received,
        .flipped = now,
        .packets_heard = member->packets_heard,
        .packets = packets_to(bfd, member),
    };
    __atomic_store_n(&bfd->event_head, head + 1, __ATOMIC_RELEASE);
}

static void write_bytes(struct bfd *bfd, const struct bfd_member *member, bool alive)
{
    for (unsigned int i = 0; i < member->spec.target_count; i++) {
        if (!alive && bfd->takeovers != NULL) {
            takeover_arm(bfd->takeovers, member->spec.targets[i]);
        }
        adjacency_set_state(&bfd->adjacencies[member->spec.targets[i]], ADJACENCY_BFD,
                            alive ? ADJACENCY_ALIVE : ADJACENCY_SUSPECT);
    }
}

/* The flip: from the session's state to the adjacencies. */
static void conclude(struct bfd *bfd, struct bfd_member *member, uint64_t now)
{
    bool up = member->session.state == BFD_UP;
    bool hold = __atomic_load_n(&member->hold, __ATOMIC_RELAXED);
    bool was = member->status.usable;
    bool usable;

    member->ever_up |= up;
    usable = up || (!member->ever_up && now < member->grace);
    if (usable != was || hold != member->held) {
        write_bytes(bfd, member, usable || hold);
        member->held = hold;
    }
    if (usable != was) {
        __atomic_store_n(&member->status.usable, usable, __ATOMIC_RELAXED);
        __atomic_store_n(&member->status.failures, member->status.failures + !usable, __ATOMIC_RELAXED);
        put_event(bfd, member, usable, now);
    }
}

static void start(struct bfd *bfd, struct bfd_member *member, uint64_t now)
{
    member->started = true;
    member->grace = now + ticks(bfd, BFD_GRACE_MS * 1000);
    bfd_session_init(&member->session, &member->spec.timers, member->discriminator, bfd->hz, member->discriminator,
                     now);
}

static void transmit(struct bfd *bfd, struct bfd_member *member, const struct bfd_packet *packet)
{
    uint8_t bytes[BFD_PACKET_SIZE];

    bfd_packet_write(packet, bytes);
    bfd->send(bfd->owner, &member->spec, SOURCE_PORT(member->id), bytes);
    __atomic_store_n(&member->status.sent, member->status.sent + 1, __ATOMIC_RELAXED);
}

static void receive(struct bfd *bfd, struct bfd_member *member, const struct bfd_packet *packet, uint64_t now)
{
    if (__atomic_load_n(&member->life, __ATOMIC_ACQUIRE) != BFD_LIVES) {
        return;
    }
    if (!member->started) {
        start(bfd, member, now);
    }
    __atomic_store_n(&member->status.received, member->status.received + 1, __ATOMIC_RELAXED);
    if (bfd_session_receive(&member->session, packet, now)) {
        conclude(bfd, member, now);
    }
    member->packets_heard = packets_to(bfd, member);
    publish(member);
    bfd->due[member->id] = bfd_session_due(&member->session);
    if (bfd->due[member->id] < bfd->clock.due) {
        bfd->clock.due = bfd->due[member->id];
    }
}

void bfd_arrive(struct bfd *bfd, unsigned int worker, const struct bfd_member *member, const struct bfd_packet *packet,
                uint64_t now)
{
    struct bfd_inbox *inbox = &bfd->inboxes[worker];
    uint32_t head = inbox->head;

    if (worker == 0) {
        receive(bfd, (struct bfd_member *)(uintptr_t)member, packet, now); /* the runner's to change */
        return;
    }
    if (head - __atomic_load_n(&inbox->tail, __ATOMIC_ACQUIRE) == BFD_INBOX) {
        return;
    }
    inbox->slots[head % BFD_INBOX].discriminator = member->discriminator;
    inbox->slots[head % BFD_INBOX].now = now;
    inbox->slots[head % BFD_INBOX].packet = *packet;
    __atomic_store_n(&inbox->head, head + 1, __ATOMIC_RELEASE);
    __atomic_add_fetch(&bfd->clock.wake, 1, __ATOMIC_RELEASE);
}

/* What other workers have received. */
static void empty_inboxes(struct bfd *bfd)
{
    for (unsigned int worker = 1; worker < bfd->workers; worker++) {
        struct bfd_inbox *inbox = &bfd->inboxes[worker];
        uint32_t tail = inbox->tail;

        for (; tail != __atomic_load_n(&inbox->head, __ATOMIC_ACQUIRE); tail++) {
            uint32_t discriminator = inbox->slots[tail % BFD_INBOX].discriminator;
            struct bfd_member *member = bfd_member_load(bfd, discriminator & (BFD_SESSIONS_MAX - 1));

            if (member != NULL && member->discriminator == discriminator) {
                receive(bfd, member, &inbox->slots[tail % BFD_INBOX].packet, inbox->slots[tail % BFD_INBOX].now);
            }
            __atomic_store_n(&inbox->tail, tail + 1, __ATOMIC_RELEASE);
        }
    }
}

/* Last words; and nothing of ours is left in the adjacencies. */
static void leave(struct bfd *bfd, struct bfd_member *member)
{
    struct bfd_packet packet;

    if (member->started) {
        bfd_session_stop(&member->session, &packet);
        transmit(bfd, member, &packet);
        publish(member);
    }
    write_bytes(bfd, member, true);
}

/* Sends what is due for one session. True: its detection time is over. */
static bool run_member(struct bfd *bfd, struct bfd_member *member, uint64_t now)
{
    struct bfd_packet packet;

    if (!member->started) {
        start(bfd, member, now);
    }
    if (__atomic_load_n(&member->life, __ATOMIC_ACQUIRE) == BFD_LEAVES) {
        leave(bfd, member);
        bfd->due[member->id] = BFD_NEVER;
        __atomic_store_n(&member->life, BFD_HAS_LEFT, __ATOMIC_RELEASE);
        return false;
    }
    conclude(bfd, member, now); /* the grace may be over, the hold may have changed */
    if (bfd_session_send(&member->session, now, &packet)) {
        transmit(bfd, member, &packet);
    }
    bfd->due[member->id] = bfd_session_due(&member->session);
    return now >= member->session.deadline;
}

bool bfd_run(struct bfd *bfd, uint64_t now)
{
    uint32_t wake = __atomic_load_n(&bfd->clock.wake, __ATOMIC_ACQUIRE);
    uint64_t earliest = now + ticks(bfd, QUANTUM_US);
    uint64_t due = now + ticks(bfd, IDLE_US);
    uint32_t end = __atomic_load_n(&bfd->end, __ATOMIC_ACQUIRE);
    bool all = wake != bfd->clock.woken;
    bool overdue = false;

    empty_inboxes(bfd);
    for (uint32_t id = 0; id < end; id++) {
        struct bfd_member *member = bfd_member_load(bfd, id);

        if (member == NULL || __atomic_load_n(&member->life, __ATOMIC_ACQUIRE) == BFD_HAS_LEFT) {
            continue;
        }
        if (all || now >= bfd->due[id] || !member->ever_up) {
            overdue |= run_member(bfd, member, now);
        }
        due = bfd->due[id] < due ? bfd->due[id] : due;
    }
    bfd->clock.woken = wake;
    bfd->clock.due = due > earliest ? due : earliest;
    return overdue;
}

void bfd_judge(struct bfd *bfd, uint64_t now, bool stalled)
{
    uint32_t end = __atomic_load_n(&bfd->end, __ATOMIC_ACQUIRE);

    if (stalled) {
        bfd->judge_after = now + ticks(bfd, LATE_US);
    }
    if (now < bfd->judge_after) {
        return;
    }
    empty_inboxes(bfd);
    for (uint32_t id = 0; id < end; id++) {
        struct bfd_member *member = bfd_member_load(bfd, id);

        if (member == NULL || !member->started || now < member->session.deadline ||
            __atomic_load_n(&member->life, __ATOMIC_ACQUIRE) == BFD_HAS_LEFT) {
            continue;
        }
        if (bfd_session_expire(&member->session, now)) {
            conclude(bfd, member, now);
        }
        publish(member);
        bfd->due[id] = bfd_session_due(&member->session);
    }
}

void bfd_runner_online(struct bfd *bfd)
{
    __atomic_store_n(&bfd->running, true, __ATOMIC_RELEASE);
}

void bfd_runner_stop(struct bfd *bfd)
{
    uint32_t end = __atomic_load_n(&bfd->end, __ATOMIC_ACQUIRE);

    for (uint32_t id = 0; id < end; id++) {
        struct bfd_member *member = bfd_member_load(bfd, id);

        if (member != NULL && __atomic_load_n(&member->life, __ATOMIC_ACQUIRE) == BFD_LIVES) {
            leave(bfd, member);
        }
    }
    __atomic_store_n(&bfd->running, false, __ATOMIC_RELEASE);
}
