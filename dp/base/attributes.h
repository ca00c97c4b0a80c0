/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

/* The caller must look at the result. */
#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))

#endif
