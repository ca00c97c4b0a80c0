/* SPDX-License-Identifier: BSD-3-Clause */
#include "huge.h"
#include <rte_eal.h>
#include <rte_memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

/* Memory that may move to that place without being cut into small pages: at the same distance from where huge pages
 * begin. */
static char *map_congruent(const char *place, size_t length)
{
    char *map =
        mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return map != MAP_FAILED ? map + (((uintptr_t)place - (uintptr_t)map) & (HUGE_PAGE - 1)) : MAP_FAILED;
}

static int replace(const struct rte_memseg_list *list, void *unused)
{
    long page = sysconf(_SC_PAGESIZE);
    size_t pages = list->len / (size_t)page;
    unsigned char *resident = malloc(pages);
    char *from = list->base_va;
    char *to = map_congruent(from, list->len);

    (void)unused;
    if (resident == NULL || to == MAP_FAILED || mincore(from, list->len, resident) != 0) {
        free(resident);
        return -1;
    }
    madvise(to, list->len, MADV_HUGEPAGE);
    for (size_t i = 0; i < pages; i++) {
        if ((resident[i] & 1) != 0) {
            memcpy(to + i * (size_t)page, from + i * (size_t)page, (size_t)page);
        }
    }
    free(resident);
    if (mremap(to, list->len, list->len, MREMAP_MAYMOVE | MREMAP_FIXED, from) != from) {
        return -1;
    }
    return 0;
}

void huge_pages_use(void)
{
    if (!rte_eal_has_hugepages() && rte_memseg_list_walk(replace, NULL) != 0) {
        fprintf(stderr, "no huge pages for packets and the libraries' tables: figures are too high\n");
    }
}
