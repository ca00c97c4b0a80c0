/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A page by HTTP or HTTPS (RFC 9110): its status is the answer. The connection goes to the probe's address, whatever
 * the host in the URL, which is for the Host field, for SNI and for the certificate; no name is resolved, no proxy
 * asked, no redirection followed, and no connection used twice.
 */
#include "http_client.h"
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BODY_ENOUGH (64 * 1024) /* bytes, after which the status alone is judged */

struct transfer {
    struct probe *probe;
    CURL *easy;
    struct curl_slist *connect_to;
    size_t got; /* bytes of the body */
    bool begun;
    char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t size, size_t n, void *owner)
{
    struct transfer *transfer = owner;

    (void)bytes;
    transfer->got += size * n;
    return transfer->got > BODY_ENOUGH ? 0 : size * n; /* 0: no more of it */
}

static int on_socket(void *owner, curl_socket_t fd, curlsocktype purpose)
{
    const struct probe *probe = owner;

    (void)purpose;
    return probe->mark == 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &probe->mark, sizeof(probe->mark)) == 0
               ? CURL_SOCKOPT_OK
               : CURL_SOCKOPT_ERROR;
}

static bool is_wanted(const struct probe_settings *settings, long status)
{
    return settings->wanted != 0 ? status == settings->wanted : status >= 200 && status < 400;
}

static void on_done(void *owner, CURLcode result)
{
    struct probe *probe = owner;
    struct transfer *transfer = probe->transfer;
    long status = 0;
    char why[CURL_ERROR_SIZE];

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_WRITE_ERROR && transfer->got > BODY_ENOUGH) {
        result = CURLE_OK;
    }
    if (result != CURLE_OK) {
        snprintf(why, sizeof(why), "%s", *transfer->error != '\0' ? transfer->error : curl_easy_strerror(result));
    } else {
        snprintf(why, sizeof(why), "status %ld", status);
    }
    probe_done(probe, result == CURLE_OK && is_wanted(&probe->settings, status) ? NULL : why);
}

/* "::ADDRESS:" : whatever host and port, that address and the same port. */
static struct curl_slist *connect_to(const struct ip_addr *address)
{
    bool v4 = address->family == FAMILY_V4;
    char text[INET6_ADDRSTRLEN], line[INET6_ADDRSTRLEN + 8];

    inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text));
    snprintf(line, sizeof(line), v4 ? "::%s:" : "::[%s]:", text);
    return curl_slist_append(NULL, line);
}

static void set_options(struct transfer *transfer)
{
    const struct probe *probe = transfer->probe;
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer->probe);
    curl_easy_setopt(easy, CURLOPT_URL, probe->settings.text);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "anyfwd/" ANYFWD_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* the instances have one name */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, probe->settings.insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, probe->settings.insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, transfer->probe);
}

static void end(struct probe *probe)
{
    struct transfer *transfer = probe->transfer;

    if (transfer == NULL) {
        return;
    }
    if (transfer->begun) {
        http_client_end(probe->http, transfer->easy);
    }
    curl_easy_cleanup(transfer->easy); /* NULL is fine */
    curl_slist_free_all(transfer->connect_to);
    free(transfer);
    probe->transfer = NULL;
}

static int begin(struct probe *probe)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    int code;

    if (transfer == NULL) {
        return -ENOMEM;
    }
    probe->transfer = transfer;
    transfer->probe = probe;
    transfer->easy = curl_easy_init();
    transfer->connect_to = connect_to(&probe->settings.address);
    if (transfer->easy == NULL || transfer->connect_to == NULL) {
        return -ENOMEM;
    }
    set_options(transfer);
    code = http_client_begin(probe->http, transfer->easy, on_done);
    transfer->begun = code == 0;
    return code;
}

const struct probe_kind probe_http = {begin, end};
