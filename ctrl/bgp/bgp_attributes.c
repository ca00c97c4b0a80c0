/* SPDX-License-Identifier: BSD-3-Clause */
#include "bgp_attributes.h"
#include "bgp_path.h"
#include <string.h>

#define FLAG_OPTIONAL   0x80
#define FLAG_TRANSITIVE 0x40
#define FLAG_EXTENDED   0x10

#define AFI_IPV4     1
#define AFI_IPV6     2
#define SAFI_UNICAST 1
#define AS_TRANS     23456

enum type {
    ORIGIN = 1,
    AS_PATH = 2,
    NEXT_HOP = 3,
    MULTI_EXIT_DISC = 4,
    LOCAL_PREF = 5,
    ATOMIC_AGGREGATE = 6,
    AGGREGATOR = 7,
    COMMUNITIES = 8,
    ORIGINATOR_ID = 9,
    CLUSTER_LIST = 10,
    MP_REACH_NLRI = 14,
    MP_UNREACH_NLRI = 15,
    EXTENDED_COMMUNITIES = 16,
    AS4_PATH = 17,
    AS4_AGGREGATOR = 18,
    LARGE_COMMUNITY = 32,
};

/* One message's attributes while they are read. */
struct parse {
    const struct bgp_session *session;
    struct bgp_room *room;
    struct bgp_attributes *out;
    bool has_as4_path;
    struct as_path as4_path;
    bool as4_counts; /* false: somebody who knows no AS4_PATH has aggregated (RFC 6793 4.2.3) */
    uint8_t seen[32];
};

void bgp_fault_note(struct bgp_attributes *attributes, enum bgp_fault fault, uint8_t at, const char *text)
{
    if (fault > attributes->fault) {
        attributes->fault = fault;
        attributes->fault_at = at;
        attributes->fault_text = text;
    }
}

bool bgp_next_hop_valid(const struct ip_addr *addr)
{
    static const uint8_t zero[16];

    if (addr->family == FAMILY_V4) {
        return addr->bytes[0] != 0 && addr->bytes[0] != 127 && addr->bytes[0] < 224;
    }
    return addr->bytes[0] != 0xff && (memcmp(addr->bytes, zero, 15) != 0 || addr->bytes[15] > 1);
}

/* The parse_ functions: false if the attribute is malformed. */

static bool parse_origin(struct parse *parse, struct span value)
{
    struct bgp_attributes *out = parse->out;

    out->has_origin = true;
    return span_u8(&value, &out->attrs.origin) && span_left(&value) == 0 && out->attrs.origin <= ORIGIN_INCOMPLETE;
}

static bool parse_as_path(struct parse *parse, struct span value)
{
    parse->out->has_as_path = true;
    return bgp_path_parse(value, parse->session->as4, &parse->room->path, &parse->out->attrs.as_path);
}

static bool parse_as4_path(struct parse *parse, struct span value)
{
    parse->has_as4_path = bgp_path_parse(value, true, &parse->room->as4_path, &parse->as4_path);
    return parse->has_as4_path;
}

static bool parse_next_hop(struct parse *parse, struct span value)
{
    struct bgp_attributes *out = parse->out;

    if (span_left(&value) != 4) {
        return false;
    }
    out->has_next_hop = true;
    memcpy(out->next_hop.bytes, value.at, 4); /* of FAMILY_V4, as all zero is */
    return bgp_next_hop_valid(&out->next_hop);
}

static bool parse_number(struct span value, uint32_t *out, bool *has)
{
    *has = span_left(&value) == 4 && span_u32(&value, out);
    return *has;
}

static bool parse_med(struct parse *parse, struct span value)
{
    return parse_number(value, &parse->out->attrs.med, &parse->out->attrs.has_med);
}

static bool parse_local_pref(struct parse *parse, struct span value)
{
    return parse_number(value, &parse->out->attrs.local_pref, &parse->out->attrs.has_local_pref);
}

static bool parse_originator(struct parse *parse, struct span value)
{
    return parse_number(value, &parse->out->attrs.originator_id, &parse->out->attrs.has_originator_id);
}

static bool parse_atomic(struct parse *parse, struct span value)
{
    (void)parse;
    return span_left(&value) == 0;
}

static bool parse_aggregator(struct parse *parse, struct span value)
{
    uint16_t asn;

    if (parse->session->as4) {
        return span_left(&value) == 8;
    }
    if (span_left(&value) != 6 || !span_u16(&value, &asn)) {
        return false;
    }
    parse->as4_counts = asn == AS_TRANS;
    return true;
}

static bool parse_as4_aggregator(struct parse *parse, struct span value)
{
    (void)parse;
    return span_left(&value) == 8;
}

/* A list of numbers that is not empty. */
static bool parse_numbers(struct span value, uint32_t *room, const uint32_t **out, uint32_t *n)
{
    if (span_left(&value) == 0 || span_left(&value) % 4 != 0) {
        return false;
    }
    *out = room;
    for (*n = 0; span_u32(&value, &room[*n]); (*n)++) {
    }
    return true;
}

static bool parse_communities(struct parse *parse, struct span value)
{
    struct attrs *attrs = &parse->out->attrs;

    return parse_numbers(value, parse->room->communities, &attrs->communities, &attrs->n_communities);
}

static bool parse_clusters(struct parse *parse, struct span value)
{
    struct attrs *attrs = &parse->out->attrs;

    return parse_numbers(value, parse->room->clusters, &attrs->cluster_list, &attrs->n_cluster_list);
}

static bool parse_large(struct parse *parse, struct span value)
{
    struct attrs *attrs = &parse->out->attrs;
    struct large_community *large = parse->room->large;

    if (span_left(&value) == 0 || span_left(&value) % sizeof(*large) != 0) {
        return false;
    }
    attrs->large_communities = large;
    while (span_u32(&value, &large->global) && span_u32(&value, &large->local[0]) &&
           span_u32(&value, &large->local[1])) {
        attrs->n_large_communities++;
        large++;
    }
    return true;
}

static bool parse_extended(struct parse *parse, struct span value)
{
    (void)parse;
    return span_left(&value) > 0 && span_left(&value) % 8 == 0;
}

/* The global one where a link-local one follows (RFC 2545 3), unless there is none. */
static bool read_next_hop(struct span bytes, struct ip_addr *out)
{
    size_t length = span_left(&bytes);
    static const uint8_t none[16];

    if (length == 4) {
        *out = (struct ip_addr){.family = FAMILY_V4};
        memcpy(out->bytes, bytes.at, 4);
        return true;
    }
    if (length != 16 && length != 32) {
        return false;
    }
    *out = ip_addr_v6(length == 32 && memcmp(bytes.at, none, sizeof(none)) == 0 ? bytes.at + 16 : bytes.at);
    return true;
}

/* AFI and SAFI: the family, or FAMILIES for one that is none of ours. */
static bool read_family(struct span *value, uint8_t *family)
{
    uint16_t afi;
    uint8_t safi;

    if (!span_u16(value, &afi) || !span_u8(value, &safi)) {
        return false;
    }
    *family = FAMILIES;
    if (safi == SAFI_UNICAST && (afi == AFI_IPV4 || afi == AFI_IPV6)) {
        *family = afi == AFI_IPV4 ? FAMILY_V4 : FAMILY_V6;
    }
    return true;
}

/* A dump of a table has the next hop alone, but some writers put the whole attribute there: it begins with a zero, the
 * high octet of the AFI, which no length of a next hop is. */
static bool parse_mrt_reach(struct parse *parse, struct span value)
{
    struct span next_hop;
    uint8_t length;

    if (span_left(&value) > 0 && *value.at == 0 && !span_skip(&value, 3)) {
        return false;
    }
    return span_u8(&value, &length) && span_take(&value, length, &next_hop) &&
           read_next_hop(next_hop, &parse->out->mp_reach.next_hop) && (parse->out->mp_reach.present = true);
}

static bool parse_mp_reach(struct parse *parse, struct span value)
{
    struct bgp_reach *reach = &parse->out->mp_reach;
    struct span next_hop;
    uint8_t family;
    uint8_t length;

    if (parse->session->mrt_rib) {
        return parse_mrt_reach(parse, value);
    }
    if (!read_family(&value, &family) || !span_u8(&value, &length) || !span_take(&value, length, &next_hop) ||
        !span_skip(&value, 1)) {
        return false;
    }
    if (family == FAMILIES) {
        return true;
    }
    *reach = (struct bgp_reach){.present = true, .nlri = {value, family, parse->session->add_path[family]}};
    if (!read_next_hop(next_hop, &reach->next_hop) || (family == FAMILY_V6 && length == 4) ||
        !bgp_nlri_valid(&reach->nlri)) {
        reach->present = false;
        return false;
    }
    if (!bgp_next_hop_valid(&reach->next_hop)) {
        bgp_fault_note(parse->out, BGP_FAULT_WITHDRAW, MP_REACH_NLRI, "a next hop that is no unicast address");
    }
    return true;
}

static bool parse_mp_unreach(struct parse *parse, struct span value)
{
    struct bgp_nlri *nlri = &parse->out->mp_unreach;
    uint8_t family;

    if (!read_family(&value, &family)) {
        return false;
    }
    if (family == FAMILIES) {
        return true;
    }
    *nlri = (struct bgp_nlri){value, family, parse->session->add_path[family]};
    parse->out->has_mp_unreach = bgp_nlri_valid(nlri);
    return parse->out->has_mp_unreach;
}

#define WELL_KNOWN FLAG_TRANSITIVE
#define OPTIONAL   FLAG_OPTIONAL
#define BOTH       (FLAG_OPTIONAL | FLAG_TRANSITIVE)

static const struct rule {
    const char *name;
    bool (*parse)(struct parse *parse, struct span value);
    uint8_t flags;     /* optional, transitive */
    uint8_t malformed; /* enum bgp_fault: RFC 7606 7, RFC 6793 6, RFC 8092 6 */
    bool internal;     /* ignored from an external neighbour */
} rules[] = {
    [ORIGIN] = {"ORIGIN", parse_origin, WELL_KNOWN, BGP_FAULT_WITHDRAW, false},
    [AS_PATH] = {"AS_PATH", parse_as_path, WELL_KNOWN, BGP_FAULT_WITHDRAW, false},
    [NEXT_HOP] = {"NEXT_HOP", parse_next_hop, WELL_KNOWN, BGP_FAULT_WITHDRAW, false},
    [MULTI_EXIT_DISC] = {"MULTI_EXIT_DISC", parse_med, OPTIONAL, BGP_FAULT_WITHDRAW, false},
    [LOCAL_PREF] = {"LOCAL_PREF", parse_local_pref, WELL_KNOWN, BGP_FAULT_WITHDRAW, true},
    [ATOMIC_AGGREGATE] = {"ATOMIC_AGGREGATE", parse_atomic, WELL_KNOWN, BGP_FAULT_DISCARD, false},
    [AGGREGATOR] = {"AGGREGATOR", parse_aggregator, BOTH, BGP_FAULT_DISCARD, false},
    [COMMUNITIES] = {"COMMUNITIES", parse_communities, BOTH, BGP_FAULT_WITHDRAW, false},
    [ORIGINATOR_ID] = {"ORIGINATOR_ID", parse_originator, OPTIONAL, BGP_FAULT_WITHDRAW, true},
    [CLUSTER_LIST] = {"CLUSTER_LIST", parse_clusters, OPTIONAL, BGP_FAULT_WITHDRAW, true},
    [MP_REACH_NLRI] = {"MP_REACH_NLRI", parse_mp_reach, OPTIONAL, BGP_FAULT_MESSAGE, false},
    [MP_UNREACH_NLRI] = {"MP_UNREACH_NLRI", parse_mp_unreach, OPTIONAL, BGP_FAULT_MESSAGE, false},
    [EXTENDED_COMMUNITIES] = {"EXTENDED_COMMUNITIES", parse_extended, BOTH, BGP_FAULT_WITHDRAW, false},
    [AS4_PATH] = {"AS4_PATH", parse_as4_path, BOTH, BGP_FAULT_DISCARD, false},
    [AS4_AGGREGATOR] = {"AS4_AGGREGATOR", parse_as4_aggregator, BOTH, BGP_FAULT_DISCARD, false},
    [LARGE_COMMUNITY] = {"LARGE_COMMUNITY", parse_large, BOTH, BGP_FAULT_WITHDRAW, false},
};

/* RFC 7606 3 g: of two of a kind the first counts, but two of the MP attributes are a broken message. */
static bool is_repeated(struct parse *parse, uint8_t type)
{
    uint8_t bit = (uint8_t)(1 << type % 8);
    bool repeated = (parse->seen[type / 8] & bit) != 0;

    parse->seen[type / 8] |= bit;
    if (repeated && (type == MP_REACH_NLRI || type == MP_UNREACH_NLRI)) {
        bgp_fault_note(parse->out, BGP_FAULT_MESSAGE, type, "there twice");
    }
    return repeated;
}

static void parse_one(struct parse *parse, uint8_t flags, uint8_t type, struct span value)
{
    const struct rule *rule = type < ARRAY_SIZE(rules) && rules[type].parse != NULL ? &rules[type] : NULL;

    if (is_repeated(parse, type)) {
        return;
    }
    if (rule == NULL) {
        if ((flags & FLAG_OPTIONAL) == 0) {
            bgp_fault_note(parse->out, BGP_FAULT_WITHDRAW, type, "unknown, but not optional");
        }
        return;
    }
    if (rule->internal && parse->session->external) {
        return;
    }
    if ((flags & BOTH) != rule->flags) { /* RFC 7606 3 c */
        bgp_fault_note(parse->out, rule->malformed == BGP_FAULT_DISCARD ? BGP_FAULT_DISCARD : BGP_FAULT_WITHDRAW, type,
                       "wrong flags");
    }
    if (!rule->parse(parse, value)) {
        bgp_fault_note(parse->out, rule->malformed, type, "malformed");
    }
}

void bgp_attributes_parse(struct span bytes, const struct bgp_session *session, struct bgp_room *room,
                          struct bgp_attributes *out)
{
    struct parse parse = {.session = session, .room = room, .out = out, .as4_counts = true};

    *out = (struct bgp_attributes){0};
    while (span_left(&bytes) > 0) {
        struct span value;
        uint8_t flags;
        uint8_t type;
        uint16_t length = 0;
        uint8_t short_length = 0;
        bool whole = span_u8(&bytes, &flags) && span_u8(&bytes, &type) &&
                     ((flags & FLAG_EXTENDED) != 0 ? span_u16(&bytes, &length) : span_u8(&bytes, &short_length)) &&
                     span_take(&bytes, (size_t)length + short_length, &value);

        if (!whole) { /* RFC 7606 4 */
            bgp_fault_note(out, BGP_FAULT_WITHDRAW, 0, "the path attributes are cut off");
            break;
        }
        parse_one(&parse, flags, type, value);
    }
    if (parse.has_as4_path && parse.as4_counts && !session->as4 && out->has_as_path) {
        bgp_path_merge(&out->attrs.as_path, &parse.as4_path, &room->merged);
    }
}
