/* SPDX-License-Identifier: BSD-3-Clause */
/* An ICMP echo that is answered (RFC 792, RFC 4443 4). Every raw socket sees every reply, those to the probes of other
 * instances with the same address included, so id and sequence number must be ours. */
#include "probe.h"
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Alike in both families but for the type. */
struct echo {
    uint8_t type;
    uint8_t code;
    uint16_t checksum; /* of IPv6: the kernel's to fill in */
    uint16_t id;
    uint16_t sequence;
};

static uint16_t checksum(const struct echo *echo)
{
    uint16_t words[sizeof(*echo) / 2];
    uint32_t sum = 0;

    memcpy(words, echo, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        sum += words[i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* Of IPv4 the socket delivers the IP header as well. */
static bool is_reply(const struct probe *probe, const uint8_t *bytes, size_t n)
{
    bool v4 = probe->settings.address.family == FAMILY_V4;
    size_t header = v4 && n > 0 ? (size_t)(bytes[0] & 0xf) * 4 : 0;
    struct echo echo;

    if (n < header + sizeof(echo)) {
        return false;
    }
    memcpy(&echo, bytes + header, sizeof(echo));
    return echo.type == (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && echo.id == probe->id &&
           echo.sequence == probe->sequence;
}

static void on_packet(void *owner, uint32_t events)
{
    struct probe *probe = owner;
    uint8_t bytes[128];
    ssize_t n;

    (void)events;
    while ((n = recv(probe->watch.fd, bytes, sizeof(bytes), 0)) >= 0) {
        if (is_reply(probe, bytes, (size_t)n)) {
            probe_done(probe, NULL);
            return;
        }
    }
    if (errno != EAGAIN) {
        probe_done(probe, strerror(errno));
    }
}

static void filter(int fd, bool v4)
{
    struct icmp6_filter v6_filter;
    uint32_t v4_filter = ~(UINT32_C(1) << ICMP_ECHOREPLY);

    /* what fails here only costs time */
    if (v4) {
        (void)setsockopt(fd, SOL_RAW, 1 /* ICMP_FILTER */, &v4_filter, sizeof(v4_filter));
        return;
    }
    ICMP6_FILTER_SETBLOCKALL(&v6_filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6_filter);
    (void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6_filter, sizeof(v6_filter));
}

static int ask(struct probe *probe, int fd, bool v4)
{
    struct echo echo = {.type = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST};
    struct sockaddr_storage to;
    socklen_t size;

    if (probe->id == 0 && getrandom(&probe->id, sizeof(probe->id), GRND_NONBLOCK) != (ssize_t)sizeof(probe->id)) {
        return -EAGAIN;
    }
    echo.id = probe->id;
    echo.sequence = ++probe->sequence;
    echo.checksum = checksum(&echo);
    probe->settings.port = 0;
    size = probe_sockaddr(probe, &to);
    if (connect(fd, (const struct sockaddr *)&to, size) != 0 || send(fd, &echo, sizeof(echo), 0) < 0) {
        return -errno;
    }
    return 0;
}

static int begin(struct probe *probe)
{
    bool v4 = probe->settings.address.family == FAMILY_V4;
    int fd = probe_socket(probe, SOCK_RAW, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    int result;

    if (fd < 0) {
        return fd;
    }
    filter(fd, v4);
    result = ask(probe, fd, v4);
    if (result != 0) {
        close(fd);
        return result;
    }
    return probe_watch(probe, fd, EPOLLIN, on_packet);
}

const struct probe_kind probe_icmp = {begin, NULL};
