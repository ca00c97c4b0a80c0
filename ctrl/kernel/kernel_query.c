/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_impl.h"
#include <string.h>

static const void *get(const struct kernel *kernel, enum kernel_kind kind, const void *key)
{
    const struct kernel_entry *entry = kernel_table_get(&kernel->tables[kind], key);

    return entry != NULL ? &entry->record : NULL;
}

static const void *next(const struct kernel *kernel, enum kernel_kind kind, const void *prev)
{
    const struct kernel_entry *entry = prev != NULL ? TAILQ_NEXT((const struct kernel_entry *)prev, siblings)
                                                    : TAILQ_FIRST(&kernel->tables[kind].list);

    return entry != NULL ? &entry->record : NULL;
}

const struct kernel_link *kernel_link_next(const struct kernel *kernel, const struct kernel_link *prev)
{
    return next(kernel, KERNEL_LINK, prev);
}

const struct kernel_address *kernel_address_next(const struct kernel *kernel, const struct kernel_address *prev)
{
    return next(kernel, KERNEL_ADDRESS, prev);
}

const struct kernel_neighbour *kernel_neighbour_next(const struct kernel *kernel, const struct kernel_neighbour *prev)
{
    return next(kernel, KERNEL_NEIGHBOUR, prev);
}

const struct kernel_link *kernel_link_get(const struct kernel *kernel, uint32_t ifindex)
{
    return get(kernel, KERNEL_LINK, &(struct kernel_link){.ifindex = ifindex});
}

const struct kernel_link *kernel_link_by_name(const struct kernel *kernel, const char *name)
{
    const struct kernel_link *link = NULL;

    while ((link = kernel_link_next(kernel, link)) != NULL && strcmp(link->name, name) != 0) {
    }
    return link;
}

const struct kernel_neighbour *kernel_neighbour_get(const struct kernel *kernel, uint32_t ifindex,
                                                    const struct ip_addr *addr)
{
    return get(kernel, KERNEL_NEIGHBOUR, &(struct kernel_neighbour){.ifindex = ifindex, .addr = *addr});
}

/* The place of ifindex in the list; n if it is not there. */
static size_t rank(uint32_t ifindex, const uint32_t *ifindexes, size_t n)
{
    size_t i = 0;

    while (i < n && ifindexes[i] != ifindex) {
        i++;
    }
    return i;
}

const struct kernel_address *kernel_connected(const struct kernel *kernel, const struct ip_addr *addr,
                                              const uint32_t *ifindexes, size_t n)
{
    const struct kernel_address *best = NULL;
    const struct kernel_address *address = NULL;
    size_t best_rank = n;

    while ((address = kernel_address_next(kernel, address)) != NULL) {
        size_t r = rank(address->ifindex, ifindexes, n);

        if (r == n || !prefix_contains(&address->subnet, addr)) {
            continue;
        }
        if (best == NULL || address->subnet.length > best->subnet.length ||
            (address->subnet.length == best->subnet.length && r < best_rank)) {
            best = address;
            best_rank = r;
        }
    }
    return best;
}
