/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of one run over a YAML document, for the walk (config_yaml.c) and the checks that no table can say
 * (config_check.c). Private to this folder.
 */
#ifndef CONFIG_PARSER_H
#define CONFIG_PARSER_H

#include "config_schema.h"
#include <yaml.h>

#define CONFIG_MISTAKES_MAX 20

/* A name that must turn out to be one of a section's. */
struct config_reference {
    const struct config_field *field;
    const char *name;
    unsigned int line;
};

struct config_parser {
    yaml_document_t document;
    const char *name; /* FILE of the messages */
    struct config *config;
    struct error *error;
    size_t used;           /* bytes of error->text */
    unsigned int mistakes; /* met, not all of them told */
    CONFIG_LIST(struct config_reference) references;
    uint32_t references_room;
};

/* Adds "FILE:LINE: ..." to the errors and returns -EINVAL. */
int config_mistake(struct config_parser *parser, unsigned int line, const char *format, ...) PRINTF_LIKE(3, 4);
/* The line a node is on, from 1; of NULL: 1. */
unsigned int config_line(const yaml_node_t *node);
/* The line of the value of that key, or of the mapping itself where the key is not written. */
unsigned int config_key_line(struct config_parser *parser, const yaml_node_t *mapping, const char *key);
/* The same for item `index` of a list. */
unsigned int config_item_line(struct config_parser *parser, const yaml_node_t *list, size_t index);

/* Fills parser->config from the root of the document (NULL: an empty file). 0, -EINVAL and mistakes, or -ENOMEM. */
int config_root_parse(struct config_parser *parser, yaml_node_t *root) MUST_USE;
/* 0, -ENOMEM, or -EINVAL and mistakes: each name that was referred to is one of the section's. */
int config_references_check(struct config_parser *parser) MUST_USE;

/* Called with a mapping or list that has no mistakes of its own. */
int config_check_api(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_dpdk(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_port(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_ports(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_health(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_tunnel(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_instance(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_route(struct config_parser *parser, const struct yaml_node_s *node, void *value);
int config_check_feed(struct config_parser *parser, const struct yaml_node_s *node, void *value);

#endif
