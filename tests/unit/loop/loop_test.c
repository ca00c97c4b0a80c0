/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"
#include "unit.h"
#include <string.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    char calls[32]; /* one letter a callback, in order */
};

struct actor {
    struct fixture *fixture;
    char letter;
    struct loop_watch watch;
    struct loop_timer timer;
    struct actor *victim; /* removed by whoever is called first */
    int again;            /* how often the timer sets itself again */
};

static void note(struct actor *actor)
{
    size_t n = strlen(actor->fixture->calls);

    assert_true(n + 1 < sizeof(actor->fixture->calls));
    actor->fixture->calls[n] = actor->letter;
}

static void on_ready(void *owner, uint32_t events)
{
    struct actor *actor = owner;
    char byte;

    assert_true(events & EPOLLIN);
    assert_int_equal(read(actor->watch.fd, &byte, 1), 1);
    note(actor);
    if (actor->victim != NULL) {
        loop_remove(actor->fixture->loop, &actor->victim->watch);
        memset(&actor->victim->watch, 0xa5, sizeof(actor->victim->watch)); /* as if freed */
    }
}

static void on_timer(void *owner)
{
    struct actor *actor = owner;

    note(actor);
    if (actor->victim != NULL) {
        loop_timer_clear(&actor->victim->timer);
    }
    if (actor->again-- > 0) {
        loop_timer_set(actor->fixture->loop, &actor->timer, 0);
    }
}

static int setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.loop = loop_create();
    *state = &fixture;
    return fixture.loop == NULL;
}

static int teardown(void **state)
{
    loop_destroy(((struct fixture *)*state)->loop);
    return 0;
}

static struct actor actor_of(struct fixture *fixture, char letter)
{
    return (struct actor){.fixture = fixture, .letter = letter};
}

/* The fire callback's owner must be the actor where it finally lies. */
static void arm(struct actor *actor, uint64_t delay_ms)
{
    actor->timer.fire = on_timer;
    actor->timer.owner = actor;
    loop_timer_set(actor->fixture->loop, &actor->timer, delay_ms);
}

/* A pipe with one byte in it; returns the end to close. */
static int watch_readable(struct actor *actor)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "xx", 2), 2);
    actor->watch = (struct loop_watch){.fd = ends[0], .ready = on_ready, .owner = actor};
    assert_int_equal(loop_add(actor->fixture->loop, &actor->watch, EPOLLIN), 0);
    return ends[1];
}

static void timers_fire_in_order_of_time_then_of_setting(void **state)
{
    struct fixture *fixture = *state;
    struct actor a = actor_of(fixture, 'a');
    struct actor b = actor_of(fixture, 'b');
    struct actor c = actor_of(fixture, 'c');
    struct actor d = actor_of(fixture, 'd');

    arm(&c, 12);
    arm(&a, 1);
    arm(&d, 100000);
    arm(&b, 1);
    while (strlen(fixture->calls) < 3) {
        assert_int_equal(loop_once(fixture->loop, -1), 0);
    }
    assert_string_equal(fixture->calls, "abc");
    loop_timer_clear(&d.timer);
    loop_timer_clear(&d.timer); /* twice does no harm */
    assert_int_equal(loop_once(fixture->loop, 0), 0);
    assert_string_equal(fixture->calls, "abc");
}

static void setting_a_timer_again_moves_it(void **state)
{
    struct fixture *fixture = *state;
    struct actor a = actor_of(fixture, 'a');
    struct actor b = actor_of(fixture, 'b');

    arm(&a, 0);
    arm(&b, 1);
    arm(&a, 5);
    while (strlen(fixture->calls) < 2) {
        assert_int_equal(loop_once(fixture->loop, -1), 0);
    }
    assert_string_equal(fixture->calls, "ba");
}

static void a_timer_that_sets_itself_to_zero_does_not_starve_descriptors(void **state)
{
    struct fixture *fixture = *state;
    struct actor timer = actor_of(fixture, 't');
    struct actor pipe_end = actor_of(fixture, 'p');
    int other;

    timer.again = 2;
    arm(&timer, 0);
    other = watch_readable(&pipe_end);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(loop_once(fixture->loop, -1), 0);
    }
    assert_string_equal(fixture->calls, "ptptt");
    loop_remove(fixture->loop, &pipe_end.watch);
    close(pipe_end.watch.fd);
    close(other);
}

static void a_timer_cleared_by_one_due_with_it_does_not_fire(void **state)
{
    struct fixture *fixture = *state;
    struct actor a = actor_of(fixture, 'a');
    struct actor b = actor_of(fixture, 'b');

    a.victim = &b;
    arm(&a, 0);
    arm(&b, 0);
    assert_int_equal(loop_once(fixture->loop, -1), 0);
    assert_string_equal(fixture->calls, "a");
}

static void a_watch_removed_while_it_was_ready_is_not_called(void **state)
{
    struct fixture *fixture = *state;
    struct actor a = actor_of(fixture, 'a');
    struct actor b = actor_of(fixture, 'b');
    int ends[2] = {watch_readable(&a), watch_readable(&b)};
    int fds[2] = {a.watch.fd, b.watch.fd};

    a.victim = &b;
    b.victim = &a;
    assert_int_equal(loop_once(fixture->loop, -1), 0);
    assert_int_equal(strlen(fixture->calls), 1);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(ends[i]);
    }
}

static void a_watch_for_nothing_sleeps_until_it_is_changed(void **state)
{
    struct fixture *fixture = *state;
    struct actor a = actor_of(fixture, 'a');
    int other = watch_readable(&a);

    loop_change(fixture->loop, &a.watch, 0);
    assert_int_equal(loop_once(fixture->loop, 0), 0);
    assert_string_equal(fixture->calls, "");
    loop_change(fixture->loop, &a.watch, EPOLLIN);
    assert_int_equal(loop_once(fixture->loop, -1), 0);
    assert_string_equal(fixture->calls, "a");
    loop_remove(fixture->loop, &a.watch);
    close(a.watch.fd);
    close(other);
}

struct stopper {
    struct loop *loop;
    int seen;
};

static void stop_on_signal(void *owner, int signal)
{
    struct stopper *stopper = owner;

    stopper->seen = signal;
    loop_stop(stopper->loop);
}

static void a_signal_stops_the_run(void **state)
{
    struct fixture *fixture = *state;
    struct stopper stopper = {.loop = fixture->loop};
    struct loop_signals signals = {.arrived = stop_on_signal, .owner = &stopper};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    assert_int_equal(loop_signals_add(fixture->loop, &signals, &set), 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(stopper.seen, SIGHUP);
    loop_signals_remove(fixture->loop, &signals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_of_time_then_of_setting, setup, teardown),
        cmocka_unit_test_setup_teardown(setting_a_timer_again_moves_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_that_sets_itself_to_zero_does_not_starve_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_cleared_by_one_due_with_it_does_not_fire, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_removed_while_it_was_ready_is_not_called, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_for_nothing_sleeps_until_it_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_stops_the_run, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
