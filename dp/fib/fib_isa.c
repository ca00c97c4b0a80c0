/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_isa.h"

bool fib_isa_works(enum fib_isa isa)
{
#if defined(__x86_64__)
    switch (isa) {
    case FIB_ISA_AVX:
        return __builtin_cpu_supports("avx") && __builtin_cpu_supports("popcnt");
    case FIB_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("bmi2");
    default:
        return true;
    }
#else
    return isa == FIB_ISA_BEST || isa == FIB_ISA_PORTABLE;
#endif
}

enum fib_isa fib_isa_choose(enum fib_isa wanted)
{
    enum fib_isa best = FIB_ISA_AVX512;

    if (wanted != FIB_ISA_BEST && fib_isa_works(wanted)) {
        return wanted;
    }
    while (!fib_isa_works(best)) {
        best--;
    }
    return best;
}

const char *fib_isa_name(enum fib_isa isa)
{
    static const char *const names[] = {
        [FIB_ISA_PORTABLE] = "portable",
        [FIB_ISA_AVX] = "AVX",
        [FIB_ISA_AVX512] = "AVX-512",
    };

    return names[isa == FIB_ISA_BEST ? fib_isa_choose(isa) : isa];
}
