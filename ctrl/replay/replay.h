/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of anyfwd-replay(1) share. */
#ifndef REPLAY_H
#define REPLAY_H

#include "dp_replay.h"
#include "dp_watch.h"
#include "forwarder.h"
#include <pcap/pcap.h>

/* The command line. Paths. */
struct replay_options {
    const char *config; /* required */
    const char *in;     /* required */
    const char *out;    /* required: a folder, made if it is not there */
    const char *port;   /* that received the packets; NULL: the first */
    const char *kernel; /* NULL: nothing; for ip -batch, in the namespace */
    const char *calls;  /* NULL: nothing; of the control API, a line each */
    bool trace;
};

#define REPLAY_DONE  1 /* help or version were asked for, and printed */
#define REPLAY_WRONG 2 /* told on stderr */

/* 0, REPLAY_DONE or REPLAY_WRONG. */
int replay_options_parse(int argc, char **argv, struct replay_options *out) MUST_USE;

/* Moves the process to a network namespace of its own. 0 or -errno with a text. */
int replay_enter_namespace(struct error *error) MUST_USE;
/* Every port is a null device with a kernel twin of the name that its netdev has in the configuration. */
void replay_plan(struct plan *plan);
/* What the kernel knows, and what clients have called. 0 or -errno with a text. */
int replay_set_up(struct forwarder *forwarder, const struct replay_options *options, struct error *error) MUST_USE;

/* The folder of what came out. */
struct replay_output {
    struct watch watch; /* first: what is shown to it is written */
    const struct dp *dp;
    uint64_t time_ns;                    /* since 1970, of what is shown */
    pcap_t *format;                      /* of the files of the ports */
    pcap_dumper_t *sent[PIPE_PORTS_MAX]; /* a file a port */
    FILE *punted;                        /* pcapng, an interface a port */
    FILE *dropped;                       /* the same, and a comment with the reason */
    bool failed;                         /* a file could not be written */
};

/* 0 or -errno with a text; close it either way. */
int replay_output_open(struct replay_output *output, const char *folder, const struct dp *dp,
                       struct error *error) MUST_USE;
/* 0 or -errno with a text: not everything is in the files. */
int replay_output_close(struct replay_output *output, struct error *error) MUST_USE;

/* What each stage did with each packet, as text. All zero: nobody asked for it. */
struct replay_trace {
    struct dp_watch *watch;
    FILE *file;
};

/* 0 or -errno with a text; close it either way, before the data plane. */
int replay_trace_open(struct replay_trace *trace, const char *folder, struct dp *dp, struct error *error) MUST_USE;
/* After each step. */
void replay_trace_write(struct replay_trace *trace, const struct control *control);
/* 0, or -EIO: not everything is in the file. */
int replay_trace_close(struct replay_trace *trace, struct dp *dp) MUST_USE;

#endif
