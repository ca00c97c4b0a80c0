/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcurl in the event loop: transfers that never block it. The certificates that servers are judged by are read once a
 * day for all of them. Control thread only.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "attributes.h"
#include "loop.h"
#include <curl/curl.h>

struct http_client;

/* NULL: no memory. */
struct http_client *http_client_create(struct loop *loop);
/* No transfer may be left. NULL is fine. */
void http_client_destroy(struct http_client *client);

/* Begins the transfer of a handle whose CURLOPT_PRIVATE is `owner`; done() is called once, from the loop, unless it is
 * ended before. 0, -ENOMEM or -EIO. */
int http_client_begin(struct http_client *client, CURL *easy, void (*done)(void *owner, CURLcode result)) MUST_USE;
/* Of every transfer that was begun, also out of done(); the handle stays the caller's. */
void http_client_end(struct http_client *client, CURL *easy);

#endif
