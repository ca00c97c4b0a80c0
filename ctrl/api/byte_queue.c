/* SPDX-License-Identifier: BSD-3-Clause */
#include "byte_queue.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What an empty queue may keep for its next use. */
#define KEPT_CAPACITY (128 << 10)

int byte_queue_reserve(struct byte_queue *queue, size_t length)
{
    size_t used = byte_queue_length(queue);
    size_t capacity = queue->capacity;
    char *data;

    if (queue->capacity - queue->end >= length) {
        return 0;
    }
    if (queue->capacity - used >= length && queue->start >= used) { /* moving less than was consumed: it pays */
        memcpy(queue->data, byte_queue_front(queue), used);
    } else {
        do {
            capacity = capacity < 4096 ? 4096 : capacity * 2;
        } while (capacity - used < length);
        data = malloc(capacity);
        if (data == NULL) {
            return -ENOMEM;
        }
        if (used > 0) {
            memcpy(data, byte_queue_front(queue), used);
        }
        free(queue->data);
        queue->data = data;
        queue->capacity = capacity;
    }
    queue->start = 0;
    queue->end = used;
    return 0;
}

int byte_queue_append(struct byte_queue *queue, const void *data, size_t length)
{
    int result = byte_queue_reserve(queue, length);

    if (result == 0 && length > 0) {
        memcpy(queue->data + queue->end, data, length);
        queue->end += length;
    }
    return result;
}

void byte_queue_consume(struct byte_queue *queue, size_t length)
{
    queue->start += length;
    if (queue->start == queue->end) {
        queue->start = 0;
        queue->end = 0;
        if (queue->capacity > KEPT_CAPACITY) {
            byte_queue_free(queue);
        }
    }
}

void byte_queue_free(struct byte_queue *queue)
{
    free(queue->data);
    *queue = (struct byte_queue){0};
}
