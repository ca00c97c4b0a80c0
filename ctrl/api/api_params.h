/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a JSON object into a struct by a table of its keys, so that no handler walks keys by hand and every refusal
 * reads the same. Pure.
 *
 *     struct explain_params { struct prefix prefix; };
 *     static const struct api_param explain_params[] = {
 *         {"prefix", API_PREFIX, .required = true, .offset = offsetof(struct explain_params, prefix)},
 *     };
 */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include "addr.h"
#include "api.h"
#include <stdint.h>

enum api_kind {
    API_STRING,    /* const char *, borrowed from the object */
    API_INTEGER,   /* int64_t from min to max */
    API_BOOL,      /* bool */
    API_ARRAY,     /* const json_t *, borrowed */
    API_OBJECT,    /* const json_t *, borrowed */
    API_PREFIX,    /* struct prefix; host bits are refused */
    API_ADDRESS,   /* struct ip_addr */
    API_ANY,       /* const json_t *, borrowed: the handler says what it may be */
    API_ADDRESSES, /* struct api_addresses: one address, or a list of min to max of them */
    API_KINDS,
};

#define API_ADDRESSES_MAX 16

struct api_addresses {
    unsigned int count;
    struct ip_addr items[API_ADDRESSES_MAX];
};

struct api_param {
    const char *name;
    enum api_kind kind;
    bool required;
    size_t offset; /* where it goes in the caller's struct */
    int64_t min;   /* integers: the range. Strings: the length in bytes, max 0 = no limit. Lists: the length. */
    int64_t max;
};

/* At most 64 keys. A key that is absent leaves its member as the caller has set it: that is the default. *given (NULL:
 * not wanted) has bit i set if the key of table[i] was there. 0, or API_ERR_PARAMS, or API_ERR_PREFIX, with *error
 * naming the key; `out` may be written in part then. */
int api_params_read(const json_t *object, const struct api_param *table, size_t n, void *out, uint64_t *given,
                    struct error *error) MUST_USE;

/* Says what is wrong with a text that is no prefix, or has host bits. API_ERR_PREFIX. */
int api_prefix_error(const char *key, const char *text, struct error *error);

#endif
