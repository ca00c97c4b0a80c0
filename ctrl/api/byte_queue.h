/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes that wait: appended at the end, consumed at the front. One owner, no thread safety. All zero is empty and
 * valid.
 */
#ifndef BYTE_QUEUE_H
#define BYTE_QUEUE_H

#include "attributes.h"
#include <stddef.h>

struct byte_queue {
    char *data;
    size_t start; /* the bytes are data[start] to data[end - 1] */
    size_t end;
    size_t capacity;
};

static inline size_t byte_queue_length(const struct byte_queue *queue)
{
    return queue->end - queue->start;
}

static inline char *byte_queue_front(const struct byte_queue *queue)
{
    return queue->data + queue->start;
}

/* Room for `length` bytes at data[end], which the caller fills, adding to `end`. Moves the bytes: pointers into the
 * queue are void. 0 or -ENOMEM. */
int byte_queue_reserve(struct byte_queue *queue, size_t length) MUST_USE;
/* 0 or -ENOMEM. */
int byte_queue_append(struct byte_queue *queue, const void *data, size_t length) MUST_USE;
/* length <= byte_queue_length(). A queue that becomes empty gives a large buffer back. */
void byte_queue_consume(struct byte_queue *queue, size_t length);
/* Empties it and frees everything. */
void byte_queue_free(struct byte_queue *queue);

#endif
