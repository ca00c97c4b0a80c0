/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connections of a server: bytes in, requests run, answers out. No client holds up another one or grows without
 * bound:
 * - a turn of a client is API_TURN_REQUESTS requests or API_TURN_MS; what is left waits for its next turn;
 * - nothing more is read from a client that has requests left or API_OUTPUT_MAX bytes of answers unread (it is the
 *   kernel that then makes it wait);
 * - a line of more than API_LINE_MAX bytes is answered with an error and dropped up to its newline, as it comes;
 * - the lines and batches of all clients together may hold API_INPUT_TOTAL bytes; long lines beyond it are answered
 *   with "busy" and dropped in the same way;
 * - what clients are told without asking is bounded by API_STREAM_MAX, see api_stream.h.
 *
 * Belongs to api_server.c.
 */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include "api_stream.h"
#include "jsonrpc.h"
#include "loop.h"
#include <sys/queue.h>

#define API_LINE_MAX      ((size_t)16 << 20)
#define API_OUTPUT_MAX    ((size_t)256 << 10)
#define API_INPUT_TOTAL   ((size_t)512 << 20)
#define API_TURN_REQUESTS 64
#define API_TURN_MS       5

LIST_HEAD(api_client_list, api_client);
TAILQ_HEAD(api_client_queue, api_client);

struct api_client {
    struct api_clients *clients;
    struct api_peer peer;
    struct loop_watch watch;
    int file; /* that came with its bytes and no call has taken; -1: none */
    struct byte_queue in;
    size_t searched; /* the first bytes of `in` that are known to hold no newline */
    bool dropping;   /* the rest of the line that is coming in has been refused */
    bool ended;      /* the peer sends nothing more */
    struct jsonrpc_work work;
    size_t batch_size;      /* of the line that is being worked on, if it is a batch */
    size_t held;            /* our part of clients->held */
    struct byte_queue out;  /* answers */
    struct byte_queue told; /* notifications: they join `out` when it is empty and no batch is half answered */
    LIST_HEAD(, api_stream) streams;
    bool waiting;
    LIST_ENTRY(api_client) link;
    TAILQ_ENTRY(api_client) waiting_link;
};

/* The clients of one server, and what they share. */
struct api_clients {
    struct loop *loop;
    struct jsonrpc_methods methods;
    struct api_client_list all;
    unsigned int count;
    struct api_client_queue waiting; /* those with requests left after their turn */
    struct loop_timer next_turns;
    size_t held;     /* bytes of input that all of them hold */
    size_t held_max; /* API_INPUT_TOTAL */
    size_t told;     /* bytes of notifications that wait for all of them */
};

void api_clients_init(struct api_clients *clients, struct loop *loop, const struct jsonrpc_methods *methods);
/* Takes over a connected, non-blocking socket; closes it if that fails. 0 or -errno. */
int api_client_add(struct api_clients *clients, int fd) MUST_USE;
/* Sends what the sockets take of the answers, and closes them all. */
void api_clients_close(struct api_clients *clients);

/* For api_stream.c: something waits to be sent, or to be closed. It has a turn in the next pass. */
void api_client_wake(struct api_client *client);

#endif
