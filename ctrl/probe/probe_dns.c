/* SPDX-License-Identifier: BSD-3-Clause */
/* A name that the server resolves (RFC 1035), asked for over UDP. Each attempt has an id and a port of its own. */
#include "dns_message.h"
#include "probe.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static struct dns_question question_of(const struct probe *probe)
{
    return (struct dns_question){probe->settings.text, probe->settings.wanted, probe->id};
}

static void on_datagram(void *owner, uint32_t events)
{
    struct probe *probe = owner;
    struct dns_question question = question_of(probe);
    uint8_t reply[DNS_REPLY_MAX];
    const char *why = NULL;
    ssize_t n;

    (void)events;
    while ((n = recv(probe->watch.fd, reply, sizeof(reply), MSG_TRUNC)) >= 0) {
        if (dns_judge(&question, reply, (size_t)n, &why) != DNS_NOT_OURS) {
            probe_done(probe, why);
            return;
        }
    }
    if (errno != EAGAIN) {
        probe_done(probe, strerror(errno));
    }
}

static int ask(struct probe *probe, int fd)
{
    uint8_t query[DNS_QUERY_MAX];
    struct dns_question question;
    struct sockaddr_storage to;
    socklen_t size = probe_sockaddr(probe, &to);
    int length;

    if (getrandom(&probe->id, sizeof(probe->id), GRND_NONBLOCK) != (ssize_t)sizeof(probe->id)) {
        return -EAGAIN;
    }
    question = question_of(probe);
    length = dns_query(&question, query);
    if (length < 0) {
        return length;
    }
    return connect(fd, (const struct sockaddr *)&to, size) != 0 || send(fd, query, (size_t)length, 0) < 0 ? -errno : 0;
}

static int begin(struct probe *probe)
{
    int fd = probe_socket(probe, SOCK_DGRAM, 0);
    int result;

    if (fd < 0) {
        return fd;
    }
    result = ask(probe, fd);
    if (result != 0) {
        close(fd);
        return result;
    }
    return probe_watch(probe, fd, EPOLLIN, on_datagram);
}

const struct probe_kind probe_dns = {begin, NULL};
