/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether a control character is at, or reaches to, this byte: C0, DEL, and C1, which UTF-8 has as C2 80 to C2 9F. */
static bool is_control(const unsigned char *byte, bool after_c2)
{
    return byte[0] < ' ' || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0) ||
           (after_c2 && byte[0] >= 0x80 && byte[0] < 0xa0);
}

void text_print(const char *text, FILE *out)
{
    bool after_c2 = false;

    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        fputc(is_control(byte, after_c2) ? '?' : *byte, out);
        after_c2 = *byte == 0xc2;
    }
}

int text_table_add(struct text_table *table, const char *cell)
{
    char *copy = strdup(cell);

    if (copy == NULL) {
        return -ENOMEM;
    }
    if (table->count == table->capacity) {
        size_t capacity = table->capacity > 0 ? table->capacity * 2 : 64;
        char **cells = realloc(table->cells, capacity * sizeof(*cells));

        if (cells == NULL) {
            free(copy);
            return -ENOMEM;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = copy;
    return 0;
}

/* Characters, not bytes: UTF-8's continuation bytes do not count. */
static size_t width_of(const char *cell)
{
    size_t width = 0;

    for (; *cell != '\0'; cell++) {
        width += (*cell & 0xc0) != 0x80;
    }
    return width;
}

static bool is_number(const char *cell)
{
    return strcmp(cell, "-") == 0 || (cell[0] != '\0' && cell[strspn(cell, "0123456789.")] == '\0' &&
                                      strspn(cell, ".") == 0 && strchr(cell, '.') == strrchr(cell, '.'));
}

static void print_spaces(size_t count, FILE *out)
{
    fprintf(out, "%*s", (int)count, "");
}

struct layout {
    size_t width;
    bool right;
};

static struct layout layout_of(const struct text_table *table, size_t column, bool heading)
{
    size_t rows = table->count / table->columns;
    struct layout layout = {.right = rows > (heading ? 1 : 0)};

    for (size_t row = 0; row < rows; row++) {
        const char *cell = table->cells[row * table->columns + column];

        layout.width = width_of(cell) > layout.width ? width_of(cell) : layout.width;
        if (!(heading && row == 0) && !is_number(cell)) {
            layout.right = false;
        }
    }
    return layout;
}

/* Spaces are owed until something follows them, so that no line ends with any. */
static void print_row(char *const *cells, size_t columns, const struct layout *layout, FILE *out)
{
    size_t owed = 0;

    for (size_t i = 0; i < columns; i++) {
        size_t padding = layout[i].width - width_of(cells[i]);

        if (layout[i].right) {
            owed += padding;
        }
        if (cells[i][0] != '\0') {
            print_spaces(owed, out);
            text_print(cells[i], out);
            owed = 0;
        }
        owed += 2 + (layout[i].right ? 0 : padding);
    }
    fputc('\n', out);
}

void text_table_print(const struct text_table *table, bool heading, FILE *out)
{
    struct layout layout[TEXT_TABLE_COLUMNS];

    if (table->columns == 0) {
        return;
    }
    for (size_t i = 0; i < table->columns; i++) {
        layout[i] = layout_of(table, i, heading);
    }
    for (size_t row = 0; row < table->count / table->columns; row++) {
        print_row(table->cells + row * table->columns, table->columns, layout, out);
    }
}

void text_table_free(struct text_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct text_table){0};
}
