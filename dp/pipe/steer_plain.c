/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer_plain.h"
#include "flow.h"
#include "wide.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define EIGHT      8
#define BURST_HALF 32
#define V4_PORTS   (RTE_ETHER_HDR_LEN + (unsigned int)sizeof(struct rte_ipv4_hdr)) /* in a frame */
#define V6_PORTS   (RTE_ETHER_HDR_LEN + (unsigned int)sizeof(struct rte_ipv6_hdr))
#define V6_SOURCE  (RTE_ETHER_HDR_LEN + (unsigned int)offsetof(struct rte_ipv6_hdr, src_addr))
#define PORT_BYTES 4 /* both of them */

/* ---- The flow hash of eight packets, as flow_hash.h has it of one: each of them in 64 bits */

AVX512 static inline __m512i all64(uint64_t word)
{
    return _mm512_set1_epi64((long long)word);
}

AVX512 static inline __m512i fold(__m512i h, unsigned int shift)
{
    return _mm512_xor_si512(h, _mm512_srli_epi64(h, shift));
}

AVX512 static inline __m512i hash_eight(__m512i addresses, __m512i ports_protocol, uint64_t seed)
{
    __m512i h = _mm512_mullo_epi64(_mm512_xor_si512(addresses, all64(seed)), all64(FLOW_HASH_FIRST));

    h = _mm512_mullo_epi64(_mm512_xor_si512(fold(h, 32), ports_protocol), all64(FLOW_HASH_SECOND));
    h = _mm512_mullo_epi64(fold(h, 29), all64(FLOW_HASH_SECOND));
    return _mm512_srli_epi64(h, 32);
}

AVX512 static inline __m512i fold_eight_v6(const __m512i half[4])
{
    __m512i h = _mm512_mullo_epi64(_mm512_xor_si512(half[0], _mm512_rol_epi64(half[1], 1)), all64(FLOW_HASH_FIRST));

    h = _mm512_xor_si512(_mm512_xor_si512(fold(h, 32), half[2]), _mm512_rol_epi64(half[3], 1));
    return fold(_mm512_mullo_epi64(h, all64(FLOW_HASH_SECOND)), 32);
}

/* Words in network byte order, one in each 64 bits. */
AVX512 static inline __m512i words_be(const uint32_t *words)
{
    const __m512i swap = _mm512_broadcast_i32x4(_mm_set_epi8(-1, -1, -1, -1, 8, 9, 10, 11, -1, -1, -1, -1, 0, 1, 2, 3));

    return _mm512_shuffle_epi8(_mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)words)), swap);
}

AVX512 static inline __m512i v4_addresses(const struct burst *burst, unsigned int i)
{
    __m512i dst = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(burst->v4_destinations + i)));

    return _mm512_or_si512(_mm512_slli_epi64(words_be(burst->words.v4_src + i), 32), dst);
}

AVX512 static inline __m512i two_addresses(const uint8_t *low, const uint8_t *high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(low + V6_SOURCE))),
                              _mm256_loadu_si256((const __m256i *)(high + V6_SOURCE)), 1);
}

/* The halves of source and destination of eight frames, turned around. */
AVX512 static inline __m512i v6_addresses(uint8_t *const *frames)
{
    const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    const __m512i source = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i destination = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512i row0 = two_addresses(frames[0], frames[4]);
    __m512i row1 = two_addresses(frames[1], frames[5]);
    __m512i row2 = two_addresses(frames[2], frames[6]);
    __m512i row3 = two_addresses(frames[3], frames[7]);
    __m512i high01 = _mm512_shuffle_epi8(_mm512_unpacklo_epi64(row0, row1), order);
    __m512i high23 = _mm512_shuffle_epi8(_mm512_unpacklo_epi64(row2, row3), order);
    __m512i low01 = _mm512_shuffle_epi8(_mm512_unpackhi_epi64(row0, row1), order);
    __m512i low23 = _mm512_shuffle_epi8(_mm512_unpackhi_epi64(row2, row3), order);
    const __m512i half[4] = {
        _mm512_permutex2var_epi64(high01, source, high23),
        _mm512_permutex2var_epi64(low01, source, low23),
        _mm512_permutex2var_epi64(high01, destination, high23),
        _mm512_permutex2var_epi64(low01, destination, low23),
    };

    return fold_eight_v6(half);
}

/* ---- Of a burst */

/* What flow_hash_plain() asks for: which of the sixteen from i on, of n. */
AVX512 static inline __mmask16 hashable(const struct burst *burst, unsigned int i, unsigned int n, enum family family)
{
    const struct burst_words *words = &burst->words;
    __m512i protocol = _mm512_srli_epi32(
        _mm512_loadu_si512(family == FAMILY_V4 ? words->v4_ttl + i : words->v6_next + i), family == FAMILY_V4 ? 8 : 16);
    __m512i least = _mm512_set1_epi32((family == FAMILY_V4 ? V4_PORTS : V6_PORTS) - RTE_ETHER_HDR_LEN + PORT_BYTES);
    __mmask16 lanes = (__mmask16)_bzhi_u32(0xffff, n - i);
    __mmask16 upper;

    protocol = _mm512_and_si512(protocol, _mm512_set1_epi32(UINT8_MAX));
    upper = _mm512_cmpeq_epi32_mask(protocol, _mm512_set1_epi32(IPPROTO_TCP)) |
            _mm512_cmpeq_epi32_mask(protocol, _mm512_set1_epi32(IPPROTO_UDP));
    lanes &= upper & _mm512_cmpge_epu32_mask(_mm512_loadu_si512(burst->lengths[family] + i), least);
    if (family == FAMILY_V4) {
        const uint16_t part = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);

        lanes &= _mm512_testn_epi32_mask(_mm512_loadu_si512(words->v4_id + i), _mm512_set1_epi32(part << 16));
    }
    return lanes;
}

static inline int ports_of(const uint8_t *frame, enum family family)
{
    int ports;

    memcpy(&ports, frame + (family == FAMILY_V4 ? V4_PORTS : V6_PORTS), sizeof(ports));
    return ports;
}

AVX512 static inline __m128i four_ports(uint8_t *const *frames, enum family family)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): memcpy() sets them */
    return _mm_setr_epi32(ports_of(frames[0], family), ports_of(frames[1], family), ports_of(frames[2], family),
                          ports_of(frames[3], family));
}

/* Ports above protocol, of the eight packets from i on. frames: where to read the ports. */
AVX512 static inline __m512i ports_protocol(const struct burst *burst, uint8_t *const *frames, unsigned int i,
                                            enum family family)
{
    const __m512i swap = _mm512_broadcast_i32x4(_mm_set_epi8(-1, -1, -1, 8, 9, 10, 11, -1, -1, -1, -1, 0, 1, 2, 3, -1));
    const struct burst_words *words = &burst->words;
    const uint32_t *word = family == FAMILY_V4 ? words->v4_ttl : words->v6_next;
    __m512i protocol = _mm512_srli_epi64(_mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(word + i))),
                                         family == FAMILY_V4 ? 8 : 16);
    __m256i ports = _mm256_set_m128i(four_ports(frames + i + 4, family), four_ports(frames + i, family));

    return _mm512_or_si512(_mm512_shuffle_epi8(_mm512_cvtepu32_epi64(ports), swap),
                           _mm512_and_si512(protocol, all64(UINT8_MAX)));
}

/* Packets that are too short have ports nowhere: any bytes of theirs do instead. */
static __attribute__((noinline)) void avoid_short(uint8_t *const *frames, uint64_t known, unsigned int n,
                                                  enum family family, uint8_t **out)
{
    for (unsigned int i = 0; i < n; i++) {
        out[i] = frames[i] - ((known >> i & 1) != 0 ? 0 : (family == FAMILY_V4 ? V4_PORTS : V6_PORTS));
    }
}

/* Places behind the last packet, up to a whole eight, are the first one's. */
static inline void fill_up(uint8_t **frames, unsigned int n)
{
    for (unsigned int i = n; i % EIGHT != 0; i++) {
        frames[i] = frames[0];
    }
}

AVX512 static inline __attribute__((always_inline)) void
hash_family(struct burst *burst, enum family family, enum hash_mode mode, uint64_t seed, struct hashes *hashes)
{
    unsigned int n = burst->count[family];
    uint8_t **frames = burst->frames[family];
    uint8_t *long_enough[BURST_ROOM];
    uint8_t **ports = frames;
    uint64_t known = 0;

    for (unsigned int i = 0; i < n; i += 2 * EIGHT) {
        known |= (uint64_t)hashable(burst, i, n, family) << i;
    }
    fill_up(frames, n);
    if (unlikely(known != _bzhi_u64(UINT64_MAX, n))) {
        avoid_short(frames, known, n, family, long_enough);
        fill_up(long_enough, n);
        ports = long_enough;
    }
    for (unsigned int i = 0; i < n; i += EIGHT) {
        __m512i addresses = family == FAMILY_V4 ? v4_addresses(burst, i) : v6_addresses(frames + i);
        __m512i rest = mode == HASH_PORTS ? ports_protocol(burst, ports, i, family) : _mm512_setzero_si512();

        _mm256_storeu_si256((__m256i *)(hashes->value + i), _mm512_cvtepi64_epi32(hash_eight(addresses, rest, seed)));
    }
    hashes->known[mode] = known;
}

/* Whether all are known. */
AVX512 static bool hash_all(struct burst *burst, enum family family, enum hash_mode mode, uint64_t seed,
                            struct hashes *hashes)
{
    if (family == FAMILY_V4) {
        hash_family(burst, FAMILY_V4, mode, seed, hashes);
    } else {
        hash_family(burst, FAMILY_V6, mode, seed, hashes);
    }
    return hashes->known[mode] == _bzhi_u64(UINT64_MAX, burst->count[family]);
}

/* ---- Rows */

/* All have a route. same: and the same one. Loads are no wider than the lookup's stores: those wait for nothing. */
AVX512 static inline bool routes_there(const uint32_t *ids, unsigned int n, bool *same)
{
    const __m256i first = _mm256_set1_epi32((int)ids[0]);
    __mmask8 missing = 0;
    __mmask8 other = 0;

    for (unsigned int i = 0; i < n; i += EIGHT) {
        __m256i some = _mm256_loadu_si256((const __m256i *)(ids + i));
        __mmask8 lanes = (__mmask8)_bzhi_u32(UINT8_MAX, n - i);

        missing |= _mm256_mask_testn_epi32_mask(lanes, some, some);
        other |= _mm256_mask_cmpneq_epi32_mask(lanes, some, first);
    }
    *same = other == 0;
    return missing == 0;
}

/* By the first choice of each packet's row; false: it is not alive everywhere. */
static inline bool choose(const struct pipe *pipe, struct burst *burst, enum family family, const uint32_t *hashes)
{
    uint16_t *adjacencies = burst->adjacencies[family];
    uint32_t states = 0;

    for (unsigned int i = 0; i < burst->count[family]; i++) {
        const struct path_list *list = path_list_load(pipe->path_lists, burst->path_lists[family][i]);

        adjacencies[i] = path_list_first(list, hashes[i]);
        states |= adjacency_state(&pipe->adjacencies[adjacencies[i]]);
    }
    return states == 0;
}

/* The first choices of eight rows. Words are read of which the lower half counts; behind the last lie the rows. */
AVX512 static inline __m128i first_of_eight(const struct path_list *list, const uint32_t *hashes)
{
    __m256i row = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)hashes), _mm256_set1_epi32((int)list->row_mask));
    __m256i first = _mm256_i32gather_epi32((const void *)list->first, row, sizeof(list->first[0]));

    return _mm256_cvtepi32_epi16(_mm256_and_si256(first, _mm256_set1_epi32(0x7fff)));
}

/* Of half a burst. */
AVX512 static inline __m512i first_of_half(const struct path_list *list, const uint32_t *hashes, unsigned int n)
{
    __m512i half = _mm512_castsi128_si512(first_of_eight(list, hashes));

    if (n > EIGHT) {
        half = _mm512_inserti32x4(half, first_of_eight(list, hashes + EIGHT), 1);
    }
    if (n > 2 * EIGHT) {
        half = _mm512_inserti32x4(half, first_of_eight(list, hashes + 2 * EIGHT), 2);
        half = _mm512_inserti32x4(half, first_of_eight(list, hashes + 3 * EIGHT), 3);
    }
    return half;
}

/* As choose(), all by one list with few members: who of these takes which packets. */
AVX512 static inline bool choose_shares(const struct pipe *pipe, struct burst *burst, enum family family,
                                        const struct path_list *list, const uint32_t *hashes)
{
    unsigned int n = burst->count[family];
    uint64_t all = _bzhi_u64(UINT64_MAX, n);
    __m512i low = first_of_half(list, hashes, n);
    __m512i high = n > BURST_HALF ? first_of_half(list, hashes + BURST_HALF, n - BURST_HALF) : low;
    struct share *shares = burst->shares[family];
    unsigned int count = 0;
    uint32_t states = 0;

    _mm512_storeu_si512(burst->adjacencies[family], low);
    _mm512_storeu_si512(burst->adjacencies[family] + BURST_HALF, high);
    for (unsigned int i = 0; i < list->ranked_count; i++) {
        uint16_t member = list->ranked[i];
        __m512i each = _mm512_set1_epi16((short)member);
        uint64_t packets =
            ((uint64_t)_mm512_cmpeq_epi16_mask(high, each) << BURST_HALF | _mm512_cmpeq_epi16_mask(low, each)) & all;

        shares[count] = (struct share){packets, member};
        count += packets != 0;
        states |= packets != 0 ? adjacency_state(&pipe->adjacencies[member]) : 0;
    }
    burst->share_count[family] = count;
    return states == 0;
}

/* As choose(), for lists with one row each. *choice: one of them has more, and it was in vain. */
static inline bool choose_only(const struct pipe *pipe, struct burst *burst, enum family family, bool *choice)
{
    uint16_t *adjacencies = burst->adjacencies[family];
    uint32_t masks = 0;
    uint32_t states = 0;

    for (unsigned int i = 0; i < burst->count[family]; i++) {
        const struct path_list *list = path_list_load(pipe->path_lists, burst->path_lists[family][i]);

        adjacencies[i] = path_list_first(list, 0);
        masks |= list->row_mask;
        states |= adjacency_state(&pipe->adjacencies[adjacencies[i]]);
    }
    *choice = masks != 0;
    return states == 0;
}

/* Of packets with routes of their own, some with a choice: the hash mode of those lists; false: they have two. */
static inline bool find_mode(const struct pipe *pipe, const struct burst *burst, enum family family,
                             enum hash_mode *mode)
{
    bool wanted[HASH_MODES] = {false};

    for (unsigned int i = 0; i < burst->count[family]; i++) {
        const struct path_list *list = path_list_load(pipe->path_lists, burst->path_lists[family][i]);

        wanted[list->hash_mode] |= list->row_mask != 0;
    }
    *mode = wanted[HASH_PORTS] ? HASH_PORTS : HASH_ADDRESSES;
    return !wanted[HASH_PORTS] || !wanted[HASH_ADDRESSES];
}

/* All by one path list. */
static inline bool steer_one_list(const struct pipe *pipe, struct burst *burst, enum family family,
                                  struct hashes *hashes)
{
    const struct path_list *list = path_list_load(pipe->path_lists, burst->path_lists[family][0]);
    uint16_t adjacency = path_list_first(list, 0);

    if (list->row_mask != 0) {
        return hash_all(burst, family, (enum hash_mode)list->hash_mode, pipe->hash_seed, hashes) &&
               (list->ranked_count <= SHARES_MAX ? choose_shares(pipe, burst, family, list, hashes->value)
                                                 : choose(pipe, burst, family, hashes->value));
    }
    burst_set_same(burst, family, adjacency);
    return adjacency_state(&pipe->adjacencies[adjacency]) == 0;
}

AVX512 bool steer_plain(const struct pipe *pipe, struct burst *burst, enum family family, struct hashes *hashes)
{
    enum hash_mode mode;
    bool choice;
    bool alive;
    bool same;

    burst->share_count[family] = 0;
    if (!routes_there(burst->path_lists[family], burst->count[family], &same)) {
        return false;
    }
    if (same) {
        return steer_one_list(pipe, burst, family, hashes);
    }
    alive = choose_only(pipe, burst, family, &choice);
    if (!choice) {
        return alive;
    }
    return find_mode(pipe, burst, family, &mode) && hash_all(burst, family, mode, pipe->hash_seed, hashes) &&
           choose(pipe, burst, family, hashes->value);
}

#else

bool steer_plain(const struct pipe *pipe, struct burst *burst, enum family family, struct hashes *hashes)
{
    (void)pipe, (void)burst, (void)family, (void)hashes;
    return false;
}

#endif
