/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewrite_plain.h"
#include "attributes.h"
#include "wide.h"
#include <rte_byteorder.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define GROUP 16

/* What one hop changes in the first 32 bytes of a frame: sums of words, as they lie in memory (rewrite.c). */
struct hop {
    __m256i add;
    __m256i carry_from;
    __m256i carry;
};

/* Where packets go, found before the frames are written: when `ports` is read in whole vectors, it has long been
 * written. */
struct ways {
    const struct rewrite *rewrites[BURST_ROOM];
    uint8_t ports[BURST_ROOM];
};

#define ETHERNET_HEADER ((1u << RTE_ETHER_HDR_LEN) - 1) /* its bytes */

AVX512 static inline struct hop hop_of(enum family family)
{
    if (family == FAMILY_V6) {
        return (struct hop){.add = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (short)0xff00, 0, 0, 0, 0, 0)};
    }
    return (struct hop){
        .add = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (short)0xffff, 1, 0, 0, 0),
        .carry_from = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (short)0xfffe, 0, 0, 0),
        .carry = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
    };
}

/* The frame without its Ethernet header, one hop on. */
AVX512 static inline __m256i hop_take(const struct hop *hop, const uint8_t *frame, enum family family)
{
    __m256i old = _mm256_loadu_si256((const __m256i *)frame);
    __m256i next = _mm256_add_epi16(old, hop->add);

    if (family == FAMILY_V4) {
        next = _mm256_mask_add_epi16(next, _mm256_cmpge_epu16_mask(old, hop->carry_from), next, hop->carry);
    }
    return next;
}

AVX512 static inline __m256i header_load(__m256i frame, const struct rewrite *rewrite)
{
    return _mm256_mask_loadu_epi8(frame, ETHERNET_HEADER, rewrite->header);
}

static inline bool goes_plain(const struct rewrite *rewrite)
{
    return rewrite->kind == REWRITE_TX && rewrite->header_length == RTE_ETHER_HDR_LEN;
}

/* Which of the sixteen from i on count, of n. */
AVX512 static inline __mmask16 group_mask(unsigned int i, unsigned int n)
{
    return (__mmask16)_bzhi_u32(0xffff, n - i);
}

static inline void trim(const struct burst *burst, enum family family, uint64_t which)
{
    for (uint64_t left = burst->padded[family] & which; left != 0; left &= left - 1) {
        unsigned int i = (unsigned int)__builtin_ctzll(left);

        packet_trim(burst->mbufs[family][i], burst->lengths[family][i] + RTE_ETHER_HDR_LEN);
    }
}

/* The bytes of all packets; more than the most that 32 bits hold if one is longer than the mtu. */
AVX512 static inline uint64_t bytes_within(const uint32_t *lengths, unsigned int n, uint16_t mtu)
{
    __m512i most = _mm512_set1_epi32(mtu);
    __m512i sum = _mm512_setzero_si512();
    __mmask16 longer = 0;

    for (unsigned int i = 0; i < n; i += GROUP) {
        __m512i length = _mm512_maskz_mov_epi32(group_mask(i, n), _mm512_loadu_si512(lengths + i));

        longer |= _mm512_cmpgt_epu32_mask(length, most);
        sum = _mm512_add_epi32(sum, length);
    }
    return longer == 0 ? (uint32_t)_mm512_reduce_add_epi32(sum) : UINT64_MAX;
}

AVX512 static inline __attribute__((always_inline)) void rewrite_all(uint8_t *const *frames, unsigned int n,
                                                                     const struct rewrite *rewrite, enum family family)
{
    const struct hop hop = hop_of(family);
    const __m256i header = header_load(_mm256_setzero_si256(), rewrite);

#pragma GCC unroll 4
    for (unsigned int i = 0; i < n; i++) {
        __m256i next = hop_take(&hop, frames[i], family);

        _mm256_storeu_si256((__m256i *)frames[i], _mm256_mask_mov_epi8(next, ETHERNET_HEADER, header));
    }
}

AVX512 bool rewrite_plain_same(struct pipe *pipe, struct burst *burst, enum family family)
{
    uint16_t adjacency = burst->shares[family][0].adjacency;
    const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[adjacency]);
    unsigned int n = burst->count[family];
    uint64_t bytes = bytes_within(burst->lengths[family], n, rewrite->mtu);
    struct rte_mbuf **end;

    if (unlikely(!goes_plain(rewrite) || bytes == UINT64_MAX)) {
        return false;
    }
    trim(burst, family, UINT64_MAX);
    if (family == FAMILY_V4) {
        rewrite_all(burst->frames[FAMILY_V4], n, rewrite, FAMILY_V4);
    } else {
        rewrite_all(burst->frames[FAMILY_V6], n, rewrite, FAMILY_V6);
    }
    end = lane_reserve(pipe, rewrite->port, n);
    for (unsigned int i = 0; i < n; i += 8) {
        _mm512_storeu_si512(end + i, _mm512_loadu_si512(burst->mbufs[family] + i));
    }
    lane_extend(pipe, rewrite->port, n, bytes + (uint64_t)n * RTE_ETHER_HDR_LEN);
    traffic_add(&pipe->counters->adjacencies[adjacency], n, bytes);
    return true;
}

/* Eight pointers, those of the mask, to the end of a lane: the new end. */
AVX512 static inline struct rte_mbuf **put_eight(struct rte_mbuf **end, struct rte_mbuf *const *mbufs, __mmask8 mask)
{
    _mm512_storeu_si512(end, _mm512_maskz_compress_epi64(mask, _mm512_loadu_si512(mbufs)));
    return end + __builtin_popcount(mask);
}

/* Those packets to the lane of that port; bytes: without their Ethernet headers. */
AVX512 static inline void send_packets(struct pipe *pipe, const struct burst *burst, enum family family, uint16_t port,
                                       uint64_t packets, uint64_t bytes)
{
    unsigned int count = (unsigned int)__builtin_popcountll(packets);
    struct rte_mbuf **end = lane_reserve(pipe, port, count);
    struct rte_mbuf *const *mbufs = burst->mbufs[family];

    for (uint64_t left = packets; left != 0; left >>= 8, mbufs += 8) {
        end = put_eight(end, mbufs, (__mmask8)left);
    }
    lane_extend(pipe, port, count, bytes + (uint64_t)count * RTE_ETHER_HDR_LEN);
}

/* The bytes of those packets, without their Ethernet headers. */
AVX512 static inline uint64_t bytes_of(const uint32_t *lengths, uint64_t packets)
{
    __m512i bytes = _mm512_setzero_si512();

    for (uint64_t left = packets; left != 0; left >>= GROUP, lengths += GROUP) {
        bytes = _mm512_mask_add_epi32(bytes, (__mmask16)left, bytes, _mm512_loadu_si512(lengths));
    }
    return (uint32_t)_mm512_reduce_add_epi32(bytes);
}

/* Of the packets from `from` to before n, those that leave by that port. */
AVX512 static inline uint64_t by_port(const uint8_t *ports, unsigned int from, unsigned int n, uint8_t port)
{
    uint64_t packets = 0;

    for (unsigned int i = from; i < n; i += GROUP) {
        __m128i here = _mm_loadu_si128((const __m128i *)(ports + i));

        packets |= (uint64_t)_mm_mask_cmpeq_epu8_mask(group_mask(i, n), here, _mm_set1_epi8((char)port)) << i;
    }
    return packets;
}

/* The first bytes of a rewrite as one word: kind, header length, port, mtu. */
static inline uint64_t rewrite_word(const struct rewrite *rewrite)
{
    uint64_t word;

    memcpy(&word, rewrite, sizeof(word));
    return word;
}
static_assert(offsetof(struct rewrite, port) == 2 && offsetof(struct rewrite, mtu) == 4, "as rewrite_word() says");

/* What each packet from `from` on needs, up to the first that does not go out plain, or the last: the index behind. */
static inline unsigned int find_ways(const struct pipe *pipe, const struct burst *burst, unsigned int from,
                                     enum family family, struct ways *ways)
{
    const uint64_t plain = REWRITE_TX | RTE_ETHER_HDR_LEN << 8;
    unsigned int n = burst->count[family];
    uint64_t rare = 0;
    unsigned int i;

    for (i = from; i < n; i++) {
        const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[burst->adjacencies[family][i]]);
        uint64_t word = rewrite_word(rewrite);

        rare |= ((word ^ plain) & UINT16_MAX) | ((uint32_t)(word >> 32 & UINT16_MAX) - burst->lengths[family][i]) >> 31;
        ways->rewrites[i] = rewrite;
        ways->ports[i] = (uint8_t)(word >> 16);
    }
    if (unlikely(rare != 0)) {
        for (i = from; i < n && goes_plain(ways->rewrites[i]) && burst->lengths[family][i] <= ways->rewrites[i]->mtu;) {
            i++;
        }
    }
    return i;
}
_Static_assert(PIPE_PORTS_MAX <= UINT8_MAX, "an octet names a port");

/* As traffic_add(), for one packet. Each half is stored as one by every CPU with such vectors. */
AVX512 static inline void traffic_add_packet(struct traffic *traffic, uint32_t bytes)
{
#if THREAD_SANITIZER
    traffic_add(traffic, 1, bytes);
#else
    __m128i one = _mm_unpacklo_epi64(_mm_cvtsi32_si128(1), _mm_cvtsi32_si128((int)bytes));

    _mm_store_si128((__m128i *)traffic, _mm_add_epi64(_mm_load_si128((const __m128i *)traffic), one));
#endif
}

AVX512 static inline __attribute__((always_inline)) void rewrite_some(struct pipe *pipe, const struct burst *burst,
                                                                      unsigned int from, unsigned int behind,
                                                                      const struct ways *ways, enum family family)
{
    const struct hop hop = hop_of(family);
    struct traffic *traffic = pipe->counters->adjacencies;

    for (unsigned int i = from; i < behind; i++) {
        uint8_t *frame = burst->frames[family][i];

        _mm256_storeu_si256((__m256i *)frame, header_load(hop_take(&hop, frame, family), ways->rewrites[i]));
        traffic_add_packet(&traffic[burst->adjacencies[family][i]], burst->lengths[family][i]);
    }
}

AVX512 unsigned int rewrite_plain_each(struct pipe *pipe, struct burst *burst, unsigned int from, enum family family)
{
    struct ways ways;
    unsigned int behind = find_ways(pipe, burst, from, family, &ways);
    uint64_t left = _bzhi_u64(UINT64_MAX, behind) & ~_bzhi_u64(UINT64_MAX, from);

    trim(burst, family, left);
    if (family == FAMILY_V4) {
        rewrite_some(pipe, burst, from, behind, &ways, FAMILY_V4);
    } else {
        rewrite_some(pipe, burst, from, behind, &ways, FAMILY_V6);
    }
    while (left != 0) {
        uint8_t port = ways.ports[__builtin_ctzll(left)];
        uint64_t packets = by_port(ways.ports, from, behind, port);

        send_packets(pipe, burst, family, port, packets, bytes_of(burst->lengths[family], packets));
        left &= ~packets;
    }
    return behind;
}

/* ---- Few adjacencies */

/* What goes by one port. */
struct egress {
    uint64_t packets;
    uint64_t bytes; /* without Ethernet headers */
    uint16_t port;
};

AVX512 static inline uint32_t longest_of(const uint32_t *lengths, unsigned int n)
{
    __m512i longest = _mm512_setzero_si512();

    for (unsigned int i = 0; i < n; i += GROUP) {
        longest = _mm512_mask_max_epu32(longest, group_mask(i, n), longest, _mm512_loadu_si512(lengths + i));
    }
    return _mm512_reduce_max_epu32(longest);
}

/* By the place of each share: where it goes. False: not all go plain. */
static inline bool find_shares(const struct pipe *pipe, const struct burst *burst, enum family family,
                               const struct rewrite **rewrites)
{
    uint32_t longest = longest_of(burst->lengths[family], burst->count[family]);

    for (unsigned int i = 0; i < burst->share_count[family]; i++) {
        rewrites[i] = adjacency_rewrite(&pipe->adjacencies[burst->shares[family][i].adjacency]);
        if (unlikely(!goes_plain(rewrites[i]) || longest > rewrites[i]->mtu)) {
            return false;
        }
    }
    return true;
}

/* Where each of eight packets goes. */
AVX512 static inline void spread(const struct share *shares, unsigned int count, const struct rewrite *const *rewrites,
                                 unsigned int from, const struct rewrite **eight)
{
    __m512i each = _mm512_set1_epi64((long long)(uintptr_t)rewrites[0]);

    for (unsigned int i = 1; i < count; i++) {
        each = _mm512_mask_mov_epi64(each, (__mmask8)(shares[i].packets >> from),
                                     _mm512_set1_epi64((long long)(uintptr_t)rewrites[i]));
    }
    _mm512_storeu_si512(eight, each);
}

AVX512 static inline __attribute__((always_inline)) void
rewrite_shares(const struct burst *burst, const struct rewrite *const *rewrites, enum family family)
{
    const struct hop hop = hop_of(family);
    unsigned int n = burst->count[family];
    _Alignas(64) const struct rewrite *eight[8];

    for (unsigned int i = 0; i < n; i += 8) {
        spread(burst->shares[family], burst->share_count[family], rewrites, i, eight);
        for (unsigned int k = 0; k < 8 && i + k < n; k++) {
            uint8_t *frame = burst->frames[family][i + k];

            _mm256_storeu_si256((__m256i *)frame, header_load(hop_take(&hop, frame, family), eight[k]));
        }
    }
}

static inline struct egress *find_egress(struct egress *egresses, unsigned int *count, uint16_t port)
{
    unsigned int i = 0;

    while (i < *count && egresses[i].port != port) {
        i++;
    }
    if (i == *count) {
        egresses[(*count)++] = (struct egress){.port = port};
    }
    return &egresses[i];
}

/* Counts them, and puts them into their lanes. */
AVX512 static inline void send_shares(struct pipe *pipe, const struct burst *burst, enum family family,
                                      const struct rewrite *const *rewrites)
{
    struct egress egresses[SHARES_MAX];
    unsigned int count = 0;

    for (unsigned int i = 0; i < burst->share_count[family]; i++) {
        const struct share *share = &burst->shares[family][i];
        struct egress *egress = find_egress(egresses, &count, rewrites[i]->port);
        uint64_t bytes = bytes_of(burst->lengths[family], share->packets);

        traffic_add(&pipe->counters->adjacencies[share->adjacency], (uint64_t)__builtin_popcountll(share->packets),
                    bytes);
        egress->packets |= share->packets;
        egress->bytes += bytes;
    }
    for (unsigned int i = 0; i < count; i++) {
        send_packets(pipe, burst, family, egresses[i].port, egresses[i].packets, egresses[i].bytes);
    }
}

AVX512 bool rewrite_plain_shares(struct pipe *pipe, struct burst *burst, enum family family)
{
    const struct rewrite *rewrites[SHARES_MAX];

    if (!find_shares(pipe, burst, family, rewrites)) {
        return false;
    }
    trim(burst, family, UINT64_MAX);
    if (family == FAMILY_V4) {
        rewrite_shares(burst, rewrites, FAMILY_V4);
    } else {
        rewrite_shares(burst, rewrites, FAMILY_V6);
    }
    send_shares(pipe, burst, family, rewrites);
    return true;
}

#else

bool rewrite_plain_same(struct pipe *pipe, struct burst *burst, enum family family)
{
    (void)pipe, (void)burst, (void)family;
    return false;
}

bool rewrite_plain_shares(struct pipe *pipe, struct burst *burst, enum family family)
{
    (void)pipe, (void)burst, (void)family;
    return false;
}

unsigned int rewrite_plain_each(struct pipe *pipe, struct burst *burst, unsigned int from, enum family family)
{
    (void)pipe, (void)burst, (void)family;
    return from;
}

#endif
