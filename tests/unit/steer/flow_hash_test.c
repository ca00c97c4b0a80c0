/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "flow_hash.h"
#include "unit.h"
#include <math.h>
#include <string.h>

#define FLOWS   (1u << 18)
#define BUCKETS 1024u /* of the low bits, which pick the row */

struct flow {
    uint32_t src;
    uint32_t dst;
    uint16_t src_port;
    uint16_t dst_port;
};

/* Two forwarders, and two versions of anyfwd, must agree. */
static void flow_hashes_are_pinned(void **state)
{
    static const struct {
        uint64_t addresses;
        uint32_t ports;
        uint8_t protocol;
        uint64_t seed;
        uint32_t hash;
    } cases[] = {
        {0, 0, 0, 0, 0},
        {0xc0000201c6336401, 0x30390050, 6, 0, 0x44c5b7ac},
        {0xc0000201c6336401, 0x30390050, 17, 0, 0xe7066130},
        {0xc0000201c6336401, 0x30390051, 6, 0, 0xb34cf673},
        {0xc0000201c6336401, 0x30390050, 6, 1, 0x4f38938c},
        {0xc6336401c0000201, 0x00503039, 6, 0, 0x49852130},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(flow_hash(cases[i].addresses, cases[i].ports, cases[i].protocol, cases[i].seed),
                         cases[i].hash);
    }
    assert_int_equal(flow_hash_fold_v6(0x20010db800000000, 1, 0x20010db8000a0000, 2), 0xa10da3fe934ba0d2);
}

static void every_half_of_an_ipv6_address_counts_in_its_place(void **state)
{
    static const uint64_t a[4] = {0x20010db800000000, 1, 0x20010db8000a0000, 2};

    (void)state;
    for (int i = 0; i < 4; i++) {
        for (int bit = 0; bit < 64; bit++) {
            uint64_t b[4];

            memcpy(b, a, sizeof(b));
            b[i] ^= UINT64_C(1) << bit;
            assert_true(flow_hash_fold_v6(a[0], a[1], a[2], a[3]) != flow_hash_fold_v6(b[0], b[1], b[2], b[3]));
        }
    }
    assert_true(flow_hash_fold_v6(a[0], a[1], a[2], a[3]) != flow_hash_fold_v6(a[2], a[3], a[0], a[1]));
    assert_true(flow_hash_fold_v6(a[0], a[1], a[2], a[3]) != flow_hash_fold_v6(a[1], a[0], a[2], a[3]));
}

/* Traffic as it comes: every one of these counts up somewhere. */
static struct flow ports_of_one_client(uint32_t i)
{
    return (struct flow){0xc6336401, 0xc0000201, (uint16_t)i, (uint16_t)(53 + (i >> 16))};
}

static struct flow clients_in_a_row(uint32_t i)
{
    return (struct flow){0x0a000000 + i, 0xc0000201, 40000, 443};
}

static struct flow one_client_a_network(uint32_t i)
{
    return (struct flow){0x0a000001 + (i << 8), 0xc0000201, 40000, 443};
}

static struct flow clients_to_many_addresses(uint32_t i)
{
    return (struct flow){0xc6336400 + (i & 0xff), 0xc0000200 + (i >> 8 & 0xff), (uint16_t)(40000 + (i >> 16)), 443};
}

static struct flow ports_that_follow_the_address(uint32_t i)
{
    return (struct flow){0x0a000000 + i, 0xc0000201, (uint16_t)(1024 + i * 2), 443};
}

static struct flow swapped_halves(uint32_t i)
{
    return (struct flow){0x0a000000 + i, 0x0a000000 + (i ^ 0x3ffff), 5000, 5000};
}

static uint32_t hash_v4(const struct flow *flow)
{
    return flow_hash((uint64_t)flow->src << 32 | flow->dst, (uint32_t)flow->src_port << 16 | flow->dst_port, 17, 0);
}

/* The same numbers where IPv6 has them: in the host part of the source, in the network part of the destination. */
static uint32_t hash_v6(const struct flow *flow)
{
    uint64_t addresses = flow_hash_fold_v6(0x20010db800000000, flow->src, 0x20010db800000000 + flow->dst, 1);

    return flow_hash(addresses, (uint32_t)flow->src_port << 16 | flow->dst_port, 17, 0);
}

/* Routers in front of us, which choose among four forwarders. */
static void flow_bytes(const struct flow *flow, uint8_t out[12])
{
    const uint32_t words[3] = {flow->src, flow->dst, (uint32_t)flow->src_port << 16 | flow->dst_port};

    for (int i = 0; i < 12; i++) {
        out[i] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
    }
}

static uint32_t everything(const struct flow *flow)
{
    (void)flow;
    return 0;
}

static uint32_t crc32_of(const struct flow *flow)
{
    uint8_t bytes[12];
    uint32_t crc = UINT32_MAX;

    flow_bytes(flow, bytes);
    for (int i = 0; i < 12; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
        }
    }
    return ~crc;
}

/* Microsoft's key, which most NICs and many switches have. */
static uint32_t toeplitz_of(const struct flow *flow)
{
    static const uint8_t key[16] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
                                    0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};
    uint8_t bytes[12];
    uint32_t window = 0x6d5a56da;
    uint32_t hash = 0;

    flow_bytes(flow, bytes);
    for (int bit = 0; bit < 96; bit++) {
        hash ^= bytes[bit / 8] >> (7 - bit % 8) & 1 ? window : 0;
        window = window << 1 | (key[(bit + 32) / 8] >> (7 - bit % 8) & 1);
    }
    return hash;
}

static double chi_square(struct flow (*flow)(uint32_t), uint32_t (*router)(const struct flow *),
                         uint32_t (*hash)(const struct flow *))
{
    static unsigned int count[BUCKETS];
    unsigned int n = 0;
    double sum = 0;

    memset(count, 0, sizeof(count));
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct flow f = flow(i);

        if (router(&f) % 4 == 0) {
            count[hash(&f) % BUCKETS]++;
            n++;
        }
    }
    assert_true(n > FLOWS / 5);
    for (unsigned int i = 0; i < BUCKETS; i++) {
        double expected = (double)n / BUCKETS;

        sum += (count[i] - expected) * (count[i] - expected) / expected;
    }
    return sum;
}

/* Chi-square with 1023 degrees of freedom has the standard deviation 45; six of them. Too even is fine: a counter
 * spread by a multiplication is. */
#define CHI_SQUARE_MAX 1295

static void flows_spread_evenly(void **state, uint32_t (*router)(const struct flow *))
{
    struct flow (*const flows[])(uint32_t) = {
        ports_of_one_client,           clients_in_a_row, one_client_a_network, clients_to_many_addresses,
        ports_that_follow_the_address, swapped_halves,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
        assert_in_range((uintmax_t)chi_square(flows[i], router, hash_v4), 0, CHI_SQUARE_MAX);
        assert_in_range((uintmax_t)chi_square(flows[i], router, hash_v6), 0, CHI_SQUARE_MAX);
    }
}

static void flows_that_count_up_spread_evenly(void **state)
{
    flows_spread_evenly(state, everything);
}

static void flows_that_a_crc_router_sends_here_spread_evenly(void **state)
{
    flows_spread_evenly(state, crc32_of);
}

static void flows_that_a_toeplitz_router_sends_here_spread_evenly(void **state)
{
    flows_spread_evenly(state, toeplitz_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flow_hashes_are_pinned),
        cmocka_unit_test(every_half_of_an_ipv6_address_counts_in_its_place),
        cmocka_unit_test(flows_that_count_up_spread_evenly),
        cmocka_unit_test(flows_that_a_crc_router_sends_here_spread_evenly),
        cmocka_unit_test(flows_that_a_toeplitz_router_sends_here_spread_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
