/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the plug-in of nic.c and the benchmark that started the daemon share: a file that both map. Words of 64 bits, of
 * this machine's byte order, each written by one side alone; bench/nic.py knows the order.
 */
#ifndef NIC_SHARED_H
#define NIC_SHARED_H

#include <assert.h>
#include <stdint.h>

#define NIC_FRAME_BYTES 64
#define NIC_FRAMES_AT   32768 /* where the frames begin in the file */
/* Of cycles: exact below 128, then 64 bins for each power of two, up to 2^40. */
#define NIC_BINS (34 * 64 + 128)

struct nic_shared {
    /* the benchmark's */
    uint64_t run;    /* 1: the daemon is ready, take its ports over */
    uint64_t epoch;  /* changes when the rate does */
    uint64_t rate;   /* packets a second that arrive; 0: as many as are polled for */
    uint64_t frames; /* a power of two */
    uint64_t moving; /* prefixes, from the first on, that may be at either of their two places */
    /* the plug-in's */
    uint64_t ready;
    uint64_t hz;               /* TSC cycles a second */
    uint64_t received;         /* packets */
    uint64_t missed;           /* that found the receive ring full */
    uint64_t missed_in_stalls; /* of these: while the worker did not run */
    uint64_t sent;
    uint64_t elsewhere;      /* of these: not at a place where they may be */
    uint64_t stalls;         /* polls so late that the worker cannot have run */
    uint64_t stalled;        /* TSC cycles of these */
    uint64_t bins[NIC_BINS]; /* bursts sent, by TSC cycles since the last burst was received */
};
static_assert(sizeof(struct nic_shared) <= NIC_FRAMES_AT, "the frames begin behind it");

#endif
