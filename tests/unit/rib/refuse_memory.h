/* SPDX-License-Identifier: BSD-3-Clause */
/* Lets allocations fail: the linker sends malloc(), calloc() and realloc() through here (--wrap). */
#ifndef REFUSE_MEMORY_H
#define REFUSE_MEMORY_H

/* How many allocations still succeed; negative: all of them, as at the start. */
extern long memory_left;

#endif
