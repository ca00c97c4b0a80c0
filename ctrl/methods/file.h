/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that are to outlive the daemon, and the machine. Paths are absolute, shorter than FILE_PATH_MAX. */
#ifndef FILE_H
#define FILE_H

#include "attributes.h"

#define FILE_PATH_MAX 512

/* Those above the file; that they are there is fine. 0 or -errno. */
int file_make_directories(const char *path) MUST_USE;
/* What was made or renamed in the file's directory is on the disk. 0, or -1 with errno. */
int file_sync_directory(const char *path) MUST_USE;

#endif
