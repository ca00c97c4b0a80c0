/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a DNS server's reply, and as a name that is asked for. What is taken for a reply has our id and says
 * that it is one; a name that makes a query makes one that, sent back as a reply, is to the question.
 */
#include "dns_message.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_reply(const uint8_t *data, size_t size)
{
    static const struct dns_question question = {"www.example.org", 1, 0x1234};
    uint8_t *exact = malloc(size + 1); /* its end is watched */
    const char *why = NULL;
    enum dns_answer answer;

    memcpy(exact, data, size);
    answer = dns_judge(&question, exact, size, &why);
    require(answer == DNS_NOT_OURS || (size >= 12 && data[0] == 0x12 && data[1] == 0x34 && (data[2] & 0x80) != 0));
    require((answer == DNS_BAD) == (why != NULL));
    free(exact);
}

static void check_name(const uint8_t *data, size_t size)
{
    char name[256] = "";
    struct dns_question question = {name, 1, 0x1234};
    uint8_t query[DNS_QUERY_MAX];
    const char *why = NULL;
    int length;

    memcpy(name, data, size < sizeof(name) ? size : sizeof(name) - 1);
    length = dns_query(&question, query);
    if (length < 0 || name[strcspn(name, "\\")] != '\0') {
        return; /* no name, or one with escapes, which is never asked for */
    }
    query[2] |= 0x80;
    dns_judge(&question, query, (size_t)length, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_reply(data, size);
    check_name(data, size);
    return 0;
}
