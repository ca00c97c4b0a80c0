/* SPDX-License-Identifier: BSD-3-Clause */
#include "bmp_message.h"
#include <errno.h>
#include <string.h>

#define COMMON_HEADER 6

/* Flags of the per-peer header. */
#define FLAG_V6   0x80
#define FLAG_POST 0x40
#define FLAG_AS2  0x20
#define FLAG_OUT  0x10

#define OPTION_CAPABILITIES 2
#define OPTION_EXTENDED     255 /* RFC 9072 */
#define CAP_MULTIPROTOCOL   1
#define CAP_AS4             65
#define CAP_ADD_PATH        69
#define ADD_PATH_RECEIVE    1
#define ADD_PATH_SEND       2

static bool read_address(struct span *bytes, bool v6, struct ip_addr *out)
{
    struct span address;

    if (!span_take(bytes, 16, &address)) {
        return false;
    }
    *out = (struct ip_addr){.family = v6 ? FAMILY_V6 : FAMILY_V4};
    memcpy(out->bytes, v6 ? address.at : address.at + 12, v6 ? 16 : 4);
    return true;
}

static bool read_peer(struct span *bytes, struct bmp_peer *out)
{
    uint8_t flags;
    uint32_t distinguisher[2];

    if (!span_u8(bytes, &out->type) || !span_u8(bytes, &flags) || !span_u32(bytes, &distinguisher[0]) ||
        !span_u32(bytes, &distinguisher[1])) {
        return false;
    }
    if (out->type == BMP_PEER_LOC_RIB) { /* has flags of its own (RFC 9069 4.2) */
        flags = 0;
        out->view = BMP_LOC_RIB;
    } else {
        out->view = (flags & FLAG_OUT) != 0 ? BMP_OUT : (flags & FLAG_POST) != 0 ? BMP_POST_POLICY : BMP_PRE_POLICY;
    }
    out->as2 = (flags & FLAG_AS2) != 0;
    out->distinguisher = (uint64_t)distinguisher[0] << 32 | distinguisher[1];
    return read_address(bytes, (flags & FLAG_V6) != 0, &out->address) && span_u32(bytes, &out->as) &&
           span_u32(bytes, &out->router_id) && span_skip(bytes, 8); /* when it was received */
}

int bmp_message_take(struct span *bytes, struct bmp_message *out)
{
    struct span rest = *bytes;
    uint8_t version;
    uint32_t length;

    if (span_left(&rest) > 0 && *rest.at != BMP_VERSION) {
        return -EBADMSG;
    }
    if (!span_u8(&rest, &version) || !span_u32(&rest, &length) || !span_u8(&rest, &out->type)) {
        return 0;
    }
    if (length < COMMON_HEADER || length > BMP_MESSAGE_MAX) {
        return -EBADMSG;
    }
    if (!span_take(&rest, length - COMMON_HEADER, &out->body)) {
        return 0;
    }
    out->peer = (struct bmp_peer){0};
    out->has_peer = out->type <= BMP_PEER_UP || out->type == BMP_ROUTE_MIRRORING;
    if (out->has_peer && !read_peer(&out->body, &out->peer)) {
        return -EBADMSG;
    }
    *bytes = rest;
    return 1;
}

/* One end's capabilities. */
struct capabilities {
    bool multiprotocol; /* any: without one it is IPv4 unicast alone (RFC 4760 8) */
    bool families[FAMILIES];
    bool add_path_send[FAMILIES];
    bool add_path_receive[FAMILIES];
    uint32_t as;
};

/* The family of an AFI and a unicast SAFI, else FAMILIES. */
static unsigned int unicast_family(uint16_t afi, uint8_t safi)
{
    return safi != 1 ? FAMILIES : afi == 1 ? FAMILY_V4 : afi == 2 ? FAMILY_V6 : FAMILIES;
}

static void read_capability(uint8_t code, struct span value, struct capabilities *out)
{
    uint16_t afi;
    uint8_t safi;
    uint8_t direction;
    uint8_t reserved;

    if (code == CAP_AS4) {
        (void)span_u32(&value, &out->as);
    } else if (code == CAP_MULTIPROTOCOL && span_u16(&value, &afi) && span_u8(&value, &reserved) &&
               span_u8(&value, &safi)) {
        out->multiprotocol = true;
        if (unicast_family(afi, safi) != FAMILIES) {
            out->families[unicast_family(afi, safi)] = true;
        }
    } else if (code == CAP_ADD_PATH) {
        while (span_u16(&value, &afi) && span_u8(&value, &safi) && span_u8(&value, &direction)) {
            unsigned int family = unicast_family(afi, safi);

            if (family != FAMILIES) {
                out->add_path_receive[family] = (direction & ADD_PATH_RECEIVE) != 0;
                out->add_path_send[family] = (direction & ADD_PATH_SEND) != 0;
            }
        }
    }
}

static bool read_capabilities(struct span value, struct capabilities *out)
{
    while (span_left(&value) > 0) {
        struct span one;
        uint8_t code;
        uint8_t length;

        if (!span_u8(&value, &code) || !span_u8(&value, &length) || !span_take(&value, length, &one)) {
            return false;
        }
        read_capability(code, one, out);
    }
    return true;
}

/* RFC 4271 4.2, RFC 5492, RFC 9072 */
static bool read_open(struct span body, struct capabilities *out)
{
    struct span options;
    uint16_t as;
    uint8_t length;
    uint16_t long_length;
    bool extended = false;

    *out = (struct capabilities){0};
    if (!span_skip(&body, 1) || !span_u16(&body, &as) || !span_skip(&body, 2 + 4) || !span_u8(&body, &length)) {
        return false;
    }
    out->as = as;
    if (length == OPTION_EXTENDED && span_left(&body) >= 3 && *body.at == OPTION_EXTENDED) {
        extended = true;
        if (!span_skip(&body, 1) || !span_u16(&body, &long_length) || !span_take(&body, long_length, &options)) {
            return false;
        }
    } else if (!span_take(&body, length, &options)) {
        return false;
    }
    while (span_left(&options) > 0) {
        struct span value;
        uint8_t type;

        long_length = 0;
        length = 0;
        if (!span_u8(&options, &type) || !(extended ? span_u16(&options, &long_length) : span_u8(&options, &length)) ||
            !span_take(&options, (size_t)long_length + length, &value) ||
            (type == OPTION_CAPABILITIES && !read_capabilities(value, out))) {
            return false;
        }
    }
    if (!out->multiprotocol) {
        out->families[FAMILY_V4] = true;
    }
    return true;
}

static bool take_open(struct span *bytes, struct capabilities *out)
{
    struct span body;
    uint8_t type;

    return bgp_message_take(bytes, &type, &body) && type == BGP_OPEN && read_open(body, out);
}

bool bmp_peer_up_parse(struct span body, struct bmp_peer_up *out)
{
    struct capabilities sent;
    struct capabilities received;

    /* local address and the two ports */
    if (!span_skip(&body, 16 + 2 + 2) || !take_open(&body, &sent) || !take_open(&body, &received)) {
        return false;
    }
    *out = (struct bmp_peer_up){.local_as = sent.as};
    for (unsigned int family = 0; family < FAMILIES; family++) {
        out->families[family] = sent.families[family] && received.families[family];
        out->add_path[family] = sent.add_path_receive[family] && received.add_path_send[family];
    }
    return true;
}

static void copy_text(struct span value, char *out, size_t size)
{
    size_t n = span_left(&value) < size - 1 ? span_left(&value) : size - 1;

    for (size_t i = 0; i < n; i++) {
        out[i] = value.at[i] >= ' ' && value.at[i] < 0x7f ? (char)value.at[i] : '.';
    }
    out[n] = '\0';
}

void bmp_initiation_text(struct span body, enum bmp_text_type type, char *out, size_t size)
{
    struct span value;
    uint16_t found;
    uint16_t length;

    *out = '\0';
    while (span_u16(&body, &found) && span_u16(&body, &length) && span_take(&body, length, &value)) {
        if (found == type) {
            copy_text(value, out, size);
            return;
        }
    }
}
