/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define READY_MAX 64

LIST_HEAD(timer_list, loop_timer);

struct loop {
    int epoll;
    bool stopped;
    struct timer_list timers; /* soonest first */
    struct epoll_event ready[READY_MAX];
    int ready_count; /* of this pass; a removed watch is NULL in it */
};

struct loop *loop_create(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL) {
        return NULL;
    }
    LIST_INIT(&loop->timers);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    close(loop->epoll);
    free(loop);
}

static int control(struct loop *loop, int operation, struct loop_watch *watch)
{
    struct epoll_event event = {.events = watch->events, .data.ptr = watch};

    return epoll_ctl(loop->epoll, operation, watch->fd, &event) == 0 ? 0 : -errno;
}

int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    watch->events = events;
    return control(loop, EPOLL_CTL_ADD, watch);
}

void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    if (watch->events != events) {
        watch->events = events;
        (void)control(loop, EPOLL_CTL_MOD, watch);
    }
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
    (void)control(loop, EPOLL_CTL_DEL, watch);
    for (int i = 0; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == watch) {
            loop->ready[i].data.ptr = NULL;
        }
    }
}

uint64_t loop_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    struct loop_timer *before = NULL;
    struct loop_timer *next;

    loop_timer_clear(timer);
    timer->due_ms = loop_now_ms() + delay_ms;
    timer->set = true;
    LIST_FOREACH(next, &loop->timers, link)
    {
        if (next->due_ms > timer->due_ms) {
            break;
        }
        before = next;
    }
    if (before != NULL) {
        LIST_INSERT_AFTER(before, timer, link);
    } else {
        LIST_INSERT_HEAD(&loop->timers, timer, link);
    }
}

void loop_timer_clear(struct loop_timer *timer)
{
    if (timer->set) {
        LIST_REMOVE(timer, link);
        timer->set = false;
    }
}

/* The due ones are taken aside first: one that sets itself again waits for the next pass. */
static void fire_due_timers(struct loop *loop)
{
    uint64_t now = loop_now_ms();
    struct timer_list due = LIST_HEAD_INITIALIZER(due);
    struct loop_timer *last = NULL;
    struct loop_timer *timer;

    while ((timer = LIST_FIRST(&loop->timers)) != NULL && timer->due_ms <= now) {
        LIST_REMOVE(timer, link);
        if (last != NULL) {
            LIST_INSERT_AFTER(last, timer, link);
        } else {
            LIST_INSERT_HEAD(&due, timer, link);
        }
        last = timer;
    }
    while ((timer = LIST_FIRST(&due)) != NULL) {
        loop_timer_clear(timer);
        timer->fire(timer->owner);
    }
}

/* Until the first timer, but not longer than `wait_ms` (-1: no limit). */
static int wait_for(struct loop *loop, int wait_ms)
{
    struct loop_timer *first = LIST_FIRST(&loop->timers);
    uint64_t now = loop_now_ms();
    uint64_t left;

    if (first == NULL) {
        return wait_ms;
    }
    left = first->due_ms > now ? first->due_ms - now : 0;
    if (wait_ms >= 0 && left > (uint64_t)wait_ms) {
        return wait_ms;
    }
    return left > INT_MAX ? INT_MAX : (int)left;
}

int loop_once(struct loop *loop, int wait_ms)
{
    int n = epoll_wait(loop->epoll, loop->ready, READY_MAX, wait_for(loop, wait_ms));

    if (n < 0 && errno != EINTR) {
        return -errno;
    }
    loop->ready_count = n < 0 ? 0 : n;
    for (int i = 0; i < loop->ready_count; i++) {
        struct loop_watch *watch = loop->ready[i].data.ptr;

        if (watch != NULL) {
            watch->ready(watch->owner, loop->ready[i].events);
        }
    }
    loop->ready_count = 0;
    fire_due_timers(loop);
    return 0;
}

int loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        int result = loop_once(loop, -1);

        if (result != 0) {
            return result;
        }
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

static void signals_ready(void *owner, uint32_t events)
{
    struct loop_signals *signals = owner;
    struct signalfd_siginfo info;

    (void)events;
    if (read(signals->watch.fd, &info, sizeof(info)) == sizeof(info)) {
        signals->arrived(signals->owner, (int)info.ssi_signo);
    }
}

int loop_signals_add(struct loop *loop, struct loop_signals *signals, const sigset_t *set)
{
    int result;
    int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    signals->watch = (struct loop_watch){.fd = fd, .ready = signals_ready, .owner = signals};
    result = loop_add(loop, &signals->watch, EPOLLIN);
    if (result != 0) {
        goto close_fd;
    }
    result = -pthread_sigmask(SIG_BLOCK, set, NULL);
    if (result != 0) {
        goto remove_watch;
    }
    return 0;
remove_watch:
    loop_remove(loop, &signals->watch);
close_fd:
    close(fd);
    return result;
}

void loop_signals_remove(struct loop *loop, struct loop_signals *signals)
{
    loop_remove(loop, &signals->watch);
    close(signals->watch.fd);
}
