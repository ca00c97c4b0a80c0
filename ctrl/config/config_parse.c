/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_parser.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 20 };

int config_mistake(struct config_parser *parser, unsigned int line, const char *format, ...)
{
    struct error mistake;
    size_t room = sizeof(parser->error->text) - parser->used;
    va_list args;
    int n;

    va_start(args, format);
    vsnprintf(mistake.text, sizeof(mistake.text), format, args);
    va_end(args);
    if (parser->mistakes++ >= CONFIG_MISTAKES_MAX) {
        return -EINVAL;
    }
    n = snprintf(parser->error->text + parser->used, room, "%s%s:%u: %s", parser->used > 0 ? "\n" : "", parser->name,
                 line, mistake.text);
    /* the first is cut if it must be, a later one is told whole or not at all, and with it all after it */
    if ((size_t)n < room || parser->used == 0) {
        parser->used += (size_t)n < room ? (size_t)n : room - 1;
    } else {
        parser->error->text[parser->used] = '\0';
        parser->mistakes = CONFIG_MISTAKES_MAX;
    }
    return -EINVAL;
}

unsigned int config_line(const yaml_node_t *node)
{
    return node != NULL ? (unsigned int)node->start_mark.line + 1 : 1;
}

unsigned int config_key_line(struct config_parser *parser, const yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) {
        return config_line(mapping);
    }
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *node = yaml_document_get_node(&parser->document, pair->key);

        if (node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, key) == 0) {
            return config_line(node);
        }
    }
    return config_line(mapping);
}

unsigned int config_item_line(struct config_parser *parser, const yaml_node_t *list, size_t index)
{
    if (list->type != YAML_SEQUENCE_NODE) {
        return config_line(list);
    }
    return config_line(yaml_document_get_node(&parser->document, list->data.sequence.items.start[index]));
}

static int syntax_refuse(struct config_parser *parser, const yaml_parser_t *yaml)
{
    if (yaml->error == YAML_MEMORY_ERROR) {
        return -ENOMEM;
    }
    return config_mistake(parser, (unsigned int)yaml->problem_mark.line + 1, "is not YAML: %s%s%s",
                          yaml->problem != NULL ? yaml->problem : "unreadable", yaml->context != NULL ? " " : "",
                          yaml->context != NULL ? yaml->context : "");
}

/* After the first document: its end must be the file's. */
static int end_expect(struct config_parser *parser, yaml_parser_t *yaml)
{
    yaml_document_t more;
    yaml_node_t *root;
    int result = 0;

    if (!yaml_parser_load(yaml, &more)) {
        return syntax_refuse(parser, yaml);
    }
    root = yaml_document_get_root_node(&more);
    if (root != NULL) {
        result = config_mistake(parser, config_line(root), "a second document starts; put all into the first one");
    }
    yaml_document_delete(&more);
    return result;
}

static int document_parse(struct config_parser *parser)
{
    yaml_node_t *root = yaml_document_get_root_node(&parser->document);
    int result = config_root_parse(parser, root);

    return result == 0 ? config_references_check(parser) : result;
}

static int text_parse(struct config_parser *parser, const char *text, size_t length)
{
    yaml_parser_t yaml;
    int result;

    if (!yaml_parser_initialize(&yaml)) {
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&yaml, (const unsigned char *)text, length);
    yaml_parser_set_encoding(&yaml, YAML_UTF8_ENCODING);
    if (yaml_parser_load(&yaml, &parser->document)) {
        result = end_expect(parser, &yaml);
        if (result == 0) {
            result = document_parse(parser);
        }
        yaml_document_delete(&parser->document);
    } else {
        result = syntax_refuse(parser, &yaml);
    }
    yaml_parser_delete(&yaml);
    return result;
}

int config_parse(const char *text, size_t length, const char *name, struct config **out, struct error *error)
{
    struct config_parser parser = {.name = name, .error = error, .config = calloc(1, sizeof(*parser.config))};
    int result = -ENOMEM;

    error->text[0] = '\0';
    if (parser.config != NULL) {
        result = text_parse(&parser, text, length);
    }
    free(parser.references.items);
    if (result != 0) {
        config_free(parser.config);
        return result == -ENOMEM ? error_set(error, result, "%.200s: no memory for the configuration", name) : result;
    }
    *out = parser.config;
    return 0;
}

/* Reads a file to its end, a pipe too, into *text for free(). 0 or -errno. */
static int file_read(FILE *file, char **text, size_t *length)
{
    size_t room = 1 << 16, used = 0;
    char *bytes = NULL;

    do {
        char *more = used <= FILE_MAX ? realloc(bytes, room *= 2) : NULL;

        if (more == NULL) {
            free(bytes);
            return used <= FILE_MAX ? -ENOMEM : -EFBIG;
        }
        bytes = more;
        errno = 0;
        used += fread(bytes + used, 1, room - used, file);
    } while (used == room);
    if (ferror(file)) {
        int result = errno != 0 ? -errno : -EIO;

        free(bytes);
        return result;
    }
    *text = bytes;
    *length = used;
    return 0;
}

int config_load(const char *path, struct config **out, struct error *error)
{
    FILE *file = fopen(path, "re");
    size_t length = 0;
    char *text = NULL;
    int result = file != NULL ? file_read(file, &text, &length) : -errno;

    if (file != NULL) {
        fclose(file);
    }
    if (result != 0) {
        return error_set(error, result, "%.300s: cannot be read: %s", path, strerror(-result));
    }
    result = config_parse(text, length, path, out, error);
    free(text);
    return result;
}
