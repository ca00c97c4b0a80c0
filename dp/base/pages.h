/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large zeroed memory straight from the kernel, in huge pages where it can. Untouched parts cost address space and
 * nothing else, so a table reserves what its limits allow and pays for what it holds.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

/* NULL: no memory. Aligned to 2 MiB. */
void *pages_map(size_t bytes);
/* The same size as mapped; NULL is fine. */
void pages_unmap(void *memory, size_t bytes);

#endif
