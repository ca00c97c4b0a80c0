/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Site, installer and a real data plane in a network namespace, driven by the methods of the API, as the daemon does.
 * Ports "a" and "b" are null devices whose twins are v0 (10.0.0.1/16, fd00::1/64) and v1 (10.1.0.1/24).
 */
#ifndef SITE_WORLD_H
#define SITE_WORLD_H

#include "config.h"
#include "methods.h"

/* cmocka's group set-up and tear-down: the EAL starts once a process. */
int world_start(void **state);
int world_stop(void **state);
/* A fresh site for each test; the tear-down fails if the test left a hop or an outcome behind. */
int world_open(void **state);
int world_close(void **state);
/* Exits as a skipped test where namespaces are not permitted. Before the tests. */
void world_require(void);

struct control *world_control(void);
/* Runs a shell command and hands the site what the kernel has to say, until there is no more. */
void world_run(const char *command);
/* As if so much time had passed, at least one tick. */
void world_tick(uint64_t ms);
/* Calls the method, as the API server would; '\'' in params is written for '"'. Returns 0 or the API error;
 * world_said() is then the result or the error's text, compact, with '\'' for '"'. */
int world_call(const char *method, const char *params);
const char *world_said(void);
/* Asserts that the method succeeds. */
void world_do(const char *method, const char *params);
/* Asserts that the result, or the error's text, of the method holds the text. */
void world_expect(const char *method, const char *params, const char *text);
/* Asserts that it does not. */
void world_expect_not(const char *method, const char *params, const char *text);
/* A configuration from YAML with the site, ports and anycast prefixes of the world in front. */
struct config *world_config(const char *more);

#endif
