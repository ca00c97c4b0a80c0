/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

void watches_tell(struct watch *first, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n)
{
    for (struct watch *watch = first; watch != NULL; watch = __atomic_load_n(&watch->next, __ATOMIC_ACQUIRE)) {
        watch->saw(watch, event, mbufs, n);
    }
}

void watch_publish(struct watch **first, struct watch *watch)
{
    watch->next = *first;
    __atomic_store_n(first, watch, __ATOMIC_RELEASE);
}

/* watch->next stays: a worker that is at this watch goes on from it. */
void watch_withdraw(struct watch **first, struct watch *watch)
{
    struct watch **link = first;

    while (*link != watch) {
        link = &(*link)->next;
    }
    __atomic_store_n(link, watch->next, __ATOMIC_RELEASE);
}
