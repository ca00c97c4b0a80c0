/* SPDX-License-Identifier: BSD-3-Clause */
/* The program for tunnels is loaded, and refuses what it cannot do. That packets arrive, e2e/test_probe_tunnel.py says.
 */
#include "abi.h"
#include "encap_loader.h"
#include "lab.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *other_path;
static const char *object_path;

static void an_object_of_something_else_is_refused(void **state)
{
    struct encap *encap = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(encap_open("/nowhere/encap.bpf.o", &encap, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nowhere/encap.bpf.o: No such file"));
    assert_int_equal(encap_open(other_path, &encap, &error), -EINVAL);
    assert_non_null(strstr(error.text, "no program \"encap\""));
    assert_null(encap);
}

static void headers_come_and_go_by_mark_and_family(void **state)
{
    const uint8_t header[ENCAP_HEADER_MAX + 1] = {0x45};
    struct encap *encap;
    struct error error = {""};

    (void)state;
    if (encap_open(object_path, &encap, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_true(encap_program(encap) > 0);
    assert_int_equal(encap_set(encap, 7, FAMILY_V4, header, ENCAP_HEADER_MAX + 1, 8), -EINVAL);
    assert_int_equal(encap_set(encap, 7, FAMILY_V4, header, 20, 8), 0);
    assert_int_equal(encap_set(encap, 7, FAMILY_V4, header, ENCAP_HEADER_MAX, 9), 0);
    assert_int_equal(encap_set(encap, 7, FAMILY_V6, header, 40, 9), 0);
    encap_del(encap, 7, FAMILY_V4);
    encap_del(encap, 7, FAMILY_V4);
    encap_close(encap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_of_something_else_is_refused),
        cmocka_unit_test(headers_come_and_go_by_mark_and_family),
    };

    if (argc != 3) {
        fprintf(stderr, "usage: %s steer.bpf.o encap.bpf.o\n", argv[0]);
        return 2;
    }
    other_path = argv[1];
    object_path = argv[2];
    lab_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
