/* SPDX-License-Identifier: BSD-3-Clause */
#include "takeover.h"

static bool is_armed(const struct takeovers *takeovers, uint16_t dead)
{
    for (unsigned int i = 0; i < TAKEOVERS; i++) {
        if (__atomic_load_n(&takeovers->slots[i].dead, __ATOMIC_ACQUIRE) == dead) {
            return true;
        }
    }
    return false;
}

void takeover_arm(struct takeovers *takeovers, uint16_t dead)
{
    if (dead == ADJACENCY_NONE || is_armed(takeovers, dead)) {
        return;
    }
    for (unsigned int i = 0; i < TAKEOVERS; i++) {
        uint32_t none = ADJACENCY_NONE;

        if (__atomic_compare_exchange_n(&takeovers->slots[i].dead, &none, dead, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            __atomic_store_n(&takeovers->slots[i].first, 0, __ATOMIC_RELAXED); /* a late note of the one before */
            __atomic_store_n(&takeovers->slots[i].heir, ADJACENCY_NONE, __ATOMIC_RELAXED);
            __atomic_add_fetch(&takeovers->armed, 1, __ATOMIC_RELEASE);
            return;
        }
    }
}

static void note(struct takeovers *takeovers, uint16_t dead, uint16_t heir, uint64_t now, uint64_t before)
{
    for (unsigned int i = 0; i < TAKEOVERS; i++) {
        uint64_t never = 0;

        if (__atomic_load_n(&takeovers->slots[i].dead, __ATOMIC_ACQUIRE) == dead &&
            __atomic_load_n(&takeovers->slots[i].first, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(&takeovers->slots[i].first, &never, now, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            __atomic_store_n(&takeovers->slots[i].gap, now - before, __ATOMIC_RELAXED);
            __atomic_store_n(&takeovers->slots[i].heir, heir, __ATOMIC_RELEASE);
        }
    }
}

void takeover_note(struct takeovers *takeovers, row_t row, uint16_t heir, uint64_t now, uint64_t before)
{
    for (unsigned int place = 0; place < ROW_PLACES && row_place(row, place) != heir; place++) {
        if (row_place(row, place) != ADJACENCY_NONE) {
            note(takeovers, row_place(row, place), heir, now, before);
        }
    }
}

bool takeover_take(struct takeovers *takeovers, uint16_t dead, bool end, struct takeover *out)
{
    for (unsigned int i = 0; i < TAKEOVERS; i++) {
        if (__atomic_load_n(&takeovers->slots[i].dead, __ATOMIC_ACQUIRE) != dead) {
            continue;
        }
        out->heir = (uint16_t)__atomic_load_n(&takeovers->slots[i].heir, __ATOMIC_ACQUIRE);
        out->first = out->heir != ADJACENCY_NONE ? __atomic_load_n(&takeovers->slots[i].first, __ATOMIC_RELAXED) : 0;
        out->gap = out->first != 0 ? __atomic_load_n(&takeovers->slots[i].gap, __ATOMIC_RELAXED) : 0;
        if (end) {
            __atomic_store_n(&takeovers->slots[i].heir, ADJACENCY_NONE, __ATOMIC_RELAXED);
            __atomic_store_n(&takeovers->slots[i].first, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&takeovers->slots[i].dead, ADJACENCY_NONE, __ATOMIC_RELEASE);
            __atomic_sub_fetch(&takeovers->armed, 1, __ATOMIC_RELEASE);
        }
        return true;
    }
    return false;
}
