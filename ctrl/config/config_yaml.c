/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over a YAML document by the schema.
 *
 * Every function here records what is wrong as a mistake and goes on where it can, so that one run tells many; the
 * result is 0, -EINVAL (at least one mistake was recorded) or -ENOMEM. A value is used only if it had none.
 */
#include "config_memory.h"
#include "config_order.h"
#include "config_parser.h"
#include "config_suggest.h"
#include "config_value.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int value_parse(struct config_parser *parser, const struct config_type *type, const char *key, yaml_node_t *node,
                       void *out);

/* The worse of two results: memory before mistakes. */
static int both(int a, int b)
{
    return a == -ENOMEM || b == 0 ? a : b;
}

static const char *text_of(const yaml_node_t *scalar)
{
    return (const char *)scalar->data.scalar.value;
}

/* `key:` and nothing, or a plain null: as if the key were not there. */
static bool is_null(const yaml_node_t *node, const struct config_type *type)
{
    const char *text;

    if (node == NULL) {
        return true;
    }
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    text = text_of(node);
    /* `device: null` is the null device */
    return text[0] == '\0' || strcmp(text, "~") == 0 || (strcmp(text, "null") == 0 && type->kind != KIND_DEVICE);
}

/* No control characters: they could forge lines of a log, and a NUL would hide what follows it. */
static bool is_printable(const yaml_node_t *scalar)
{
    for (size_t i = 0; i < scalar->data.scalar.length; i++) {
        if (scalar->data.scalar.value[i] < 0x20 || scalar->data.scalar.value[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static int scalar_parse(struct config_parser *parser, const struct config_type *type, const char *key,
                        const yaml_node_t *node, void *out)
{
    struct config_scalar scalar = {.type = type, .config = parser->config};
    struct error why;
    int result;

    if (node->type != YAML_SCALAR_NODE) {
        return config_mistake(parser, config_line(node), "%s: is a %s; %s is needed", key,
                              node->type == YAML_MAPPING_NODE ? "mapping" : "list", config_value_wanted(type, &why));
    }
    if (!is_printable(node)) {
        return config_mistake(parser, config_line(node), "%s: has control characters; %s is needed", key,
                              config_value_wanted(type, &why));
    }
    scalar.text = text_of(node);
    result = config_value_parse(&scalar, out, &why);
    if (result == -EINVAL) {
        config_mistake(parser, config_line(node), "%s: \"%.80s\" %s", key, scalar.text, why.text);
    }
    return result;
}

/* What names an item of a list, for a message: "prefix, peer, path_id". */
static const char *identity_text(const struct config_type *item, struct error *buffer)
{
    size_t used = 0;

    if (item->kind != KIND_MAPPING) {
        return "value";
    }
    for (const struct config_field *field = item->fields; field->key != NULL; field++) {
        if (field->identity) {
            used += (size_t)snprintf(buffer->text + used, sizeof(buffer->text) - used, "%s%s", used == 0 ? "" : ", ",
                                     field->key);
        }
    }
    return buffer->text;
}

static int distinct_check(struct config_parser *parser, const struct config_type *type, const char *key,
                          const yaml_node_t *node, const struct config_items *items)
{
    const void **sorted = config_sort(type, items);
    int result = sorted != NULL ? 0 : -ENOMEM;
    struct error identity;

    for (uint32_t i = 1; result != -ENOMEM && i < items->count; i++) {
        size_t first = (size_t)((const char *)sorted[i - 1] - (const char *)items->items) / type->element->size;
        size_t second = (size_t)((const char *)sorted[i] - (const char *)items->items) / type->element->size;

        if (config_identity_compare(type->element, sorted[i - 1], sorted[i]) == 0) {
            result = config_mistake(parser, config_item_line(parser, node, second),
                                    "%s: item %zu has the %s of item %zu on line %u; each needs its own", key,
                                    second + 1, identity_text(type->element, &identity), first + 1,
                                    config_item_line(parser, node, first));
        }
    }
    free(sorted);
    return result;
}

static int items_parse(struct config_parser *parser, const struct config_type *type, const char *key, yaml_node_t *node,
                       const struct config_items *items)
{
    bool alone = node->type == YAML_SCALAR_NODE;
    int result = 0;

    for (uint32_t i = 0; i < items->count; i++) {
        yaml_node_t *item =
            alone ? node : yaml_document_get_node(&parser->document, node->data.sequence.items.start[i]);

        result =
            both(result, value_parse(parser, type->element, key, item, (char *)items->items + i * type->element->size));
    }
    if (result == 0 && type->distinct) {
        result = distinct_check(parser, type, key, node, items);
    }
    return result;
}

static int list_parse(struct config_parser *parser, const struct config_type *type, const char *key, yaml_node_t *node,
                      void *out)
{
    struct config_items items = {.count = 1};
    size_t count = 1;

    if (node->type == YAML_SEQUENCE_NODE) {
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    } else if (node->type != YAML_SCALAR_NODE || !type->single) {
        return config_mistake(parser, config_line(node), "%s: is no list; write [a, b] or \"- \" before each item",
                              key);
    }
    if (count < type->min || count > type->max) {
        return config_mistake(parser, config_line(node), "%s: has %zu items; %u to %u are needed", key, count,
                              (unsigned int)type->min, (unsigned int)type->max);
    }
    items.count = (uint32_t)count;
    items.items = config_alloc(parser->config, count * type->element->size);
    if (items.items == NULL) {
        return -ENOMEM;
    }
    memcpy(out, &items, sizeof(items));
    return items_parse(parser, type, key, node, &items);
}

static int as_step_parse(struct config_parser *parser, const struct config_type *type, const char *key,
                         yaml_node_t *node, void *out)
{
    struct config_as_step *step = out;

    step->is_set = node->type == YAML_SEQUENCE_NODE;
    return list_parse(parser, type->element, key, node, &step->asns);
}

static int key_refuse(struct config_parser *parser, const struct config_type *type, const char *in, yaml_node_t *key)
{
    struct suggestion suggestion = {.word = key->type == YAML_SCALAR_NODE ? text_of(key) : ""};
    struct error known = {.text = ""}, hint;

    if (key->type != YAML_SCALAR_NODE || !is_printable(key)) {
        return config_mistake(parser, config_line(key), "%s: a key is no plain word", in);
    }
    for (const struct config_field *field = type->fields; field->key != NULL; field++) {
        size_t used = strlen(known.text);

        suggestion_offer(&suggestion, field->key);
        snprintf(known.text + used, sizeof(known.text) - used, "%s%s", used == 0 ? "" : ", ", field->key);
    }
    if (suggestion.nearest != NULL) {
        suggestion_text(&suggestion, &hint);
    } else {
        error_set(&hint, 0, "; there are %.300s", known.text);
    }
    return config_mistake(parser, config_line(key), "%s: unknown key \"%.80s\"%s", in, suggestion.word, hint.text);
}

/* Sorts the pairs of a mapping by field: values[i] is that of type->fields[i], NULL where it is not written. */
static int pairs_collect(struct config_parser *parser, const struct config_type *type, const char *in,
                         const yaml_node_t *node, yaml_node_t *values[CONFIG_FIELDS_MAX])
{
    int result = 0;

    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(&parser->document, pair->key);
        const struct config_field *field =
            key->type == YAML_SCALAR_NODE && is_printable(key) ? config_field_find(type, text_of(key)) : NULL;

        if (field == NULL) {
            result = key_refuse(parser, type, in, key);
        } else if (values[field - type->fields] != NULL) {
            result = config_mistake(parser, config_line(key), "%s: %s is here twice, first on line %u; one must go", in,
                                    field->key, config_line(values[field - type->fields]));
        } else {
            values[field - type->fields] = yaml_document_get_node(&parser->document, pair->value);
        }
    }
    return result;
}

static int reference_add(struct config_parser *parser, const struct config_field *field, unsigned int line,
                         const void *value)
{
    struct config_reference *reference;

    if (parser->references.count == parser->references_room) {
        uint32_t room = 2 * parser->references_room + 16;

        reference = reallocarray(parser->references.items, room, sizeof(*reference));
        if (reference == NULL) {
            return -ENOMEM;
        }
        parser->references.items = reference;
        parser->references_room = room;
    }
    reference = &parser->references.items[parser->references.count++];
    *reference = (struct config_reference){.field = field, .line = line};
    memcpy(&reference->name, value, sizeof(reference->name));
    return 0;
}

static int default_set(struct config_parser *parser, const struct config_field *field, void *member);

/* A field of the mapping at `line`; node: NULL or null if it is not written. */
static int field_parse(struct config_parser *parser, const struct config_field *field, const char *in,
                       unsigned int line, yaml_node_t *node, void *base)
{
    void *member = (char *)base + field->offset;
    struct error wanted;
    int result;

    if (is_null(node, field->type)) {
        if (field->required) {
            return config_mistake(parser, line, "%s: %s is missing; %s is needed", in, field->key,
                                  config_value_wanted(field->type, &wanted));
        }
        return default_set(parser, field, member);
    }
    if (field->has != 0) {
        *((bool *)base + field->has) = true;
    }
    result = value_parse(parser, field->type, field->key, node, member);
    if (result == 0 && field->refers_to != NULL) {
        result = reference_add(parser, field, config_line(node), member);
    }
    return result;
}

static int mapping_parse(struct config_parser *parser, const struct config_type *type, const char *key,
                         yaml_node_t *node, void *out)
{
    yaml_node_t *values[CONFIG_FIELDS_MAX] = {NULL};
    unsigned int line = config_line(node);
    int result = 0;

    if (node != NULL && node->type == YAML_SCALAR_NODE && type->shorthand != NULL) {
        values[config_field_find(type, type->shorthand) - type->fields] = node;
    } else if (node != NULL && node->type != YAML_MAPPING_NODE) {
        return config_mistake(parser, line, "%s: is no mapping; write {key: value, ...} or \"key: value\" lines", key);
    } else if (node != NULL) {
        result = pairs_collect(parser, type, key, node, values);
    }
    for (size_t i = 0; type->fields[i].key != NULL; i++) {
        result = both(result, field_parse(parser, &type->fields[i], key, line, values[i], out));
    }
    return result;
}

/* An absent mapping is one in which nothing is written. */
static int default_set(struct config_parser *parser, const struct config_field *field, void *member)
{
    const struct config_type *type = field->type;
    struct config_items one = {.count = 1};
    struct error why;

    if (type->kind == KIND_MAPPING && field->has == 0) {
        return mapping_parse(parser, type, field->key, NULL, member);
    }
    if (field->fallback == NULL) {
        return 0;
    }
    if (type->kind == KIND_LIST) {
        one.items = config_alloc(parser->config, type->element->size);
        if (one.items == NULL) {
            return -ENOMEM;
        }
        memcpy(member, &one, sizeof(one));
        type = type->element;
        member = one.items;
    }
    return config_value_parse(&(struct config_scalar){type, field->fallback, parser->config}, member, &why);
}

static int value_parse(struct config_parser *parser, const struct config_type *type, const char *key, yaml_node_t *node,
                       void *out)
{
    static int (*const made_of_others[KINDS])(struct config_parser *, const struct config_type *, const char *,
                                              yaml_node_t *, void *) = {
        [KIND_AS_STEP] = as_step_parse,
        [KIND_LIST] = list_parse,
        [KIND_MAPPING] = mapping_parse,
    };
    int result;

    if (type->kind < KIND_SCALARS) {
        return scalar_parse(parser, type, key, node, out);
    }
    result = made_of_others[type->kind](parser, type, key, node, out);
    return result == 0 && type->check != NULL ? type->check(parser, node, out) : result;
}

int config_root_parse(struct config_parser *parser, yaml_node_t *root)
{
    return mapping_parse(parser, &config_schema, "top level", is_null(root, &config_schema) ? NULL : root,
                         parser->config);
}
