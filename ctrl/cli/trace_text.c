/* SPDX-License-Identifier: BSD-3-Clause */
/* A traced packet: a line that says what it is, and one for each stage. */
#include "attributes.h"
#include "follow.h"
#include "text_table.h"
#include <string.h>

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_end_of(const json_t *ip, const char *address, const char *port, FILE *out)
{
    const char *text = string_of(ip, address);

    text_print(text != NULL ? text : "?", out);
    if (json_object_get(ip, port) != NULL) {
        fprintf(out, " port %" JSON_INTEGER_FORMAT, number_of(ip, port));
    }
}

static void print_ip(const json_t *ip, FILE *out)
{
    const json_t *protocol = json_object_get(ip, "protocol");

    print_end_of(ip, "source", "source_port", out);
    fputs(" > ", out);
    print_end_of(ip, "destination", "destination_port", out);
    if (json_is_string(protocol)) {
        fputs(", ", out);
        text_print(json_string_value(protocol), out);
    } else {
        fprintf(out, ", protocol %" JSON_INTEGER_FORMAT, json_integer_value(protocol));
    }
    if (json_object_get(ip, "icmp_type") != NULL) {
        fprintf(out, " %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, number_of(ip, "icmp_type"),
                number_of(ip, "icmp_code"));
    }
    fprintf(out, ", %sttl %" JSON_INTEGER_FORMAT ", length %" JSON_INTEGER_FORMAT,
            json_is_true(json_object_get(ip, "fragment")) ? "fragment, " : "", number_of(ip, "ttl"),
            number_of(ip, "length"));
}

static void print_frame(const json_t *frame, FILE *out)
{
    const json_t *ip = json_object_get(frame, "ip");
    const json_t *inside = json_object_get(frame, "inside");
    const char *type = string_of(frame, "ether_type");

    if (type == NULL) {
        fprintf(out, "%" JSON_INTEGER_FORMAT " bytes", number_of(frame, "length"));
        return;
    }
    text_print(string_of(frame, "source_mac"), out);
    fputs(" > ", out);
    text_print(string_of(frame, "destination_mac"), out);
    if (json_object_get(frame, "vlan") != NULL) {
        fprintf(out, ", vlan %" JSON_INTEGER_FORMAT, number_of(frame, "vlan"));
    }
    fputs(", ", out);
    if (ip == NULL) {
        fprintf(out, "type %s, %" JSON_INTEGER_FORMAT " bytes", type, number_of(frame, "length"));
        return;
    }
    print_ip(ip, out);
    if (json_is_object(inside)) {
        fputs("\n             inside ", out);
        print_ip(inside, out);
    }
}

/* An instance, a next hop, or what is done instead. */
static void print_place(const json_t *object, FILE *out)
{
    const char *instance = string_of(object, "instance");
    const char *next_hop = string_of(object, "next_hop");
    const char *action = string_of(object, "action");

    if (instance != NULL) {
        fputs("instance ", out);
        text_print(instance, out);
        fputs(", ", out);
    }
    if (action != NULL || next_hop != NULL) {
        fputs(action != NULL ? "" : "next hop ", out);
        text_print(action != NULL ? action : next_hop, out);
        fputs(", ", out);
    }
    fprintf(out, "adjacency %" JSON_INTEGER_FORMAT, number_of(object, "adjacency"));
}

static void print_steer(const json_t *step, FILE *out)
{
    const char *hash = string_of(step, "hash");
    const char *why = string_of(step, "why");
    const json_t *skipped;
    size_t i;

    fprintf(out, "hash %s, row %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT ": ", hash != NULL ? hash : "?",
            number_of(step, "row"), number_of(step, "rows"));
    if (json_object_get(step, "adjacency") != NULL) {
        print_place(step, out);
        fputs("; ", out);
    }
    text_print(why != NULL ? why : "?", out);
    json_array_foreach(json_object_get(step, "skipped"), i, skipped)
    {
        const char *by = string_of(skipped, "down_by");

        fputs("\n             not ", out);
        print_place(skipped, out);
        fputs(by != NULL ? ": down by " : "", out);
        text_print(by != NULL ? by : "", out);
    }
}

static void print_lookup(const json_t *step, FILE *out)
{
    const char *prefix = string_of(step, "prefix");

    text_print(prefix != NULL ? prefix : "a prefix that is gone", out);
    fprintf(out, ", path list %" JSON_INTEGER_FORMAT, number_of(step, "path_list"));
    if (json_object_get(step, "path_list_now") != NULL) {
        fprintf(out, "; now %" JSON_INTEGER_FORMAT, number_of(step, "path_list_now"));
    }
}

/* What any other stage says, in a word or two. */
static void print_words(const json_t *step, FILE *out)
{
    static const char *const keys[] = {"verdict", "reason", "for", "port"};
    const char *separator = "";

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *value = string_of(step, keys[i]);

        if (value != NULL) {
            fputs(separator, out);
            fputs(strcmp(keys[i], "for") == 0 || strcmp(keys[i], "port") == 0 ? keys[i] : "", out);
            fputs(strcmp(keys[i], "for") == 0 || strcmp(keys[i], "port") == 0 ? " " : "", out);
            text_print(value, out);
            separator = ", ";
        }
    }
}

static void print_step(const json_t *step, FILE *out)
{
    const char *stage = string_of(step, "stage");

    fprintf(out, "  %-10s ", stage != NULL ? stage : "?");
    if (json_object_get(step, "frame") != NULL) {
        print_frame(json_object_get(step, "frame"), out);
    } else if (json_object_get(step, "hash") != NULL) {
        print_steer(step, out);
    } else if (json_object_get(step, "path_list") != NULL) {
        print_lookup(step, out);
    } else {
        print_words(step, out);
    }
    fputc('\n', out);
}

void trace_print(const json_t *params, FILE *out)
{
    const json_t *step;
    size_t i;

    fprintf(out, "packet %" JSON_INTEGER_FORMAT, number_of(params, "id"));
    if (json_is_integer(json_object_get(params, "origin"))) {
        fprintf(out, ", made of %" JSON_INTEGER_FORMAT, number_of(params, "origin"));
    }
    fputs(": ", out);
    print_frame(json_object_get(params, "packet"), out);
    fputc('\n', out);
    json_array_foreach(json_object_get(params, "steps"), i, step)
    {
        print_step(step, out);
    }
}
