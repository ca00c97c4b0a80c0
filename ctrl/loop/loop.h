/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's one event loop: file descriptors (epoll), timers, signals (signalfd).
 *
 * Watches and timers are structs inside their owners, so that registering is all that can fail and nothing is looked
 * up. A callback may add, change and remove any watch or timer, its own among them, and may then free what holds it:
 * what was removed is never called, even if it was ready already. Everything is called from loop_run(), by one thread.
 *
 * A pass: wait, call the watches that are ready, then the timers that were due when the pass began to call. A timer set
 * to 0 ms therefore runs once a pass, after the descriptors: that is how to do long work in small parts without
 * holding up anybody else.
 */
#ifndef LOOP_H
#define LOOP_H

#include "attributes.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

struct loop;

/* `fd` stays the owner's: remove the watch first, then close it. */
struct loop_watch {
    int fd;
    void (*ready)(void *owner, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
    void *owner;
    uint32_t events; /* what it waits for now */
};

struct loop_timer {
    void (*fire)(void *owner);
    void *owner;
    /* the loop's: */
    bool set;
    uint64_t due_ms;
    LIST_ENTRY(loop_timer) link;
};

struct loop_signals {
    void (*arrived)(void *owner, int signal);
    void *owner;
    struct loop_watch watch; /* the loop's */
};

/* NULL with errno. */
struct loop *loop_create(void);
/* Watches and timers that are still there are forgotten, not called. */
void loop_destroy(struct loop *loop);

/* Level-triggered. 0 or -errno. events may be 0: only errors and hang-ups are told. */
int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t events) MUST_USE;
/* What to wait for from now on; costs nothing if that is unchanged. Never fails for a watch that was added. */
void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events);
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* Fires once, `delay_ms` from now; sets anew a timer that is set. Timers are kept in a sorted list: dozens, not
 * thousands. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
/* Does nothing if it is not set. */
void loop_timer_clear(struct loop_timer *timer);
/* CLOCK_MONOTONIC in milliseconds. */
uint64_t loop_now_ms(void);

/* Blocks the signals in the calling thread and reads them in the loop instead. Call it before other threads start:
 * they inherit the mask. The signals stay blocked after the removal. 0 or -errno. */
int loop_signals_add(struct loop *loop, struct loop_signals *signals, const sigset_t *set) MUST_USE;
void loop_signals_remove(struct loop *loop, struct loop_signals *signals);

/* Runs passes until loop_stop(). 0 or -errno. */
int loop_run(struct loop *loop) MUST_USE;
/* One pass that waits `wait_ms` at most (-1: for the next event or timer). 0 or -errno. */
int loop_once(struct loop *loop, int wait_ms) MUST_USE;
void loop_stop(struct loop *loop);

#endif
