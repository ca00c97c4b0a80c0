/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names and the small integers that stand for them: peers and instances are found by name in every route update and
 * named by number in the RIB. A number is reused after its name is gone.
 */
#ifndef NAMES_H
#define NAMES_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX 65536

struct names {
    char **text;     /* by number; NULL: free */
    uint32_t *slots; /* number + 1; 0: free; open addressing, linear probing */
    uint32_t slot_count;
    uint32_t room;
    uint32_t count;
    uint32_t end; /* numbers in use are below it */
};

/* All zero is empty and valid. */
void names_free(struct names *names);
/* The number, or -ENOENT. */
int names_find(const struct names *names, const char *text) MUST_USE;
/* A number for a new name, or -EEXIST, -ENOMEM, -ENOSPC, which change nothing. */
int names_add(struct names *names, const char *text) MUST_USE;
void names_remove(struct names *names, uint32_t number);

#endif
