/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HUGE_H
#define HUGE_H

/* Puts private memory, in huge pages, in the place of the shared memory that an EAL without hugepages takes, so that
 * what lies there is read as what lies in our tables. What is stored already comes along. A message if it fails. */
void huge_pages_use(void);

#endif
