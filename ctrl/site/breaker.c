/* SPDX-License-Identifier: BSD-3-Clause */
#include "breaker.h"
#include <string.h>

static void observe(struct breaker *breaker, uint32_t has, uint64_t now_ms)
{
    uint64_t part_ms = (uint64_t)breaker->rules.window_s * 1000 / BREAKER_PARTS;

    for (int i = 0; i < BREAKER_PARTS && now_ms - breaker->part_ms >= part_ms; i++) {
        memmove(breaker->peaks + 1, breaker->peaks, (BREAKER_PARTS - 1) * sizeof(breaker->peaks[0]));
        breaker->peaks[0] = 0;
        breaker->part_ms = i == BREAKER_PARTS - 1 ? now_ms : breaker->part_ms + part_ms;
    }
    breaker->peaks[0] = has > breaker->peaks[0] ? has : breaker->peaks[0];
}

static uint32_t peak_of(const struct breaker *breaker)
{
    uint32_t peak = 0;

    for (int i = 0; i < BREAKER_PARTS; i++) {
        peak = breaker->peaks[i] > peak ? breaker->peaks[i] : peak;
    }
    return peak;
}

bool breaker_lets(struct breaker *breaker, uint32_t has, uint32_t lose, uint64_t now_ms)
{
    uint32_t peak;
    uint32_t gone;

    observe(breaker, has, now_ms);
    peak = peak_of(breaker);
    gone = peak - (has - lose);
    if (breaker->tripped) {
        return false;
    }
    if (now_ms < breaker->let_until_ms || gone <= breaker->rules.min_prefixes ||
        (uint64_t)gone * 100 <= (uint64_t)peak * breaker->rules.max_percent) {
        return true;
    }
    breaker->tripped = true;
    breaker->tripped_ms = now_ms;
    return false;
}

void breaker_rebase(struct breaker *breaker, uint32_t has, uint64_t now_ms)
{
    memset(breaker->peaks, 0, sizeof(breaker->peaks));
    breaker->peaks[0] = has;
    breaker->part_ms = now_ms;
}

void breaker_reset(struct breaker *breaker, uint32_t has, uint64_t now_ms, bool let)
{
    breaker_rebase(breaker, has, now_ms);
    breaker->tripped = false;
    breaker->let_until_ms = let ? now_ms + (uint64_t)breaker->rules.window_s * 1000 : 0;
}
