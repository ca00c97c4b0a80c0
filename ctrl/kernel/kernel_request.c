/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the kernel. rtnetlink answers within the system call that asks, so waiting for it costs nothing. */
#include "kernel_impl.h"
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REQUEST_SIZE 256

int kernel_requests_open(struct kernel *kernel)
{
    struct timeval patience = {.tv_sec = 1}; /* against a bug, not against load */

    kernel->requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (kernel->requests == NULL || mnl_socket_bind(kernel->requests, 0, MNL_SOCKET_AUTOPID) != 0 ||
        setsockopt(mnl_socket_get_fd(kernel->requests), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
        return -errno;
    }
    return 0;
}

static unsigned int address_family(const struct ip_addr *addr)
{
    return addr->family == FAMILY_V4 ? AF_INET : AF_INET6;
}

/* Sends, and returns the first message of the answer. NULL: errno says why. */
static const struct nlmsghdr *ask(struct kernel *kernel, struct nlmsghdr *question)
{
    const struct nlmsghdr *answer = (const struct nlmsghdr *)kernel->answer;
    ssize_t n;

    question->nlmsg_flags |= NLM_F_REQUEST;
    question->nlmsg_seq = ++kernel->request_sequence;
    if (mnl_socket_sendto(kernel->requests, question, question->nlmsg_len) < 0) {
        return NULL;
    }
    do { /* what answers an earlier question came too late */
        n = mnl_socket_recvfrom(kernel->requests, kernel->answer, sizeof(kernel->answer));
        if (n < 0) {
            return NULL;
        }
        if (!mnl_nlmsg_ok(answer, (int)n)) {
            errno = EBADMSG;
            return NULL;
        }
    } while (answer->nlmsg_seq != question->nlmsg_seq);
    return answer;
}

/* The kernel's verdict: 0 for an acknowledgement. */
static int acknowledgement(const struct nlmsghdr *answer)
{
    const struct nlmsgerr *verdict = mnl_nlmsg_get_payload(answer);

    return answer->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(answer) >= sizeof(*verdict) ? verdict->error
                                                                                                      : -EBADMSG;
}

int kernel_ask(struct kernel *kernel, struct nlmsghdr *question)
{
    const struct nlmsghdr *answer = ask(kernel, question);

    return answer != NULL ? acknowledgement(answer) : -errno;
}

int kernel_ask_all(struct kernel *kernel, struct nlmsghdr *question, mnl_cb_t callback, void *data)
{
    unsigned int port = mnl_socket_get_portid(kernel->requests);
    int more = MNL_CB_OK;
    ssize_t n;

    question->nlmsg_flags |= NLM_F_REQUEST;
    question->nlmsg_seq = ++kernel->request_sequence;
    if (mnl_socket_sendto(kernel->requests, question, question->nlmsg_len) < 0) {
        return -errno;
    }
    while (more > MNL_CB_STOP) {
        n = mnl_socket_recvfrom(kernel->requests, kernel->answer, sizeof(kernel->answer));
        if (n < 0) {
            return -errno;
        }
        more = mnl_cb_run(kernel->answer, (size_t)n, question->nlmsg_seq, port, callback, data);
    }
    return more < 0 ? -errno : 0;
}

int kernel_resolve(struct kernel *kernel, uint32_t ifindex, const struct ip_addr *addr)
{
    const struct kernel_neighbour *known = kernel_neighbour_get(kernel, ifindex, addr);
    alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
    struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
    struct ndmsg *header;

    if (known != NULL && known->fixed) {
        return 0;
    }
    question->nlmsg_type = RTM_NEWNEIGH;
    question->nlmsg_flags = NLM_F_CREATE | NLM_F_ACK;
    header = mnl_nlmsg_put_extra_header(question, sizeof(*header));
    header->ndm_family = (uint8_t)address_family(addr);
    header->ndm_ifindex = (int)ifindex;
    header->ndm_flags = NTF_USE;
    mnl_attr_put(question, NDA_DST, family_bytes(addr->family), addr->bytes);
    return kernel_ask(kernel, question);
}

int kernel_route_get(struct kernel *kernel, const struct ip_addr *addr, struct kernel_route *out)
{
    alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
    struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
    const struct nlmsghdr *answer;
    struct rtmsg *header;

    question->nlmsg_type = RTM_GETROUTE;
    header = mnl_nlmsg_put_extra_header(question, sizeof(*header));
    header->rtm_family = (uint8_t)address_family(addr);
    header->rtm_dst_len = (uint8_t)family_bits(addr->family);
    mnl_attr_put(question, RTA_DST, family_bytes(addr->family), addr->bytes);
    answer = ask(kernel, question);
    if (answer == NULL) {
        return -errno;
    }
    return answer->nlmsg_type == NLMSG_ERROR ? acknowledgement(answer) : kernel_route_parse(answer, out);
}
