/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_make_directories(const char *path)
{
    char part[FILE_PATH_MAX];

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
    }
    return 0;
}

int file_sync_directory(const char *path)
{
    char directory[FILE_PATH_MAX];
    int fd;
    int result;

    snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    result = fsync(fd);
    close(fd);
    return result;
}
