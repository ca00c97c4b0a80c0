/* SPDX-License-Identifier: BSD-3-Clause */
#include "bgp_update.h"

bool bgp_message_take(struct span *bytes, uint8_t *type, struct span *body)
{
    struct span rest = *bytes;
    uint16_t length;

    /* the marker is not looked at: what carries a message has found it by its own length */
    if (!span_skip(&rest, 16) || !span_u16(&rest, &length) || !span_u8(&rest, type) || length < BGP_HEADER_LENGTH ||
        !span_take(&rest, length - BGP_HEADER_LENGTH, body)) {
        return false;
    }
    *bytes = rest;
    return true;
}

/* RFC 4271 5, RFC 7606 3 d: without these a route is none. */
static void check_mandatory(struct bgp_update *update)
{
    struct bgp_attributes *attributes = &update->attributes;
    bool field = span_left(&update->reach[1].nlri.bytes) > 0;

    if (!field && !attributes->mp_reach.present) {
        return;
    }
    if (!attributes->has_origin || !attributes->has_as_path) {
        bgp_fault_note(attributes, BGP_FAULT_WITHDRAW, attributes->has_origin ? 2 : 1, "missing");
    }
    if (field && !attributes->has_next_hop) {
        bgp_fault_note(attributes, BGP_FAULT_WITHDRAW, 3, "missing");
    }
}

static void find_end_of_rib(struct bgp_update *update, size_t attributes_length)
{
    const struct bgp_attributes *attributes = &update->attributes;

    if (span_left(&update->withdrawn[0].bytes) > 0 || span_left(&update->reach[1].nlri.bytes) > 0 ||
        attributes->fault != BGP_FAULT_NONE) {
        return;
    }
    if (attributes_length == 0) {
        update->end_of_rib = true;
    } else if (attributes->has_mp_unreach && attributes_length <= 7 &&
               span_left(&attributes->mp_unreach.bytes) == 0) { /* nothing else is in the message */
        update->end_of_rib = true;
        update->end_of_family = attributes->mp_unreach.family;
    }
}

void bgp_update_parse(struct span body, const struct bgp_session *session, struct bgp_room *room,
                      struct bgp_update *out)
{
    struct bgp_nlri field = {.family = FAMILY_V4, .add_path = session->add_path[FAMILY_V4]};
    struct span withdrawn;
    struct span attributes;
    uint16_t withdrawn_length;
    uint16_t attributes_length;

    *out = (struct bgp_update){.withdrawn = {field, field}};
    if (!span_u16(&body, &withdrawn_length) || !span_take(&body, withdrawn_length, &withdrawn) ||
        !span_u16(&body, &attributes_length) || !span_take(&body, attributes_length, &attributes)) {
        bgp_fault_note(&out->attributes, BGP_FAULT_MESSAGE, 0, "its lengths do not add up");
        return;
    }
    bgp_attributes_parse(attributes, session, room, &out->attributes);
    out->withdrawn[0].bytes = withdrawn;
    if (out->attributes.has_mp_unreach) {
        out->withdrawn[1] = out->attributes.mp_unreach;
    }
    field.bytes = body;
    out->reach[0] = out->attributes.mp_reach;
    out->reach[1] = (struct bgp_reach){span_left(&body) > 0, field, out->attributes.next_hop};
    if (!bgp_nlri_valid(&out->withdrawn[0]) || !bgp_nlri_valid(&field)) {
        bgp_fault_note(&out->attributes, BGP_FAULT_MESSAGE, 0, "a prefix that is none");
    }
    check_mandatory(out);
    find_end_of_rib(out, attributes_length);
}
