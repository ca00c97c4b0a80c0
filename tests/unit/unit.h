/* SPDX-License-Identifier: BSD-3-Clause */
/* What every unit test includes: cmocka wants these headers, in this order. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* last */
#include <cmocka.h>

#endif
