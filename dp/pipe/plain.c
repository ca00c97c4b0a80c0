/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes 2 to 33 of sixteen frames, eight words each, are turned around into eight vectors of sixteen words: then each
 * check is one comparison for all of them. Words are as they lie in memory, little-endian ones.
 */
#include "plain.h"
#include "wide.h"
#include <netinet/in.h>
#include <rte_ip.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define SKIP             2 /* bytes of a frame before the words */
#define V4_BYTES         (RTE_ETHER_HDR_LEN + (unsigned int)sizeof(struct rte_ipv4_hdr))
#define V6_BYTES         (RTE_ETHER_HDR_LEN + (unsigned int)sizeof(struct rte_ipv6_hdr))
#define V6_LAST_ORDINARY 0xfd /* first octet; beyond are link-local addresses and groups, and 0 is unspecified */
_Static_assert(SKIP + 32 == RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr), "the words end with the IPv4 header");

enum word {
    DST_MAC,      /* octets 2 to 5 */
    SRC_MAC,      /* 0 to 3 */
    SRC_MAC_TYPE, /* 4 and 5, EtherType */
    V4_VERSION,   /* version, TOS, total length; in IPv6 version, class and label */
    V4_ID,        /* id, fragment; in IPv6 payload length, next header, hop limit */
    V4_TTL,       /* TTL, protocol, checksum; in IPv6 the source from its beginning */
    V4_SRC,
    V4_DST,
    WORDS,
};

struct columns {
    __m512i word[WORDS];
    __m512i room;     /* bytes of the frame behind the Ethernet header */
    __m512i data_len; /* of the first segment */
    __mmask16 whole;  /* there is no other */
};

bool pipe_wide_works(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

AVX512 static inline __m512i all(uint32_t word)
{
    return _mm512_set1_epi32((int)word);
}

/* Also in which bits of the octets before the words the two differ from our MAC address. */
AVX512 static inline __m512i two_rows(const uint8_t *low, const uint8_t *high, uint64_t own_mac, uint16_t *differ)
{
    uint16_t low_begin;
    uint16_t high_begin;

    memcpy(&low_begin, low, sizeof(low_begin));
    memcpy(&high_begin, high, sizeof(high_begin));
    *differ |= (uint16_t)((low_begin ^ (uint16_t)own_mac) | (high_begin ^ (uint16_t)own_mac));
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(low + SKIP))),
                              _mm256_loadu_si256((const __m256i *)(high + SKIP)), 1);
}

/* Word w and word w + 4 of four rows, for w from 0 to 3: rows 0 to 3 are in the low halves, 4 to 7 in the high ones. */
AVX512 static inline void turn_four(const uint8_t *const *rows, uint64_t own_mac, uint16_t *differ, __m512i out[4])
{
    __m512i row0 = two_rows(rows[0], rows[4], own_mac, differ);
    __m512i row1 = two_rows(rows[1], rows[5], own_mac, differ);
    __m512i row2 = two_rows(rows[2], rows[6], own_mac, differ);
    __m512i row3 = two_rows(rows[3], rows[7], own_mac, differ);
    __m512i low01 = _mm512_unpacklo_epi32(row0, row1);
    __m512i low23 = _mm512_unpacklo_epi32(row2, row3);
    __m512i high01 = _mm512_unpackhi_epi32(row0, row1);
    __m512i high23 = _mm512_unpackhi_epi32(row2, row3);

    out[0] = _mm512_unpacklo_epi64(low01, low23);
    out[1] = _mm512_unpackhi_epi64(low01, low23);
    out[2] = _mm512_unpacklo_epi64(high01, high23);
    out[3] = _mm512_unpackhi_epi64(high01, high23);
}

/* False: a row does not begin as our MAC address does. */
AVX512 static inline bool turn(const uint8_t *const *rows, uint64_t own_mac, struct columns *columns)
{
    uint16_t differ = 0;
    __m512i first[4];
    __m512i second[4];

    turn_four(rows, own_mac, &differ, first);
    turn_four(rows + 8, own_mac, &differ, second);
    for (unsigned int i = 0; i < 4; i++) {
        columns->word[i] = _mm512_shuffle_i64x2(first[i], second[i], _MM_SHUFFLE(2, 0, 2, 0));
        columns->word[i + 4] = _mm512_shuffle_i64x2(first[i], second[i], _MM_SHUFFLE(3, 1, 3, 1));
    }
    return differ == 0;
}

/* The mbuf's bytes from pkt_len on: that, and data_len. */
static inline long long two_lengths(const struct rte_mbuf *mbuf)
{
    long long both;

    memcpy(&both, &mbuf->pkt_len, sizeof(both));
    return both;
}

AVX512 static inline __m512i eight_lengths(struct rte_mbuf *const *mbufs)
{
    __m128i pairs[4];

    for (unsigned int i = 0; i < 4; i++) {
        pairs[i] = _mm_set_epi64x(two_lengths(mbufs[2 * i + 1]), two_lengths(mbufs[2 * i]));
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(pairs[1], pairs[0])),
                              _mm256_set_m128i(pairs[3], pairs[2]), 1);
}

AVX512 static inline void read_lengths(struct rte_mbuf *const *mbufs, struct columns *columns)
{
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    __m512i low = eight_lengths(mbufs);
    __m512i high = eight_lengths(mbufs + 8);
    __m512i pkt_len = _mm512_permutex2var_epi32(low, even, high);

    columns->data_len =
        _mm512_and_si512(_mm512_permutex2var_epi32(low, _mm512_add_epi32(even, all(1)), high), all(0xffff));
    columns->room = _mm512_sub_epi32(pkt_len, all(RTE_ETHER_HDR_LEN));
    columns->whole = _mm512_cmpeq_epi32_mask(pkt_len, columns->data_len);
}

/* The high half of each word, which is in network byte order. */
AVX512 static inline __m512i high_be16(__m512i word)
{
    const __m512i order =
        _mm512_broadcast_i32x4(_mm_set_epi8(-1, -1, 14, 15, -1, -1, 10, 11, -1, -1, 6, 7, -1, -1, 2, 3));

    return _mm512_shuffle_epi8(word, order);
}

/* Where octet is in the range 1 to last. */
AVX512 static inline __mmask16 octet_within(__m512i octet, uint32_t last)
{
    return _mm512_cmplt_epu32_mask(_mm512_sub_epi32(octet, all(1)), all(last));
}

AVX512 static inline __m512i octet(__m512i word, unsigned int number)
{
    return _mm512_and_si512(_mm512_srli_epi32(word, number * 8), all(0xff));
}

/* Neither 0/8, 127/8, multicast nor class E. */
AVX512 static inline __mmask16 v4_ordinary(__m512i address)
{
    __m512i first = octet(address, 0);

    return octet_within(first, 223) & _mm512_cmpneq_epi32_mask(first, all(127));
}

/* RFC 1071, over twenty bytes. */
AVX512 static inline __mmask16 v4_checksum_right(const struct columns *columns)
{
    __m512i sum = _mm512_setzero_si512();

    for (unsigned int i = V4_VERSION; i < WORDS; i++) {
        sum = _mm512_add_epi32(sum, _mm512_and_si512(columns->word[i], all(0xffff)));
        sum = _mm512_add_epi32(sum, _mm512_srli_epi32(columns->word[i], 16));
    }
    sum = _mm512_add_epi32(_mm512_and_si512(sum, all(0xffff)), _mm512_srli_epi32(sum, 16));
    sum = _mm512_add_epi32(_mm512_and_si512(sum, all(0xffff)), _mm512_srli_epi32(sum, 16));
    return _mm512_cmpeq_epi32_mask(sum, all(0xffff));
}

/* To this port, from another unicast address, as far as the words go. */
AVX512 static inline __mmask16 macs_right(const struct columns *columns, uint64_t own_mac)
{
    __m512i src_end = _mm512_and_si512(columns->word[SRC_MAC_TYPE], all(0xffff));

    return _mm512_cmpeq_epi32_mask(columns->word[DST_MAC], all((uint32_t)(own_mac >> 16))) &
           _mm512_testn_epi32_mask(columns->word[SRC_MAC], all(1)) &
           (_mm512_cmpneq_epi32_mask(columns->word[SRC_MAC], all((uint32_t)own_mac)) |
            _mm512_cmpneq_epi32_mask(src_end, all((uint32_t)(own_mac >> 32))));
}

AVX512 static inline __mmask16 is_type(const struct columns *columns, uint16_t type)
{
    return _mm512_cmpeq_epi32_mask(_mm512_srli_epi32(columns->word[SRC_MAC_TYPE], 16), all(rte_cpu_to_be_16(type)));
}

AVX512 static inline __mmask16 v4_plain(const struct columns *columns, __m512i *length)
{
    __m512i version = octet(columns->word[V4_VERSION], 0);

    *length = high_be16(columns->word[V4_VERSION]);
    return _mm512_cmpeq_epi32_mask(version, all(RTE_IPV4_VHL_DEF)) &
           _mm512_cmpge_epu32_mask(*length, all(sizeof(struct rte_ipv4_hdr))) &
           _mm512_cmple_epu32_mask(*length, columns->room) & v4_checksum_right(columns) &
           v4_ordinary(columns->word[V4_SRC]) & v4_ordinary(columns->word[V4_DST]);
}

/* What extension_is_next() says no to. */
AVX512 static inline __mmask16 v6_upper(__m512i next)
{
    return _mm512_cmpneq_epi32_mask(next, all(IPPROTO_HOPOPTS)) & _mm512_cmpneq_epi32_mask(next, all(IPPROTO_ROUTING)) &
           _mm512_cmpneq_epi32_mask(next, all(IPPROTO_FRAGMENT)) & _mm512_cmpneq_epi32_mask(next, all(IPPROTO_AH)) &
           _mm512_cmpneq_epi32_mask(next, all(IPPROTO_DSTOPTS));
}

/* As far as the words go: the destination is not among them. */
AVX512 static inline __mmask16 v6_plain(const struct columns *columns, __m512i *length)
{
    __m512i payload = high_be16(_mm512_slli_epi32(columns->word[V4_ID], 16));

    *length = _mm512_add_epi32(payload, all(sizeof(struct rte_ipv6_hdr)));
    return _mm512_cmpge_epu32_mask(columns->data_len, all(V6_BYTES)) &
           _mm512_cmpeq_epi32_mask(_mm512_and_si512(columns->word[V4_VERSION], all(0xf0)), all(0x60)) &
           _mm512_cmple_epu32_mask(*length, columns->room) & v6_upper(octet(columns->word[V4_ID], 2)) &
           octet_within(octet(columns->word[V4_TTL], 0), V6_LAST_ORDINARY);
}

AVX512 static inline void store_packets(struct packet *out, __m512i mbufs, __m512i lengths)
{
    const __m512i low = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i high = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);

    _mm512_storeu_si512(out, _mm512_permutex2var_epi64(mbufs, low, lengths));
    _mm512_storeu_si512(out + 4, _mm512_permutex2var_epi64(mbufs, high, lengths));
}

/* Appends the packets of the mask, in their order, with their lengths. */
AVX512 static inline void append(struct packet *out, struct rte_mbuf *const *mbufs, __m512i length, __mmask16 mask)
{
    __m512i mbufs_low = _mm512_loadu_si512(mbufs);
    __m512i mbufs_high = _mm512_loadu_si512(mbufs + 8);
    __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(length));
    __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(length, 1));

    if (likely(mask == 0xffff)) { /* nothing waits for the checks' results */
        store_packets(out, mbufs_low, low);
        store_packets(out + 8, mbufs_high, high);
        return;
    }
    store_packets(out, _mm512_maskz_compress_epi64((__mmask8)mask, mbufs_low),
                  _mm512_maskz_compress_epi64((__mmask8)mask, low));
    out += __builtin_popcount(mask & 0xff);
    mask >>= 8;
    store_packets(out, _mm512_maskz_compress_epi64((__mmask8)mask, mbufs_high),
                  _mm512_maskz_compress_epi64((__mmask8)mask, high));
}
_Static_assert(sizeof(struct packet) == 16 && offsetof(struct packet, length) == 8, "a pointer, then a word");

AVX512 static inline void append_v4(const struct pipe *pipe, const struct columns *columns,
                                    struct rte_mbuf *const *mbufs, __m512i length, __mmask16 mask, struct burst *burst)
{
    const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    unsigned int n = burst->count[FAMILY_V4];
    uint32_t *destinations = burst->v4_destinations + n;
    __m512i addresses = _mm512_shuffle_epi8(columns->word[V4_DST], order);
    unsigned int count = (unsigned int)__builtin_popcount(mask);

    append(burst->packets[FAMILY_V4] + n, mbufs, length, mask);
    if (unlikely(mask != 0xffff)) {
        addresses = _mm512_maskz_compress_epi32(mask, addresses);
    }
    _mm512_storeu_si512(destinations, addresses);
    for (unsigned int i = 0; i < count; i++) {
        fib4_prefetch(pipe->fib4, destinations[i]);
    }
    burst->count[FAMILY_V4] = n + count;
}

/* False: a destination is not ordinary, and nothing is appended. */
AVX512 static inline bool append_v6(const struct pipe *pipe, const uint8_t *const *frames,
                                    struct rte_mbuf *const *mbufs, __m512i length, __mmask16 mask, struct burst *burst)
{
    unsigned int n = burst->count[FAMILY_V6];
    bool ordinary = true;

    append(burst->packets[FAMILY_V6] + n, mbufs, length, mask);
    for (unsigned int left = mask; left != 0; left &= left - 1, n++) {
        const uint8_t *dst = frames[__builtin_ctz(left)] + RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv6_hdr, dst_addr);

        fib6_prefetch(pipe->fib6, dst);
        memcpy(burst->v6_destinations[n], dst, sizeof(burst->v6_destinations[n]));
        ordinary = ordinary & ((uint8_t)(*dst - 1) < V6_LAST_ORDINARY);
    }
    burst->count[FAMILY_V6] = ordinary ? n : burst->count[FAMILY_V6];
    return ordinary;
}

AVX512 bool plain_parse(const struct pipe *pipe, uint64_t own_mac, const uint8_t *const *frames,
                        struct rte_mbuf *const *mbufs, unsigned int n, struct burst *burst)
{
    __mmask16 lanes = n < PLAIN_GROUP ? (__mmask16)((1u << n) - 1) : 0xffff;
    struct columns columns;
    __m512i v4_length;
    __m512i v6_length;
    __mmask16 v4;
    __mmask16 v6;

    read_lengths(mbufs, &columns);
    if (_mm512_cmpge_epu32_mask(columns.data_len, all(V4_BYTES)) != 0xffff || columns.whole != 0xffff ||
        !turn(frames, own_mac, &columns)) {
        return false;
    }
    v4 = is_type(&columns, RTE_ETHER_TYPE_IPV4) & v4_plain(&columns, &v4_length) & lanes;
    v6 = is_type(&columns, RTE_ETHER_TYPE_IPV6) & v6_plain(&columns, &v6_length) & lanes;
    if ((macs_right(&columns, own_mac) & (v4 | v6)) != lanes ||
        (v6 != 0 && !append_v6(pipe, frames, mbufs, v6_length, v6, burst))) {
        return false;
    }
    if (v4 != 0) {
        append_v4(pipe, &columns, mbufs, v4_length, v4, burst);
    }
    return true;
}

#else

bool pipe_wide_works(void)
{
    return false;
}

bool plain_parse(const struct pipe *pipe, uint64_t own_mac, const uint8_t *const *frames, struct rte_mbuf *const *mbufs,
                 unsigned int n, struct burst *burst)
{
    (void)pipe, (void)own_mac, (void)frames, (void)mbufs, (void)n, (void)burst;
    return false;
}

#endif
