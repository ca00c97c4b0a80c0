/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stage needs to be compiled for AVX-512 as well. One binary runs on any CPU: the wide form of a stage is called
 * only where pipe->wide says so. Private to dp/pipe.
 */
#ifndef WIDE_H
#define WIDE_H

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt")))
#else
#define AVX512
#endif

#endif
