/* SPDX-License-Identifier: BSD-3-Clause */
/* anyfwd.yaml(5) says what the schema says: every key, whether it is required, and its default; and nothing else. */
#include "config_schema.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *manual;

static int manual_read(void **state)
{
    char path[512];
    size_t room = 0;
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/docs/man/anyfwd.yaml.5", getenv("ANYFWD_SOURCE"));
    file = fopen(path, "re");
    if (file == NULL || getdelim(&manual, &room, '\0', file) < 0) {
        return -1;
    }
    return fclose(file);
}

static int manual_free(void **state)
{
    (void)state;
    free(manual);
    return 0;
}

/* The text of a subsection, for free(). */
static char *subsection(const char *name)
{
    char title[64];
    const char *start, *end;

    snprintf(title, sizeof(title), "\n.Ss %s\n", name);
    start = strstr(manual, title);
    if (start == NULL) {
        fail_msg("no subsection: %s", name);
        return NULL;
    }
    end = strstr(start + 1, "\n.S"); /* .Ss or .Sh */
    return strndup(start, (size_t)(end + 1 - start));
}

/* The line that a key's item must have. */
static void item_line(const struct config_field *field, char *out, size_t size)
{
    if (field->required) {
        snprintf(out, size, "\n.It Cm %s Pq required\n", field->key);
    } else if (field->fallback != NULL) {
        snprintf(out, size, "\n.It Cm %s Pq default: %s\n", field->key, field->fallback);
    } else {
        snprintf(out, size, "\n.It Cm %s\n", field->key);
    }
}

static unsigned int items_count(const char *text)
{
    unsigned int count = 0;
    unsigned int depth = 0;

    for (const char *line = text; (line = strchr(line, '\n')) != NULL; line++) {
        depth += strncmp(line, "\n.Bl", 4) == 0;
        depth -= strncmp(line, "\n.El", 4) == 0;
        count += depth == 1 && strncmp(line, "\n.It Cm ", 8) == 0;
    }
    return count;
}

static void mapping_check(const struct config_type *mapping, const char *name)
{
    char *text = subsection(name);
    unsigned int count = 0;

    for (const struct config_field *field = mapping->fields; field->key != NULL; field++, count++) {
        const struct config_type *type = field->type->kind == KIND_LIST ? field->type->element : field->type;
        char line[128];

        item_line(field, line, sizeof(line));
        if (strstr(text, line) == NULL) {
            fail_msg("%s: no line%s", name, line);
        }
        if (type->kind == KIND_MAPPING) {
            mapping_check(type, field->key);
        }
    }
    assert_int_equal(items_count(text), count);
    free(text);
}

static void every_key_is_in_the_manual(void **state)
{
    (void)state;
    mapping_check(&config_schema, "top level");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_in_the_manual),
    };
    return cmocka_run_group_tests(tests, manual_read, manual_free);
}
