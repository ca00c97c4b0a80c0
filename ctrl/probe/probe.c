/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const struct probe_kind *probe_kind_of(enum health_check check)
{
    static const struct probe_kind *const kinds[HEALTH_CHECKS] = {
        [CHECK_TCP] = &probe_tcp, [CHECK_ICMP] = &probe_icmp,       [CHECK_HTTP] = &probe_http,
        [CHECK_DNS] = &probe_dns, [CHECK_COMMAND] = &probe_command,
    };

    return kinds[check];
}

static void clear_away(struct probe *probe)
{
    if (probe->kind->end != NULL) {
        probe->kind->end(probe);
    }
    if (probe->watch.fd >= 0) {
        loop_remove(probe->loop, &probe->watch);
        close(probe->watch.fd);
        probe->watch.fd = -1;
    }
    probe->asking = false;
}

void probe_done(struct probe *probe, const char *why)
{
    uint64_t took = loop_now_ms() - probe->began_ms;
    uint64_t interval = probe->settings.interval_ms;

    clear_away(probe);
    loop_timer_set(probe->loop, &probe->timer, took < interval ? interval - took : 0);
    probe->result(probe->owner, probe->check, why == NULL, why);
}

/* The next attempt is due, or the time of this one is over. */
static void on_timer(void *owner)
{
    struct probe *probe = owner;
    int result;

    if (probe->asking) {
        probe_done(probe, "no answer in time");
        return;
    }
    probe->asking = true;
    probe->began_ms = loop_now_ms();
    loop_timer_set(probe->loop, &probe->timer, probe->settings.timeout_ms);
    result = probe->kind->begin(probe);
    if (result != 0) {
        probe_done(probe, strerror(-result));
    }
}

void probe_start(struct probe *probe, uint64_t delay_ms)
{
    probe->kind = probe_kind_of(probe->check);
    probe->watch = (struct loop_watch){.fd = -1};
    probe->timer = (struct loop_timer){.fire = on_timer, .owner = probe};
    probe->asking = false;
    loop_timer_set(probe->loop, &probe->timer, delay_ms);
}

void probe_stop(struct probe *probe)
{
    loop_timer_clear(&probe->timer);
    if (probe->asking) {
        clear_away(probe);
    }
}

int probe_watch(struct probe *probe, int fd, uint32_t events, void (*ready)(void *probe, uint32_t events))
{
    int result;

    probe->watch = (struct loop_watch){.fd = fd, .ready = ready, .owner = probe};
    result = loop_add(probe->loop, &probe->watch, events);
    if (result != 0) {
        probe->watch.fd = -1;
        close(fd);
    }
    return result;
}

int probe_socket(const struct probe *probe, int type, int protocol)
{
    int family = probe->settings.address.family == FAMILY_V4 ? AF_INET : AF_INET6;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    int result;

    if (fd < 0) {
        return -errno;
    }
    if (probe->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &probe->mark, sizeof(probe->mark)) != 0) {
        result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

socklen_t probe_sockaddr(const struct probe *probe, struct sockaddr_storage *out)
{
    const struct ip_addr *address = &probe->settings.address;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(probe->settings.port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(probe->settings.port)};

    memset(out, 0, sizeof(*out));
    if (address->family == FAMILY_V4) {
        memcpy(&v4.sin_addr, address->bytes, sizeof(v4.sin_addr));
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    memcpy(&v6.sin6_addr, address->bytes, sizeof(v6.sin6_addr));
    memcpy(out, &v6, sizeof(v6));
    return sizeof(v6);
}
