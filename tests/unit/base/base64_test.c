/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

static void the_vectors_of_rfc_4648_go_there_and_back(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } vectors[] = {{"", ""},
                   {"f", "Zg=="},
                   {"fo", "Zm8="},
                   {"foo", "Zm9v"},
                   {"foob", "Zm9vYg=="},
                   {"fooba", "Zm9vYmE="},
                   {"foobar", "Zm9vYmFy"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        size_t length = strlen(vectors[i].bytes);
        char text[16] = {0};
        uint8_t bytes[16];

        base64_encode(vectors[i].bytes, length, text);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(base64_decode(text, strlen(text), bytes, length), length);
        assert_memory_equal(bytes, vectors[i].bytes, length);
    }
}

static void every_byte_goes_there_and_back(void **state)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char text[BASE64_LENGTH(sizeof(bytes))];

    (void)state;
    for (unsigned int i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    base64_encode(bytes, sizeof(bytes), text);
    assert_int_equal(base64_decode(text, sizeof(text), back, sizeof(back)), sizeof(back));
    assert_memory_equal(bytes, back, sizeof(back));
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const texts[] = {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9*", "Zm 9", "Zm9vZm9vZm9v"};
    uint8_t bytes[6];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (base64_decode(texts[i], strlen(texts[i]), bytes, sizeof(bytes)) != -EINVAL) {
            fail_msg("%s", texts[i]);
        }
    }
    assert_int_equal(base64_decode("Z\0==", 4, bytes, sizeof(bytes)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_go_there_and_back),
        cmocka_unit_test(every_byte_goes_there_and_back),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
