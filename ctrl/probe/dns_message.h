/* SPDX-License-Identifier: BSD-3-Clause */
/* A question to a DNS server, and whether a datagram answers it (RFC 1035 4). Pure. */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

#define DNS_QUERY_MAX 272 /* bytes: header, name, type and class */
#define DNS_REPLY_MAX 512 /* over UDP, as nothing else is asked for (RFC 1035 4.2.1) */

struct dns_question {
    const char *name; /* without escapes */
    uint16_t type;    /* of class IN */
    uint16_t id;
};

/* Writes the query, with recursion desired. Returns its length, or -EINVAL: that is no domain name. */
int dns_query(const struct dns_question *question, uint8_t out[DNS_QUERY_MAX]) MUST_USE;

enum dns_answer {
    DNS_NOT_OURS, /* no well-formed reply to this question: nothing that was heard */
    DNS_GOOD,     /* NOERROR with a record, or cut off */
    DNS_BAD,
};

/* *why: of a bad one, a constant. */
enum dns_answer dns_judge(const struct dns_question *question, const uint8_t *reply, size_t length, const char **why);

#endif
