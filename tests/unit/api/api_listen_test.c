/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_listen.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char path[128];
static struct error error;

static int setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/api_listen.XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/run/anyfwd/api.sock", directory);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static int address(struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(out->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* 0 or -errno */
static int knock(void)
{
    struct sockaddr_un to;
    int fd = address(&to);
    int result = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : -errno;

    close(fd);
    return result;
}

static bool exists(void)
{
    return access(path, F_OK) == 0;
}

static void the_socket_has_its_directory_and_mode_and_goes_at_a_clean_stop(void **state)
{
    static const mode_t modes[] = {0600, 0660, 0666};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct api_listener listener;
        struct stat stat_of;

        assert_int_equal(api_listen(&listener, path, modes[i], NULL, &error), 0);
        assert_int_equal(stat(path, &stat_of), 0);
        assert_true(S_ISSOCK(stat_of.st_mode));
        assert_int_equal(stat_of.st_mode & 0777, modes[i]);
        assert_int_equal(knock(), 0);
        api_listen_stop(&listener);
        assert_false(exists());
    }
}

static void the_socket_goes_to_its_group(void **state)
{
    const struct group *group;
    struct api_listener listener;
    struct stat stat_of;

    (void)state;
    assert_int_equal(api_listen(&listener, path, 0660, "no-such-group", &error), -ENOENT);
    assert_non_null(strstr(error.text, "no group \"no-such-group\""));
    assert_false(exists());
    group = getgrgid(getgid());
    if (group == NULL) {
        skip();
    }
    if (getuid() == 0) {
        group = getgrnam("daemon");
        assert_non_null(group);
    }
    assert_int_equal(api_listen(&listener, path, 0660, group->gr_name, &error), 0);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_gid, group->gr_gid);
    api_listen_stop(&listener);
}

static void a_second_daemon_is_refused_and_the_first_goes_on(void **state)
{
    struct api_listener first;
    struct api_listener second;

    (void)state;
    assert_int_equal(api_listen(&first, path, 0600, NULL, &error), 0);
    assert_int_equal(api_listen(&second, path, 0600, NULL, &error), -EADDRINUSE);
    assert_non_null(strstr(error.text, "another anyfwd answers on /tmp/api_listen."));
    assert_int_equal(knock(), 0);
    api_listen_stop(&first);
    assert_int_equal(api_listen(&second, path, 0600, NULL, &error), 0);
    api_listen_stop(&second);
}

/* Somebody removed the lock file, or it is no anyfwd at all; also when its backlog is full. */
static void a_daemon_without_a_lock_is_respected(void **state)
{
    struct api_listener listener;
    struct sockaddr_un at;
    int fds[3];

    (void)state;
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), 0); /* for the directory */
    api_listen_stop(&listener);
    fds[0] = address(&at);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), -EADDRINUSE);
    assert_non_null(strstr(error.text, "another process answers"));
    fds[1] = address(&at);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    (void)!connect(fds[1], (struct sockaddr *)&at, sizeof(at)); /* the probe above or this one fills the backlog */
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), -EADDRINUSE);
    assert_true(exists());
    close(fds[1]);
    close(fds[0]);
}

static void what_kill_9_left_is_replaced(void **state)
{
    struct api_listener listener;
    int ready[2];
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        byte = api_listen(&listener, path, 0600, NULL, &error) == 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), -EADDRINUSE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(exists());
    assert_int_equal(knock(), -ECONNREFUSED);
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), 0);
    assert_int_equal(knock(), 0);
    api_listen_stop(&listener);
    close(ready[0]);
    close(ready[1]);
}

/* All start at once; the one that wins holds the path until all have tried. */
static void of_many_that_start_at_once_one_wins(void **state)
{
    enum { STARTERS = 8 };
    pid_t starters[STARTERS];
    int go[2];
    int done[2];
    int won = 0;

    (void)state;
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    for (int i = 0; i < STARTERS; i++) {
        starters[i] = fork();
        assert_true(starters[i] >= 0);
        if (starters[i] == 0) {
            struct api_listener listener;
            char byte;

            close(go[1]);
            (void)!read(go[0], &byte, 1); /* end of file: go */
            byte = api_listen(&listener, path, 0600, NULL, &error) == 0 ? 'y' : 'n';
            (void)!write(done[1], &byte, 1);
            pause();
            _exit(0);
        }
    }
    close(go[1]);
    for (int i = 0; i < STARTERS; i++) {
        char byte;

        assert_int_equal(read(done[0], &byte, 1), 1);
        won += byte == 'y';
    }
    assert_int_equal(won, 1);
    assert_int_equal(knock(), 0);
    for (int i = 0; i < STARTERS; i++) {
        assert_int_equal(kill(starters[i], SIGKILL), 0);
        assert_int_equal(waitpid(starters[i], NULL, 0), starters[i]);
    }
    close(go[0]);
    close(done[0]);
    close(done[1]);
}

static void what_is_not_a_socket_is_left_alone(void **state)
{
    struct api_listener listener;
    FILE *file;

    (void)state;
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), 0);
    api_listen_stop(&listener);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), -EADDRINUSE);
    assert_non_null(strstr(error.text, "is no socket"));
    assert_true(exists());
}

static void a_stop_leaves_the_socket_of_another_alone(void **state)
{
    struct api_listener listener;
    struct sockaddr_un at;
    int other;

    (void)state;
    assert_int_equal(api_listen(&listener, path, 0600, NULL, &error), 0);
    assert_int_equal(unlink(path), 0);
    other = address(&at);
    assert_int_equal(bind(other, (struct sockaddr *)&at, sizeof(at)), 0);
    api_listen_stop(&listener);
    assert_true(exists());
    close(other);
}

static void an_impossible_path_is_told_in_one_line(void **state)
{
    static const struct {
        const char *path;
        const char *text;
    } cases[] = {
        {"", "must have 1 to 107 bytes"},
        {"/tmp/"
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789abcdef",
         "must have 1 to 107 bytes"},
        {"/proc/nosuch/anyfwd.sock", "cannot make the directory /proc/nosuch of the socket"},
        {"/dev/null/anyfwd.sock", "cannot open /dev/null/anyfwd.sock.lock: Not a directory"},
    };
    struct api_listener listener;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(api_listen(&listener, cases[i].path, 0600, NULL, &error) < 0);
        assert_non_null(strstr(error.text, cases[i].text));
        assert_null(strchr(error.text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_socket_has_its_directory_and_mode_and_goes_at_a_clean_stop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_socket_goes_to_its_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_daemon_is_refused_and_the_first_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_daemon_without_a_lock_is_respected, setup, teardown),
        cmocka_unit_test_setup_teardown(what_kill_9_left_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(of_many_that_start_at_once_one_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_a_socket_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_leaves_the_socket_of_another_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(an_impossible_path_is_told_in_one_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
