/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_memory.h"
#include <stdlib.h>
#include <string.h>

struct config_block {
    struct config_block *next;
    _Alignas(max_align_t) char bytes[];
};

void *config_alloc(struct config *config, size_t size)
{
    struct config_block *block = calloc(1, sizeof(*block) + size);

    if (block == NULL) {
        return NULL;
    }
    block->next = config->memory;
    config->memory = block;
    return block->bytes;
}

char *config_strdup(struct config *config, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = config_alloc(config, size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

void config_free(struct config *config)
{
    struct config_block *next;

    for (struct config_block *block = config != NULL ? config->memory : NULL; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(config);
}
