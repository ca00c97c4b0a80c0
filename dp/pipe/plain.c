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

struct group {
    uint8_t *const *frames;
    struct rte_mbuf *const *mbufs;
    struct columns columns;
};

bool pipe_wide_works(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2");
}

AVX512 static inline __m512i all(uint32_t word)
{
    return _mm512_set1_epi32((int)word);
}

AVX512 static inline __m512i two_rows(const uint8_t *low, const uint8_t *high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(low + SKIP))),
                              _mm256_loadu_si256((const __m256i *)(high + SKIP)), 1);
}

/* Word w and word w + 4 of four rows, for w from 0 to 3: rows 0 to 3 are in the low halves, 4 to 7 in the high ones. */
AVX512 static inline void turn_four(uint8_t *const *rows, __m512i out[4])
{
    __m512i row0 = two_rows(rows[0], rows[4]);
    __m512i row1 = two_rows(rows[1], rows[5]);
    __m512i row2 = two_rows(rows[2], rows[6]);
    __m512i row3 = two_rows(rows[3], rows[7]);
    __m512i low01 = _mm512_unpacklo_epi32(row0, row1);
    __m512i low23 = _mm512_unpacklo_epi32(row2, row3);
    __m512i high01 = _mm512_unpackhi_epi32(row0, row1);
    __m512i high23 = _mm512_unpackhi_epi32(row2, row3);

    out[0] = _mm512_unpacklo_epi64(low01, low23);
    out[1] = _mm512_unpackhi_epi64(low01, low23);
    out[2] = _mm512_unpacklo_epi64(high01, high23);
    out[3] = _mm512_unpackhi_epi64(high01, high23);
}

AVX512 static inline void turn(uint8_t *const *rows, struct columns *columns)
{
    __m512i first[4];
    __m512i second[4];

    turn_four(rows, first);
    turn_four(rows + 8, second);
    for (unsigned int i = 0; i < 4; i++) {
        columns->word[i] = _mm512_shuffle_i64x2(first[i], second[i], _MM_SHUFFLE(2, 0, 2, 0));
        columns->word[i + 4] = _mm512_shuffle_i64x2(first[i], second[i], _MM_SHUFFLE(3, 1, 3, 1));
    }
}

/* Whether the octets before the words are those of our MAC address. */
static inline bool begin_right(uint8_t *const *frames, uint64_t own_mac)
{
#pragma GCC unroll 16
    for (unsigned int i = 0; i < PLAIN_GROUP; i++) {
        uint16_t begin;

        memcpy(&begin, frames[i], sizeof(begin));
        if (unlikely(begin != (uint16_t)own_mac)) {
            return false;
        }
    }
    return true;
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

AVX512 static inline __m512i octet(__m512i word, unsigned int number)
{
    return _mm512_and_si512(_mm512_srli_epi32(word, number * 8), all(0xff));
}

/* Checks are vectors of words: zero where they are passed. In one of octets, the first of a word alone counts. Or'ed
 * together they take less time than masks do. */
AVX512 static inline __m512i any(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0xfe);
}

AVX512 static inline __m512i differ(__m512i a, uint32_t b)
{
    return _mm512_xor_si512(a, all(b));
}

AVX512 static inline __m512i more(__m512i a, __m512i b)
{
    return _mm512_xor_si512(_mm512_max_epu32(a, b), b);
}

/* The octet is 0 or above last. */
AVX512 static inline __m512i octet_outside(__m512i word, uint8_t last)
{
    return _mm512_subs_epu8(_mm512_sub_epi8(word, all(1)), all(last - 1u));
}

/* The octet is that one. */
AVX512 static inline __m512i octet_equal(__m512i word, uint8_t one)
{
    return _mm512_subs_epu8(_mm512_sub_epi8(differ(word, one), all(1)), all(UINT8_MAX - 1));
}

/* 0/8, 127/8, multicast or class E; of octets. */
AVX512 static inline __m512i v4_unusual(__m512i address)
{
    return _mm512_or_si512(octet_outside(address, 223), octet_equal(address, 127));
}

/* RFC 1071, over twenty bytes. */
AVX512 static inline __m512i v4_checksum_wrong(const struct columns *columns)
{
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    __m512i sum;

    for (unsigned int i = V4_VERSION; i < WORDS; i++) {
        low = _mm512_add_epi32(low, _mm512_and_si512(columns->word[i], all(0xffff)));
        high = _mm512_add_epi32(high, _mm512_srli_epi32(columns->word[i], 16));
    }
    sum = _mm512_add_epi32(low, high);
    sum = _mm512_add_epi32(_mm512_and_si512(sum, all(0xffff)), _mm512_srli_epi32(sum, 16));
    sum = _mm512_add_epi32(_mm512_and_si512(sum, all(0xffff)), _mm512_srli_epi32(sum, 16));
    return differ(sum, 0xffff);
}

/* Not to this port, or from a group, as far as the words go. */
AVX512 static inline __m512i macs_wrong(const struct columns *columns, uint64_t own_mac)
{
    return _mm512_or_si512(differ(columns->word[DST_MAC], (uint32_t)(own_mac >> 16)),
                           _mm512_and_si512(columns->word[SRC_MAC], all(1)));
}

AVX512 static inline __mmask16 from_another(const struct columns *columns, uint64_t own_mac)
{
    __m512i src_end = _mm512_and_si512(columns->word[SRC_MAC_TYPE], all(0xffff));

    return _mm512_cmpneq_epi32_mask(columns->word[SRC_MAC], all((uint32_t)own_mac)) |
           _mm512_cmpneq_epi32_mask(src_end, all((uint32_t)(own_mac >> 32)));
}

AVX512 static inline __mmask16 is_type(const struct columns *columns, uint16_t type)
{
    return _mm512_cmpeq_epi32_mask(_mm512_srli_epi32(columns->word[SRC_MAC_TYPE], 16), all(rte_cpu_to_be_16(type)));
}

AVX512 static inline __m512i v4_unplain(const struct columns *columns, __m512i *length)
{
    __m512i octets = any(differ(columns->word[V4_VERSION], RTE_IPV4_VHL_DEF), v4_unusual(columns->word[V4_SRC]),
                         v4_unusual(columns->word[V4_DST]));
    __m512i words;

    *length = high_be16(columns->word[V4_VERSION]);
    words =
        any(more(all(sizeof(struct rte_ipv4_hdr)), *length), more(*length, columns->room), v4_checksum_wrong(columns));
    return _mm512_or_si512(words, _mm512_and_si512(octets, all(0xff)));
}

/* What extension_is_next() says yes to; of octets. */
AVX512 static inline __m512i v6_extended(__m512i next)
{
    return any(any(octet_equal(next, IPPROTO_HOPOPTS), octet_equal(next, IPPROTO_ROUTING),
                   octet_equal(next, IPPROTO_FRAGMENT)),
               octet_equal(next, IPPROTO_AH), octet_equal(next, IPPROTO_DSTOPTS));
}

/* As far as the words go: the destination is not among them. */
AVX512 static inline __m512i v6_unplain(const struct columns *columns, __m512i *length)
{
    __m512i payload = high_be16(_mm512_slli_epi32(columns->word[V4_ID], 16));
    __m512i version = _mm512_and_si512(columns->word[V4_VERSION], all(0xf0));
    __m512i octets = any(differ(version, 0x60), octet_outside(columns->word[V4_TTL], V6_LAST_ORDINARY),
                         v6_extended(_mm512_srli_epi32(columns->word[V4_ID], 16)));

    *length = _mm512_add_epi32(payload, all(sizeof(struct rte_ipv6_hdr)));
    return any(more(all(V6_BYTES), columns->data_len), more(*length, columns->room),
               _mm512_and_si512(octets, all(0xff)));
}

/* Appends the pointers of the mask, in their order. */
AVX512 static inline void append_pointers(void *out, const void *pointers, __mmask16 mask)
{
    __m512i low = _mm512_loadu_si512(pointers);
    __m512i high = _mm512_loadu_si512((const char *)pointers + sizeof(low));
    char *behind = out;

    if (likely(mask == 0xffff)) { /* nothing waits for the checks' results */
        _mm512_storeu_si512(behind, low);
        _mm512_storeu_si512(behind + sizeof(low), high);
        return;
    }
    _mm512_storeu_si512(behind, _mm512_maskz_compress_epi64((__mmask8)mask, low));
    behind += (size_t)__builtin_popcount(mask & 0xff) * sizeof(void *);
    _mm512_storeu_si512(behind, _mm512_maskz_compress_epi64((__mmask8)(mask >> 8), high));
}

AVX512 static inline void append_words(uint32_t *out, __m512i words, __mmask16 mask)
{
    _mm512_storeu_si512(out, likely(mask == 0xffff) ? words : _mm512_maskz_compress_epi32(mask, words));
}

/* Appends the packets of the mask, in their order; where they have the TTLs. */
AVX512 static inline void append(struct burst *burst, enum family family, const struct group *group, __m512i length,
                                 __m512i ttl, __mmask16 mask)
{
    unsigned int n = burst->count[family];
    __mmask16 padded = _mm512_mask_cmpneq_epi32_mask(mask, length, group->columns.room);
    bool in_place = group->frames == burst->frames[family] + n && (mask & (mask + 1)) == 0;

    append_pointers(burst->mbufs[family] + n, group->mbufs, mask);
    if (unlikely(!in_place)) {
        append_pointers(burst->frames[family] + n, group->frames, mask);
    }
    append_words(burst->lengths[family] + n, length, mask);
    burst->padded[family] |= (uint64_t)_pext_u32(padded, mask) << n;
    if (unlikely(_mm512_mask_cmple_epu32_mask(mask, ttl, all(1)) != 0)) {
        burst->plain[family] = false;
    }
    burst->count[family] = n + (unsigned int)__builtin_popcount(mask);
}

/* One record serves all traffic to one prefix of a site. */
AVX512 static inline void v4_prefetch(const struct fib4 *fib, __m512i addresses, const uint32_t *stored, unsigned int n)
{
    __m512i first = _mm512_broadcastd_epi32(_mm512_castsi512_si128(addresses));

    if (_mm512_cmple_epu32_mask(_mm512_xor_si512(addresses, first), all(UINT8_MAX)) == 0xffff) {
        fib4_prefetch(fib, stored[0]);
        return;
    }
#pragma GCC unroll 4
    for (unsigned int i = 0; i < n; i++) {
        fib4_prefetch(fib, stored[i]);
    }
}

AVX512 static inline void append_v4(const struct pipe *pipe, const struct group *group, __m512i length, __mmask16 mask,
                                    struct burst *burst)
{
    const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    const __m512i *word = group->columns.word;
    unsigned int n = burst->count[FAMILY_V4];
    __m512i addresses = _mm512_shuffle_epi8(word[V4_DST], order);

    append(burst, FAMILY_V4, group, length, octet(word[V4_TTL], 0), mask);
    append_words(burst->v4_destinations + n, addresses, mask);
    append_words(burst->words.v4_src + n, word[V4_SRC], mask);
    append_words(burst->words.v4_id + n, word[V4_ID], mask);
    append_words(burst->words.v4_ttl + n, word[V4_TTL], mask);
    v4_prefetch(pipe->fib4, addresses, burst->v4_destinations + n, burst->count[FAMILY_V4] - n);
}

/* The destinations of four IPv6 frames. */
AVX512 static inline __m512i four_destinations(uint8_t *const *frames)
{
    const size_t at = RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv6_hdr, dst_addr);
    __m512i four = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(frames[0] + at)));

    four = _mm512_mask_broadcast_i32x4(four, 0x00f0, _mm_loadu_si128((const __m128i *)(frames[1] + at)));
    four = _mm512_mask_broadcast_i32x4(four, 0x0f00, _mm_loadu_si128((const __m128i *)(frames[2] + at)));
    return _mm512_mask_broadcast_i32x4(four, 0xf000, _mm_loadu_si128((const __m128i *)(frames[3] + at)));
}

/* False: a destination is not ordinary, and nothing is appended. */
AVX512 static inline bool append_v6(const struct pipe *pipe, const struct group *group, __m512i length, __mmask16 mask,
                                    struct burst *burst)
{
    uint8_t *frames[PLAIN_GROUP + 8];
    unsigned int n = burst->count[FAMILY_V6];
    unsigned int count = (unsigned int)__builtin_popcount(mask);
    __m512i unusual = _mm512_setzero_si512(); /* the first octet of each four words */

    append_pointers(frames, group->frames, mask);
    for (unsigned int i = count; i % 4 != 0; i++) {
        frames[i] = frames[0];
    }
    for (unsigned int i = 0; i < count; i += 4) {
        __m512i four = four_destinations(frames + i);

        unusual = _mm512_or_si512(unusual, octet_outside(four, V6_LAST_ORDINARY));
        _mm512_storeu_si512(burst->v6_destinations[n + i], four);
    }
    if (unlikely(_mm512_mask_test_epi32_mask(0x1111, unusual, all(0xff)) != 0)) {
        return false;
    }
    for (unsigned int i = 0; i < count; i++) {
        fib6_prefetch(pipe->fib6, burst->v6_destinations[n + i]);
    }
    append_words(burst->words.v6_next + n, group->columns.word[V4_ID], mask);
    append(burst, FAMILY_V6, group, length, octet(group->columns.word[V4_ID], 3), mask);
    return true;
}

/* Finds the plain ones of the lanes, as far as the words go. link: zero where the link layer is right. */
AVX512 static inline __mmask16 v4_find(const struct columns *columns, __m512i link, __mmask16 lanes, __m512i *length)
{
    __m512i unplain = _mm512_or_si512(v4_unplain(columns, length), link);

    return _mm512_mask_testn_epi32_mask(lanes, unplain, unplain);
}

AVX512 static inline __mmask16 v6_find(const struct columns *columns, __m512i link, __mmask16 lanes, __m512i *length)
{
    __m512i unplain = _mm512_or_si512(v6_unplain(columns, length), link);

    return _mm512_mask_testn_epi32_mask(lanes, unplain, unplain);
}

/* Appends all of the lanes, or nothing: false. */
AVX512 static inline bool append_all(const struct pipe *pipe, const struct group *group, __m512i link, __mmask16 lanes,
                                     struct burst *burst)
{
    const struct columns *columns = &group->columns;
    __mmask16 v4 = is_type(columns, RTE_ETHER_TYPE_IPV4) & lanes;
    __mmask16 v6 = (__mmask16)(lanes & ~v4);
    __m512i v4_length = link;
    __m512i v6_length;

    if (v4 != 0 && v4_find(columns, link, v4, &v4_length) != v4) {
        return false;
    }
    if (v6 != 0 && ((v6_find(columns, link, v6, &v6_length) & is_type(columns, RTE_ETHER_TYPE_IPV6)) != v6 ||
                    !append_v6(pipe, group, v6_length, v6, burst))) {
        return false;
    }
    if (v4 != 0) {
        append_v4(pipe, group, v4_length, v4, burst);
    }
    return true;
}

AVX512 uint32_t plain_parse(const struct pipe *pipe, uint64_t own_mac, uint8_t *const *frames,
                            struct rte_mbuf *const *mbufs, unsigned int n, struct burst *burst)
{
    __mmask16 lanes = (__mmask16)_bzhi_u32(0xffff, n);
    struct group group = {.frames = frames, .mbufs = mbufs};
    struct columns *columns = &group.columns;

    read_lengths(mbufs, columns);
    if (_mm512_cmpge_epu32_mask(columns->data_len, all(V4_BYTES)) != 0xffff || columns->whole != 0xffff ||
        !begin_right(frames, own_mac)) {
        return 0;
    }
    turn(frames, columns);
    if (from_another(columns, own_mac) != 0xffff ||
        !append_all(pipe, &group, macs_wrong(columns, own_mac), lanes, burst)) {
        return 0;
    }
    return (uint32_t)_mm512_mask_reduce_add_epi32(lanes, columns->data_len);
}

#else

bool pipe_wide_works(void)
{
    return false;
}

uint32_t plain_parse(const struct pipe *pipe, uint64_t own_mac, uint8_t *const *frames, struct rte_mbuf *const *mbufs,
                     unsigned int n, struct burst *burst)
{
    (void)pipe, (void)own_mac, (void)frames, (void)mbufs, (void)n, (void)burst;
    return 0;
}

#endif
