/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pump DEVICE PPS < FRAMES: sends Ethernet frames at a constant rate, in order, each once.
 *
 * FRAMES is a sequence of (length: 2 bytes, big endian; frame). All are read before the first is sent. Where the
 * sender itself was held up, it makes up for a few frames at most and is late with the others: no receiver gets a
 * burst that the rate does not announce. Ends after the last frame or at SIGTERM. Prints one line at the end: how many
 * were sent, and for how many microseconds the sender was held up at worst.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define MAKE_UP  16 /* frames */

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void sleep_until(int64_t ns)
{
    struct timespec until = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR && !stopped) {
    }
}

static uint8_t *read_all(FILE *file, size_t *length)
{
    size_t room = 1 << 20, n;
    uint8_t *bytes = malloc(room);

    *length = 0;
    while (bytes && (n = fread(bytes + *length, 1, room - *length, file)) > 0) {
        *length += n;
        if (*length == room) {
            room *= 2;
            bytes = realloc(bytes, room);
        }
    }
    return bytes;
}

static int open_device(const char *device)
{
    struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (fd < 0 || where.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
        return -1;
    }
    return fd;
}

/* The device's queue may be full for a moment: a frame is offered until it is taken. */
static bool send_frame(int fd, const uint8_t *frame, size_t length)
{
    while (send(fd, frame, length, 0) < 0) {
        if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    int64_t gap, next, late, latest = 0;
    size_t length, at = 0;
    long sent = 0;
    uint8_t *bytes;
    int fd;

    if (argc != 3 || atol(argv[2]) <= 0) {
        fprintf(stderr, "usage: pump DEVICE PPS < FRAMES\n");
        return 2;
    }
    fd = open_device(argv[1]);
    bytes = read_all(stdin, &length);
    if (fd < 0 || !bytes) {
        perror(argv[1]);
        return 1;
    }
    signal(SIGTERM, stop);
    prctl(PR_SET_TIMERSLACK, 1UL);
    gap = NS_PER_S / atol(argv[2]);
    for (next = now_ns(); !stopped && at + 2 <= length; next += gap) {
        size_t size = (size_t)bytes[at] << 8 | bytes[at + 1];

        sleep_until(next);
        late = now_ns() - next;
        latest = late > latest ? late : latest;
        next += late > MAKE_UP * gap ? late - MAKE_UP * gap : 0;
        if (at + 2 + size > length || !send_frame(fd, bytes + at + 2, size)) {
            perror("send");
            return 1;
        }
        sent++;
        at += 2 + size;
    }
    printf("%ld %ld\n", sent, (long)(latest / 1000));
    free(bytes);
    close(fd);
    return 0;
}
