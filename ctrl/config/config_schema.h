/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration file may say, as data. Private to this folder.
 *
 * A type tells how a value is written and laid out in memory, a field which key of a mapping holds it and where it
 * goes. Four walks over the tables, and no other code, know the shape of the file: config_yaml.c (YAML in),
 * config_value.c (scalars in and out), config_compare.c, config_json.c (JSON out). A new key is one line of
 * config_schema.c and a member of its struct.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config.h"

#define CONFIG_FIELDS_MAX 16 /* keys of a mapping */

enum config_kind {
    KIND_BOOL,      /* bool */
    KIND_NUMBER,    /* uint32_t or uint64_t, by size; decimal */
    KIND_MODE,      /* uint32_t; octal, "0660" */
    KIND_CHOICE,    /* an enum whose values count from 0; one of `names` */
    KIND_STRING,    /* const char * */
    KIND_ADDR,      /* struct ip_addr */
    KIND_PREFIX,    /* struct prefix */
    KIND_COMMUNITY, /* uint32_t, "65535:0" */
    KIND_LARGE,     /* struct config_large_community, "65000:1:2" */
    KIND_DEVICE,    /* struct config_device */
    KIND_ENDPOINT,  /* struct config_endpoint, "192.0.2.1:179", "[2001:db8::1]:179" */
    KIND_SCALARS,   /* above: one scalar in YAML; below: made of others */
    KIND_AS_STEP = KIND_SCALARS,
    KIND_LIST,
    KIND_MAPPING,
    KINDS
};

struct config_field;
struct config_parser;
struct yaml_node_s; /* of <yaml.h> */

struct config_type {
    enum config_kind kind;
    size_t size;                       /* of the C value, in bytes */
    uint64_t min, max;                 /* NUMBER: its value; STRING: its length; LIST: its count */
    const char *wanted;                /* what is right, after "is not"; CHOICE, NUMBER: told by names, min and max */
    bool (*valid)(const void *value);  /* STRING, ADDR: NULL, or what else must hold */
    const char *const *names;          /* CHOICE: by value, NULL at the end */
    const struct config_type *element; /* LIST: of what; AS_STEP: the list of its AS numbers */
    bool single;                       /* LIST: one item may stand without its list */
    bool distinct;                     /* LIST: no two items have the same identity (config_identity_compare) */
    const struct config_field *fields; /* MAPPING: an entry without a key at the end */
    const char *shorthand;             /* MAPPING: NULL, or the key that a plain scalar stands for */
    int (*check)(struct config_parser *parser, const struct yaml_node_s *node, void *value);
    /* ^ LIST, MAPPING: NULL, or what no table can say; sees a value without mistakes that was written, and may complete
     * it */
};

struct config_field {
    const char *key;
    const struct config_type *type;
    size_t offset;
    size_t size;          /* of the member: as its type's, which a test holds us to */
    size_t has;           /* offset of the has_ member, 0: there is none (never a struct's first) */
    const char *fallback; /* the default as it would be written; a list's: its one item */
    bool required;
    bool identity;         /* together they name an item of a list */
    bool restart;          /* a change takes effect only with a restart */
    const char *refers_to; /* NULL, or the section one of whose names this is */
};

/* struct config itself, as a mapping. */
extern const struct config_type config_schema;

/* CONFIG_LIST of anything, to be copied in and out with memcpy(). */
struct config_items {
    uint32_t count;
    void *items;
};
static_assert(sizeof(struct config_items) == sizeof(CONFIG_LIST(const char *)), "one layout for every list");

/* The member of the struct at `base`. */
static inline const void *config_member(const struct config_field *field, const void *base)
{
    return (const char *)base + field->offset;
}

/* False: absent, and without a default. */
bool config_has(const struct config_field *field, const void *base);
/* The field of a mapping with that key, or NULL. */
const struct config_field *config_field_find(const struct config_type *mapping, const char *key);

#endif
