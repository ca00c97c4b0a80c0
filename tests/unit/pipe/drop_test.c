/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "drop.h"
#include "unit.h"
#include <string.h>

/* Other people's programs read these keys. */
static void reasons_have_the_names_that_the_api_promises(void **state)
{
    static const struct {
        enum drop_reason reason;
        const char *name;
    } promised[] = {
        {DROP_BAD_VERSION, "bad_version"},
        {DROP_BAD_HEADER_LENGTH, "bad_header_length"},
        {DROP_BAD_TOTAL_LENGTH, "bad_total_length"},
        {DROP_BAD_CHECKSUM, "bad_checksum"},
        {DROP_TRUNCATED, "truncated"},
        {DROP_TTL_EXPIRED, "ttl_expired"},
        {DROP_NO_ROUTE, "no_route"},
        {DROP_NO_INSTANCE, "no_instance"},
        {DROP_NO_NEIGHBOUR, "no_neighbour"},
        {DROP_MARTIAN_SOURCE, "martian_source"},
        {DROP_MARTIAN_DESTINATION, "martian_destination"},
        {DROP_NOT_FOR_US, "not_for_us"},
        {DROP_UNKNOWN_VLAN, "unknown_vlan"},
        {DROP_TOO_BIG, "too_big"},
        {DROP_BLACKHOLE, "blackhole"},
        {DROP_TX_FULL, "tx_full"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(promised); i++) {
        assert_string_equal(drop_reason_name(promised[i].reason), promised[i].name);
    }
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned int a = 0; a < DROP_REASONS; a++) {
        assert_non_null(drop_reason_name((enum drop_reason)a));
        for (unsigned int b = 0; b < a; b++) {
            assert_string_not_equal(drop_reason_name((enum drop_reason)a), drop_reason_name((enum drop_reason)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_the_names_that_the_api_promises),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
