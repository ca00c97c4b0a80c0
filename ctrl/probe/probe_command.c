/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command of the configuration file, run by the shell: exit status 0 is a good answer. In its environment are
 * ANYFWD_INSTANCE, and ANYFWD_MARK, the mark of sockets whose packets go to that instance (SO_MARK). It has no input;
 * what it prints goes where the daemon's log goes. It runs in a process group of its own, which the time limit ends.
 */
#include "attributes.h"
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* False: it has not ended yet. */
static bool reap(struct probe *probe, int *status)
{
    if (waitpid(probe->pid, status, WNOHANG) == 0) {
        return false;
    }
    probe->pid = 0;
    return true;
}

static void on_exit_of(void *owner, uint32_t events)
{
    struct probe *probe = owner;
    char why[64];
    int status = 0;

    (void)events;
    if (!reap(probe, &status)) {
        return;
    }
    if (WIFEXITED(status)) {
        snprintf(why, sizeof(why), "the command ended with status %d", WEXITSTATUS(status));
    } else {
        snprintf(why, sizeof(why), "the command was ended by signal %d", WTERMSIG(status));
    }
    probe_done(probe, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : why);
}

/* As a program expects to find itself: no signal blocked or ignored, no descriptor but the standard ones. */
static int spawn(struct probe *probe, char *const *environment)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", probe->settings.text, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int result;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    result = posix_spawn(&probe->pid, "/bin/sh", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) {
        probe->pid = 0;
    }
    return -result;
}

static int begin(struct probe *probe)
{
    char instance[96], mark[32];
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *environment[] = {instance, mark, path, NULL};
    int result;
    int fd;

    if (probe->pid > 0 && !reap(probe, NULL)) {
        return -EBUSY;
    }
    snprintf(instance, sizeof(instance), "ANYFWD_INSTANCE=%s", probe->instance);
    snprintf(mark, sizeof(mark), "ANYFWD_MARK=%u", probe->mark);
    result = spawn(probe, environment);
    if (result != 0) {
        return result;
    }
    fd = (int)syscall(SYS_pidfd_open, probe->pid, 0);
    if (fd < 0) {
        return -errno;
    }
    return probe_watch(probe, fd, EPOLLIN, on_exit_of);
}

/* One that does not even end when it is killed is waited for by the next attempt. */
static void end(struct probe *probe)
{
    if (probe->pid > 0) {
        kill(-probe->pid, SIGKILL);
        (void)reap(probe, NULL);
    }
}

const struct probe_kind probe_command = {begin, end};
