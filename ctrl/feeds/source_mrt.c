/* SPDX-License-Identifier: BSD-3-Clause */
/* MRT files, loaded in parts between which the loop serves others. */
#include "log.h"
#include "mrt.h"
#include "source.h"
#include "unpack.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_MS     5
#define PART_STEP   64 /* records between two looks at the clock */
#define BUFFER_SIZE (MRT_RECORD_MAX + (256 << 10))

struct mrt_load {
    int fd;
    struct unpack *unpack; /* these three only while it is under way */
    struct mrt *mrt;
    uint8_t *bytes;
    size_t start;
    size_t end;
    bool at_end; /* of the file */
    struct loop_timer part;
    struct feed_counts counts; /* when it was done */
    uint64_t position;
    uint64_t size;
    uint64_t began_ms;
    uint64_t ended_ms;
};

/* Lets go of what is needed only while it is under way. */
static void release(struct mrt_load *load)
{
    loop_timer_clear(&load->part);
    if (load->fd >= 0) {
        close(load->fd);
        load->fd = -1;
    }
    if (load->unpack != NULL) {
        load->position = unpack_position(load->unpack);
    }
    if (load->mrt != NULL) {
        load->counts = *mrt_counts(load->mrt);
    }
    unpack_destroy(load->unpack);
    mrt_destroy(load->mrt);
    free(load->bytes);
    load->unpack = NULL;
    load->mrt = NULL;
    load->bytes = NULL;
}

static void finish(struct source *source, const char *why)
{
    struct mrt_load *load = source->load;

    load->ended_ms = loop_now_ms();
    if (why == NULL) {
        mrt_finish(load->mrt);
    }
    release(load);
    source_heard(source);
    source->state = why == NULL ? FEED_LOADED : FEED_FAILED;
    snprintf(source->why, sizeof(source->why), "%s", why != NULL ? why : "");
    if (why != NULL) {
        log_error("%s: %s, %llu records into the file", source->settings.name, why,
                  (unsigned long long)load->counts.messages);
    } else {
        log_notice("%s: loaded %llu routes in %llu ms", source->settings.name, (unsigned long long)load->counts.upserts,
                   (unsigned long long)(load->ended_ms - load->began_ms));
    }
}

/* More bytes of the file behind those that are left. 0 or -errno. */
static int fill(struct mrt_load *load)
{
    ssize_t n;

    memmove(load->bytes, load->bytes + load->start, load->end - load->start);
    load->end -= load->start;
    load->start = 0;
    n = unpack_read(load->unpack, load->bytes + load->end, BUFFER_SIZE - load->end);
    if (n < 0) {
        return n == -EAGAIN ? 0 : (int)n;
    }
    load->at_end = n == 0;
    load->end += (size_t)n;
    return 0;
}

/* 1: there is more; 0: all is done; or -errno. */
static int step(struct mrt_load *load)
{
    struct span bytes = {load->bytes + load->start, load->bytes + load->end};
    int done = mrt_read(load->mrt, &bytes, PART_STEP);

    load->start = (size_t)(bytes.at - load->bytes);
    if (done < 0 || done == PART_STEP) {
        return done < 0 ? done : 1;
    }
    if (load->at_end) {
        return load->start == load->end ? 0 : -ENODATA;
    }
    done = fill(load);
    return done != 0 ? done : 1;
}

static void on_part(void *owner)
{
    struct source *source = owner;
    struct mrt_load *load = source->load;
    uint64_t until = loop_now_ms() + PART_MS;
    int result;

    do {
        result = step(load);
    } while (result == 1 && loop_now_ms() < until);
    if (result == 1) {
        source_heard(source);
        loop_timer_set(source->feeds->loop, &load->part, 0);
    } else if (result == 0) {
        finish(source, NULL);
    } else {
        finish(source, result == -EBADMSG   ? "this is no MRT file, or it is damaged"
                       : result == -ENODATA ? "the file ends in the middle of a record"
                                            : strerror(-result));
    }
}

/* The descriptor is ours in any case. */
int source_mrt_load(struct source *source, int fd, struct error *error)
{
    struct mrt_load *load = source->load;
    struct stat status;

    load->fd = fd;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        release(load);
        return error_set(error, -EINVAL, "what was handed over is no regular file");
    }
    load->unpack = unpack_create(fd);
    load->mrt = mrt_create(&(struct mrt_settings){
        .sink = &source->session.sink, .name = source->settings.name, .room = source->feeds->room});
    load->bytes = malloc(BUFFER_SIZE);
    if (load->unpack == NULL || load->mrt == NULL || load->bytes == NULL) {
        release(load);
        return error_set(error, -ENOMEM, "no memory to load a file");
    }
    load->start = load->end = 0;
    load->at_end = false;
    load->size = (uint64_t)status.st_size;
    load->began_ms = loop_now_ms();
    source->state = FEED_LOADING;
    source->why[0] = '\0';
    loop_timer_set(source->feeds->loop, &load->part, 0);
    return 0;
}

static int mrt_start(struct source *source, struct error *error)
{
    struct mrt_load *load = calloc(1, sizeof(*load));

    if (load == NULL) {
        return error_set(error, -ENOMEM, "no memory to load a file");
    }
    load->fd = -1;
    load->part = (struct loop_timer){.fire = on_part, .owner = source};
    source->load = load;
    return 0;
}

static void mrt_stop(struct source *source)
{
    if (source->load != NULL) {
        release(source->load);
        free(source->load);
    }
}

static void mrt_describe(const struct source *source, struct feed_info *info)
{
    const struct mrt_load *load = source->load;
    bool busy = load->mrt != NULL;

    info->counts = busy ? *mrt_counts(load->mrt) : load->counts;
    info->position = busy ? unpack_position(load->unpack) : load->position;
    info->size = load->size;
    info->elapsed_ms = (busy ? loop_now_ms() : load->ended_ms) - load->began_ms;
}

/* Its state is never one in which these are called. */
static void mrt_no_sync(struct source *source)
{
    (void)source;
}

const struct source_kind source_mrt = {
    .type = "mrt",
    .start = mrt_start,
    .stop = mrt_stop,
    .describe = mrt_describe,
    .sync_begin = mrt_no_sync,
    .sync_end = mrt_no_sync,
};
