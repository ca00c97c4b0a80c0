/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns_message.h"
#include <arpa/nameser.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define RECURSION_DESIRED 0x01

static size_t put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return 2;
}

int dns_query(const struct dns_question *question, uint8_t out[DNS_QUERY_MAX])
{
    uint8_t name[NS_MAXCDNAME];
    size_t at = NS_HFIXEDSZ;
    size_t length = 0;

    if (ns_name_pton(question->name, name, sizeof(name)) < 0) {
        return -EINVAL;
    }
    memset(out, 0, NS_HFIXEDSZ);
    put16(out, question->id);
    out[2] = RECURSION_DESIRED;
    put16(out + 4, 1); /* questions */
    while (name[length] != 0) {
        length += name[length] + 1u;
    }
    memcpy(out + at, name, length + 1);
    at += length + 1;
    at += put16(out + at, question->type);
    at += put16(out + at, ns_c_in);
    return (int)at;
}

static const char *rcode_text(int rcode)
{
    static const char *const texts[] = {
        [ns_r_formerr] = "the server says FORMERR",   [ns_r_servfail] = "the server says SERVFAIL",
        [ns_r_nxdomain] = "the server says NXDOMAIN", [ns_r_notimpl] = "the server says NOTIMP",
        [ns_r_refused] = "the server says REFUSED",
    };

    return rcode <= ns_r_refused ? texts[rcode] : "the server reports an error";
}

/* Names are alike without regard to case (RFC 4343), and a dot may end the one that is asked for. */
static bool same_name(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    n -= n > 0 && a[n - 1] == '.';
    m -= m > 0 && b[m - 1] == '.';
    return n == m && strncasecmp(a, b, n) == 0;
}

enum dns_answer dns_judge(const struct dns_question *question, const uint8_t *reply, size_t length, const char **why)
{
    ns_msg message;
    ns_rr asked;
    int rcode;

    if (length > DNS_REPLY_MAX || ns_initparse(reply, (int)length, &message) != 0 ||
        ns_msg_id(message) != question->id || ns_msg_getflag(message, ns_f_qr) != 1 ||
        ns_msg_getflag(message, ns_f_opcode) != ns_o_query || ns_msg_count(message, ns_s_qd) != 1 ||
        ns_parserr(&message, ns_s_qd, 0, &asked) != 0 || ns_rr_type(asked) != question->type ||
        ns_rr_class(asked) != ns_c_in || !same_name(ns_rr_name(asked), question->name)) {
        return DNS_NOT_OURS;
    }
    rcode = ns_msg_getflag(message, ns_f_rcode);
    if (rcode != ns_r_noerror) {
        *why = rcode_text(rcode);
        return DNS_BAD;
    }
    if (ns_msg_count(message, ns_s_an) == 0 && ns_msg_getflag(message, ns_f_tc) == 0) {
        *why = "the server has no such record";
        return DNS_BAD;
    }
    return DNS_GOOD;
}
