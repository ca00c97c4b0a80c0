/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes: questions to a service, again and again, each with an answer in time or a bad result.
 *
 * One interface for all kinds (struct probe_kind): an attempt is begun, tells its result once, and can be given up. The
 * interval, the time limit and the marks on sockets are common. Results go to the owner, who counts them (health.h).
 * Control thread only; nothing here blocks.
 */
#ifndef PROBE_H
#define PROBE_H

#include "health.h"
#include "loop.h"
#include <sys/types.h>

struct probe;

struct probe_kind {
    /* Begins an attempt: 0, or -errno, which is a bad result. It ends by probe_done(). */
    int (*begin)(struct probe *probe);
    /* Gives up, or clears away after probe_done(); NULL: there is nothing but the watch. */
    void (*end)(struct probe *probe);
};

/* By enum health_check; NULL: no probe tells it. */
const struct probe_kind *probe_kind_of(enum health_check check);

struct probe {
    enum health_check check;
    struct probe_settings settings;
    const char *instance; /* its name, for commands */
    uint32_t mark;        /* of its packets: the way to that one instance; 0: none */
    struct loop *loop;
    struct http_client *http;                                                         /* of all probes; of http alone */
    void (*result)(void *owner, enum health_check check, bool good, const char *why); /* why: of a bad one */
    void *owner;
    /* the probe's own */
    const struct probe_kind *kind;
    struct loop_timer timer;
    struct loop_watch watch; /* fd -1: none */
    uint64_t began_ms;
    bool asking;
    pid_t pid;         /* of a command */
    uint16_t id;       /* of ICMP, DNS */
    uint16_t sequence; /* of ICMP */
    void *transfer;    /* of HTTP */
};

/* Starts probing with what the caller has set, the first attempt after `delay_ms`. */
void probe_start(struct probe *probe, uint64_t delay_ms);
void probe_stop(struct probe *probe);

/* For the kinds. Once an attempt: NULL: good, else why it is not. */
void probe_done(struct probe *probe, const char *why);
/* What the attempt waits for on this descriptor, which is taken over, also by a failure. 0 or -errno. */
int probe_watch(struct probe *probe, int fd, uint32_t events, void (*ready)(void *probe, uint32_t events)) MUST_USE;
/* A non-blocking socket of the address's family with the mark; -errno. */
int probe_socket(const struct probe *probe, int type, int protocol) MUST_USE;

struct sockaddr_storage;
/* The settings' address and port. Returns the length. */
socklen_t probe_sockaddr(const struct probe *probe, struct sockaddr_storage *out);

extern const struct probe_kind probe_tcp;
extern const struct probe_kind probe_icmp;
extern const struct probe_kind probe_http;
extern const struct probe_kind probe_dns;
extern const struct probe_kind probe_command;

#endif
