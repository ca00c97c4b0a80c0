/* SPDX-License-Identifier: BSD-3-Clause */
#include "names.h"
#include "hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void names_free(struct names *names)
{
    for (uint32_t i = 0; i < names->end; i++) {
        free(names->text[i]);
    }
    free(names->text);
    free(names->slots);
    *names = (struct names){0};
}

static uint32_t home(const struct names *names, const char *text)
{
    return (uint32_t)hash_bytes(text, strlen(text), 0) & (names->slot_count - 1);
}

/* The slot that holds the name, or the free one where it would go. There is always a free one. */
static uint32_t probe(const struct names *names, const char *text)
{
    uint32_t slot = home(names, text);

    while (names->slots[slot] != 0 && strcmp(names->text[names->slots[slot] - 1], text) != 0) {
        slot = (slot + 1) & (names->slot_count - 1);
    }
    return slot;
}

int names_find(const struct names *names, const char *text)
{
    uint32_t number = names->slot_count > 0 ? names->slots[probe(names, text)] : 0;

    return number > 0 ? (int)(number - 1) : -ENOENT;
}

/* Doubles the slots when more than half would be taken. */
static int grow_slots(struct names *names)
{
    uint32_t count = names->slot_count > 0 ? names->slot_count * 2 : 64;
    uint32_t *old = names->slots;
    uint32_t *slots;

    if ((names->count + 1) * 2 <= names->slot_count) {
        return 0;
    }
    slots = calloc(count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    names->slots = slots;
    names->slot_count = count;
    for (uint32_t i = 0; i < names->end; i++) {
        if (names->text[i] != NULL) {
            slots[probe(names, names->text[i])] = i + 1;
        }
    }
    free(old);
    return 0;
}

static int grow_text(struct names *names)
{
    uint32_t room = names->room > 0 ? names->room * 2 : 32;
    char **text;

    if (names->end < names->room) {
        return 0;
    }
    text = realloc(names->text, room * sizeof(*text));
    if (text == NULL) {
        return -ENOMEM;
    }
    names->text = text;
    names->room = room;
    return 0;
}

static uint32_t free_number(const struct names *names)
{
    uint32_t number = 0;

    if (names->count == names->end) {
        return names->end;
    }
    while (names->text[number] != NULL) {
        number++;
    }
    return number;
}

int names_add(struct names *names, const char *text)
{
    uint32_t number;
    char *copy;

    if (names_find(names, text) >= 0) {
        return -EEXIST;
    }
    if (names->count == NAMES_MAX) {
        return -ENOSPC;
    }
    if (grow_slots(names) != 0 || grow_text(names) != 0) {
        return -ENOMEM;
    }
    copy = strdup(text);
    if (copy == NULL) {
        return -ENOMEM;
    }
    number = free_number(names);
    names->text[number] = copy;
    names->end = number >= names->end ? number + 1 : names->end;
    names->count++;
    names->slots[probe(names, text)] = number + 1;
    return (int)number;
}

void names_remove(struct names *names, uint32_t number)
{
    uint32_t mask = names->slot_count - 1;
    uint32_t hole = probe(names, names->text[number]);

    free(names->text[number]);
    names->text[number] = NULL;
    names->count--;
    names->slots[hole] = 0;
    /* what was pushed past the hole moves back, so that no search ends early */
    for (uint32_t slot = (hole + 1) & mask; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t moved = names->slots[slot];

        names->slots[slot] = 0;
        names->slots[probe(names, names->text[moved - 1])] = moved;
    }
}
