/* SPDX-License-Identifier: BSD-3-Clause */
#include "routes_text.h"
#include "cell.h"
#include "text_table.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct column {
    const char *heading;
    const char *key;                                            /* of the candidate, or NULL */
    char *(*text)(const json_t *candidate, const json_t *best); /* for those without a key; allocated */
    bool optional;                                              /* left out if no candidate has any */
};

/* The key of a candidate within its prefix, as api.md has it: session, peer, path id. */
static bool same_candidate(const json_t *a, const json_t *b)
{
    const char *const keys[] = {"session", "peer"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *left = json_object_get(a, keys[i]);
        const json_t *right = json_object_get(b, keys[i]);

        if (left != NULL && right != NULL && !json_equal(left, right)) {
            return false;
        }
    }
    return json_integer_value(json_object_get(a, "path_id")) == json_integer_value(json_object_get(b, "path_id"));
}

/* Its place among the best, 0 for the winner of the tie-break; -1: it is none of them. */
static int best_rank(const json_t *candidate, const json_t *best)
{
    const json_t *one;
    size_t i;

    json_array_foreach(best, i, one)
    {
        if (same_candidate(candidate, one)) {
            return (int)i;
        }
    }
    return -1;
}

static char *marker_text(const json_t *candidate, const json_t *best)
{
    int rank = best_rank(candidate, best);

    return strdup(rank < 0 ? "" : rank == 0 ? ">" : "=");
}

static char *via_text(const json_t *candidate, const json_t *best)
{
    const char *const keys[] = {"instance", "next_hop", "action"};

    (void)best;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (json_object_get(candidate, keys[i]) != NULL) {
            return cell_text(keys[i], json_object_get(candidate, keys[i]));
        }
    }
    return strdup("-");
}

static char *join(const char *verdict, const char *separator, const char *detail)
{
    char *text = NULL;

    return asprintf(&text, "%s%s%s", verdict, separator, detail) < 0 ? NULL : text;
}

static char *why_text(const json_t *candidate, const json_t *best)
{
    const char *lost_at = json_string_value(json_object_get(candidate, "lost_at"));
    const char *why_not = json_string_value(json_object_get(candidate, "why_not"));
    json_t *detail = json_object_get(candidate, "detail");
    char *detail_text;
    char *lost;
    char *text;
    int rank;

    if (json_is_false(json_object_get(candidate, "eligible"))) {
        return why_not != NULL ? join("not eligible", ": ", why_not) : strdup("not eligible");
    }
    rank = best_rank(candidate, best);
    if (rank >= 0 || lost_at == NULL) {
        return strdup(rank < 0 ? "-" : rank == 0 ? "best" : "shares the traffic with the best");
    }
    lost = join("lost at", " ", lost_at);
    if (lost == NULL || detail == NULL || json_is_null(detail)) {
        return lost;
    }
    detail_text = cell_text("detail", detail);
    text = detail_text != NULL ? join(lost, ": ", detail_text) : NULL;
    free(detail_text);
    free(lost);
    return text;
}

static const struct column candidate_columns[] = {
    {"", NULL, marker_text, false},
    {"peer", "peer", NULL, false},
    {"via", NULL, via_text, false},
    {"as path", "as_path", NULL, false},
    {"local pref", "local_pref", NULL, false},
    {"med", "med", NULL, false},
    {"origin", "origin", NULL, false},
    {"weight", "weight", NULL, true},
    {"path id", "path_id", NULL, true},
    {"communities", "communities", NULL, true},
    {"stale", "stale", NULL, true},
    {"session", "session", NULL, true},
    {"tier", "tier", NULL, true},
    {"why", NULL, why_text, false}, /* last: route.get leaves it out */
};

/* Absent, null, 0, false and empty are how a candidate says that it has none. */
static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static bool any_has(const json_t *candidates, const char *key)
{
    const json_t *candidate;
    size_t i;

    json_array_foreach(candidates, i, candidate)
    {
        if (!is_nothing(json_object_get(candidate, key))) {
            return true;
        }
    }
    return false;
}

static int add_owned(struct text_table *table, char *text)
{
    int result = text != NULL ? text_table_add(table, text) : -ENOMEM;

    free(text);
    return result;
}

static int add_candidate(struct text_table *table, const struct column *const *columns, const json_t *candidate,
                         const json_t *best)
{
    int result = 0;

    for (size_t i = 0; i < table->columns && result == 0; i++) {
        const struct column *column = columns[i];

        result =
            add_owned(table, column->text != NULL ? column->text(candidate, best)
                                                  : cell_text(column->key, json_object_get(candidate, column->key)));
    }
    return result;
}

static int print_table(const json_t *candidates, const json_t *best, size_t column_count, FILE *out)
{
    const struct column *columns[ARRAY_SIZE(candidate_columns)];
    struct text_table table = {0};
    const json_t *candidate;
    int result = 0;
    size_t i;

    for (i = 0; i < column_count && result == 0; i++) {
        if (!candidate_columns[i].optional || any_has(candidates, candidate_columns[i].key)) {
            columns[table.columns++] = &candidate_columns[i];
            result = text_table_add(&table, candidate_columns[i].heading);
        }
    }
    json_array_foreach(candidates, i, candidate)
    {
        if (result != 0) {
            break;
        }
        result = add_candidate(&table, columns, candidate, best);
    }
    if (result == 0) {
        text_table_print(&table, true, out);
    }
    text_table_free(&table);
    return result;
}

static void print_title(const json_t *result, size_t count, FILE *out)
{
    const char *prefix = json_string_value(json_object_get(result, "prefix"));
    const json_t *generation = json_object_get(result, "generation");

    if (prefix != NULL) {
        text_print(prefix, out);
        fputs(": ", out);
    }
    fprintf(out, "%zu candidate%s", count, count == 1 ? "" : "s");
    if (json_is_integer(generation)) {
        fprintf(out, ", generation %" JSON_INTEGER_FORMAT, json_integer_value(generation));
    }
    fputc('\n', out);
}

static int print_candidates(const json_t *result, size_t column_count, FILE *out)
{
    const json_t *candidates = json_object_get(result, "candidates");

    if (!json_is_array(candidates)) {
        return -EINVAL;
    }
    print_title(result, json_array_size(candidates), out);
    if (json_array_size(candidates) == 0) {
        return 0;
    }
    return print_table(candidates, json_object_get(result, "best"), column_count, out);
}

int routes_print_candidates(const json_t *result, FILE *out)
{
    return print_candidates(result, ARRAY_SIZE(candidate_columns) - 1, out);
}

int routes_print_explanation(const json_t *result, FILE *out)
{
    return print_candidates(result, ARRAY_SIZE(candidate_columns), out);
}

static const char *const tier_keys[] = {"next_hop", "port", "alive", "why"};

static int add_tier(struct text_table *table, size_t number, const json_t *members)
{
    int result = 0;
    const json_t *member;
    size_t i;

    json_array_foreach(members, i, member)
    {
        char tier[24];

        snprintf(tier, sizeof(tier), "%zu", number);
        result = text_table_add(table, tier);
        if (result == 0) {
            result = add_owned(table, via_text(member, NULL));
        }
        for (size_t k = 0; k < ARRAY_SIZE(tier_keys) && result == 0; k++) {
            result = add_owned(table, cell_text(tier_keys[k], json_object_get(member, tier_keys[k])));
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int routes_print_lookup(const json_t *result, FILE *out)
{
    static const char *const headings[] = {"tier", "via", "next hop", "port", "alive", "why"};
    const char *prefix = json_string_value(json_object_get(result, "prefix"));
    const json_t *tiers = json_object_get(result, "tiers");
    struct text_table table = {.columns = ARRAY_SIZE(headings)};
    const json_t *members;
    int code = 0;
    size_t i;

    if (prefix == NULL || !json_is_array(tiers)) {
        return -EINVAL;
    }
    if (json_array_size(tiers) == 0) {
        text_print(prefix, out);
        fputs(": no next hop is left\n", out);
        return 0;
    }
    for (i = 0; i < ARRAY_SIZE(headings) && code == 0; i++) {
        code = text_table_add(&table, headings[i]);
    }
    json_array_foreach(tiers, i, members)
    {
        if (code != 0) {
            break;
        }
        code = add_tier(&table, i + 1, members);
    }
    if (code == 0) {
        text_print(prefix, out);
        fputc('\n', out);
        text_table_print(&table, true, out);
    }
    text_table_free(&table);
    return code;
}
