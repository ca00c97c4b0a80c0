/* SPDX-License-Identifier: BSD-3-Clause */
#include "addr.h"
#include "api_params.h"
#include "unit.h"
#include <string.h>

struct target {
    const char *name;
    int64_t med;
    bool atomic;
    const json_t *as_path;
    const json_t *tunnel;
    struct prefix prefix;
    struct ip_addr address;
    struct api_addresses hops;
};

static const struct api_param table[] = {
    {"name", API_STRING, true, offsetof(struct target, name), 1, 8},
    {"med", API_INTEGER, false, offsetof(struct target, med), 0, UINT32_MAX},
    {"atomic", API_BOOL, false, offsetof(struct target, atomic), 0, 0},
    {"as_path", API_ARRAY, false, offsetof(struct target, as_path), 0, 0},
    {"tunnel", API_OBJECT, false, offsetof(struct target, tunnel), 0, 0},
    {"prefix", API_PREFIX, false, offsetof(struct target, prefix), 0, 0},
    {"address", API_ADDRESS, false, offsetof(struct target, address), 0, 0},
    {"hops", API_ADDRESSES, false, offsetof(struct target, hops), 1, 2},
};

static void every_kind_is_read_into_its_place(void **state)
{
    json_t *object = json_loads("{\"name\":\"lon1\",\"med\":4294967295,\"atomic\":true,\"as_path\":[1],\"tunnel\":{},"
                                "\"prefix\":\"192.0.2.0/24\",\"address\":\"2001:db8::1\"}",
                                0, NULL);
    struct target target = {0};
    char text[PREFIX_STRLEN];
    struct error error;
    uint64_t given;

    (void)state;
    assert_int_equal(api_params_read(object, table, ARRAY_SIZE(table), &target, &given, &error), 0);
    assert_string_equal(target.name, "lon1");
    assert_true(target.med == 4294967295);
    assert_true(target.atomic);
    assert_ptr_equal(target.as_path, json_object_get(object, "as_path"));
    assert_ptr_equal(target.tunnel, json_object_get(object, "tunnel"));
    assert_string_equal(prefix_format(&target.prefix, text), "192.0.2.0/24");
    assert_string_equal(ip_addr_format(&target.address, text), "2001:db8::1");
    assert_int_equal(given, 0x7f);
    json_decref(object);
}

static void absent_keys_keep_their_defaults(void **state)
{
    json_t *object = json_loads("{\"name\":\"lon1\"}", 0, NULL);
    struct target target = {.med = 100, .atomic = true};
    struct error error;
    uint64_t given;

    (void)state;
    assert_int_equal(api_params_read(object, table, ARRAY_SIZE(table), &target, &given, &error), 0);
    assert_int_equal(target.med, 100);
    assert_true(target.atomic);
    assert_int_equal(given, 1);
    json_decref(object);
}

static void one_address_is_as_good_as_a_list(void **state)
{
    static const struct {
        const char *object;
        unsigned int count;
        const char *last;
    } cases[] = {
        {"{\"name\":\"a\",\"hops\":\"192.0.2.1\"}", 1, "192.0.2.1"},
        {"{\"name\":\"a\",\"hops\":[\"192.0.2.1\"]}", 1, "192.0.2.1"},
        {"{\"name\":\"a\",\"hops\":[\"192.0.2.1\",\"2001:db8::1\"]}", 2, "2001:db8::1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *object = json_loads(cases[i].object, 0, NULL);
        struct target target = {0};
        struct error error;
        char text[IP_ADDR_STRLEN];

        assert_int_equal(api_params_read(object, table, ARRAY_SIZE(table), &target, NULL, &error), 0);
        assert_int_equal(target.hops.count, cases[i].count);
        assert_string_equal(ip_addr_format(&target.hops.items[target.hops.count - 1], text), cases[i].last);
        json_decref(object);
    }
}

static void a_refusal_names_the_key_and_what_would_be_right(void **state)
{
    static const struct {
        const char *object;
        int code;
        const char *text;
    } cases[] = {
        {"[]", API_ERR_PARAMS, "must be an object"},
        {"{}", API_ERR_PARAMS, "\"name\" is missing"},
        {"{\"colour\":\"a\"}", API_ERR_PARAMS,
         "unknown key \"colour\"; known: name, med, atomic, as_path, tunnel, prefix, address, hops"},
        {"{\"name\":1}", API_ERR_PARAMS, "\"name\" must be a string"},
        {"{\"name\":null}", API_ERR_PARAMS, "\"name\" must be a string"},
        {"{\"name\":\"\"}", API_ERR_PARAMS, "\"name\" must be 1 to 8 bytes long"},
        {"{\"name\":\"123456789\"}", API_ERR_PARAMS, "\"name\" must be 1 to 8 bytes long"},
        {"{\"med\":-1}", API_ERR_PARAMS, "\"med\" must be an integer from 0 to 4294967295"},
        {"{\"med\":4294967296}", API_ERR_PARAMS, "\"med\" must be an integer from 0 to 4294967295"},
        {"{\"med\":1.0}", API_ERR_PARAMS, "\"med\" must be an integer from 0 to 4294967295"},
        {"{\"atomic\":1}", API_ERR_PARAMS, "\"atomic\" must be true or false"},
        {"{\"as_path\":{}}", API_ERR_PARAMS, "\"as_path\" must be an array"},
        {"{\"tunnel\":[]}", API_ERR_PARAMS, "\"tunnel\" must be an object"},
        {"{\"prefix\":\"192.0.2.1/24\"}", API_ERR_PREFIX,
         "192.0.2.1/24 has bits set beyond its length; 192.0.2.0/24 would be right"},
        {"{\"prefix\":\"2001:db8::1/48\"}", API_ERR_PREFIX,
         "2001:db8::1/48 has bits set beyond its length; 2001:db8::/48 would be right"},
        {"{\"prefix\":\"192.0.2.0/33\"}", API_ERR_PREFIX,
         "\"prefix\": \"192.0.2.0/33\" is not a prefix like 192.0.2.0/24 or 2001:db8::/32"},
        {"{\"prefix\":24}", API_ERR_PARAMS, "\"prefix\" must be a prefix in a string, like \"192.0.2.0/24\""},
        {"{\"address\":\"192.0.2.0/24\"}", API_ERR_PARAMS,
         "\"address\": \"192.0.2.0/24\" is not an address like 192.0.2.1 or 2001:db8::1"},
        {"{\"address\":[]}", API_ERR_PARAMS, "\"address\" must be an address in a string, like \"192.0.2.1\""},
        {"{\"hops\":[]}", API_ERR_PARAMS, "\"hops\" must be an address or a list of 1 to 2"},
        {"{\"hops\":[\"::1\",\"::2\",\"::3\"]}", API_ERR_PARAMS, "\"hops\" must be an address or a list of 1 to 2"},
        {"{\"hops\":5}", API_ERR_PARAMS, "\"hops\" must be an address in a string, like \"192.0.2.1\""},
        {"{\"hops\":[\"192.0.2.1\",\"lon1\"]}", API_ERR_PARAMS,
         "\"hops\": \"lon1\" is not an address like 192.0.2.1 or 2001:db8::1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *object = json_loads(cases[i].object, 0, NULL);
        struct target target = {0};
        struct error error;

        assert_int_equal(api_params_read(object, table, ARRAY_SIZE(table), &target, NULL, &error), cases[i].code);
        assert_string_equal(error.text, cases[i].text);
        json_decref(object);
    }
}

static void a_method_without_parameters_refuses_any(void **state)
{
    json_t *object = json_loads("{\"a\":1}", 0, NULL);
    struct error error;

    (void)state;
    assert_int_equal(api_params_read(object, NULL, 0, NULL, NULL, &error), API_ERR_PARAMS);
    assert_string_equal(error.text, "unknown key \"a\"; there are none");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_into_its_place),
        cmocka_unit_test(absent_keys_keep_their_defaults),
        cmocka_unit_test(one_address_is_as_good_as_a_list),
        cmocka_unit_test(a_refusal_names_the_key_and_what_would_be_right),
        cmocka_unit_test(a_method_without_parameters_refuses_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
