/* SPDX-License-Identifier: BSD-3-Clause */
#include "full_table.h"
#include "attributes.h"
#include "hash.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 0x616e7966u

/* How many routes of each length the tables of ../shared/data hold; they are the shape of the made ones. */
struct share {
    unsigned int length;
    unsigned int count;
};

static const struct share shares_v4[] = {
    {8, 19},      {9, 11},    {10, 67},    {11, 178},   {12, 401},   {13, 787},   {14, 1542},   {15, 4278},
    {16, 13893},  {17, 8747}, {18, 13893}, {19, 25728}, {20, 46310}, {21, 53514}, {22, 111145}, {23, 99825},
    {24, 622621}, {26, 185},  {27, 202},   {28, 209},   {29, 195},   {30, 208},   {32, 2000},
};

static const struct share shares_v6[] = {
    {19, 10},   {20, 14},    {24, 45},    {28, 439},  {29, 10696}, {30, 1319},   {31, 1591},  {32, 27927}, {33, 4838},
    {34, 3519}, {35, 1319},  {36, 10117}, {37, 906},  {38, 2639},  {39, 1915},   {40, 21994}, {41, 1321},  {42, 4838},
    {43, 2658}, {44, 21994}, {45, 2639},  {46, 5718}, {47, 10570}, {48, 102273}, {56, 251},   {64, 498},   {128, 251},
};

uint64_t table_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ull;
    return hash_mix64(*state);
}

double *table_zipf_create(size_t count)
{
    double *cumulative = malloc(count * sizeof(*cumulative));
    double sum = 0;

    if (cumulative == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        sum += 1.0 / (double)(i + 1);
        cumulative[i] = sum;
    }
    return cumulative;
}

size_t table_zipf(const double *cumulative, size_t count, uint64_t *state)
{
    double at = (double)(table_random(state) >> 11) * 0x1p-53 * cumulative[count - 1];
    size_t low = 0;
    size_t high = count - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (cumulative[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void add(struct table *table, size_t *room, struct table_route route)
{
    if (table->count == *room) {
        *room = *room > 0 ? *room * 2 : 1024;
        table->routes = realloc(table->routes, *room * sizeof(*table->routes));
        if (table->routes == NULL) {
            abort();
        }
    }
    table->routes[table->count++] = route;
}

/* ---- From a file */

/* "192.0.2.0/24 4711" */
static int parse(char *line, unsigned int bits, struct table_route *route)
{
    char *slash = strchr(line, '/');
    uint8_t bytes[16] = {0};
    char *end;

    if (slash == NULL) {
        return -1;
    }
    *slash = '\0';
    if (inet_pton(bits == 32 ? AF_INET : AF_INET6, line, bytes) != 1) {
        return -1;
    }
    route->key = 0;
    for (unsigned int i = 0; i < sizeof(bytes); i++) {
        route->key = route->key << 8 | bytes[i];
    }
    route->length = (unsigned int)strtoul(slash + 1, &end, 10);
    route->value = (uint32_t)strtoul(end, NULL, 10);
    return 0;
}

static void read_file(struct table *table, unsigned int bits)
{
    char command[1024];
    char line[256];
    size_t room = 0;
    FILE *file;

    snprintf(command, sizeof(command), "xz -dc %s/table-v%d.txt.xz 2>/dev/null", TABLE_FOLDER, bits == 32 ? 4 : 6);
    file = popen(command, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        struct table_route route;

        if (parse(line, bits, &route) == 0) {
            add(table, &room, route);
        }
    }
    if (file != NULL) {
        pclose(file);
    }
    table->source = "../shared/data";
}

/* ---- Made */

static int compare(const void *a, const void *b)
{
    const struct table_route *left = a;
    const struct table_route *right = b;

    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return (left->length > right->length) - (left->length < right->length);
}

static void drop_doubles(struct table *table)
{
    size_t kept = 0;

    qsort(table->routes, table->count, sizeof(*table->routes), compare);
    for (size_t i = 0; i < table->count; i++) {
        if (kept == 0 || compare(&table->routes[kept - 1], &table->routes[i]) != 0) {
            table->routes[kept++] = table->routes[i];
        }
    }
    table->count = kept;
}

/* Four of ten lie in a route that is there already; the others where the family's addresses are given out. */
static table_key place(const struct table *table, unsigned int bits, unsigned int length, uint64_t *state)
{
    table_key key = (table_key)table_random(state) << 64 | table_random(state);
    unsigned int fixed = bits == 32 ? 0 : 3;
    table_key around = (table_key)1 << 125; /* 2000::/3 */

    if (table->count > 0 && table_random(state) % 10 < 4) {
        const struct table_route *outer = &table->routes[table_random(state) % table->count];

        if (outer->length < length) {
            around = outer->key;
            fixed = outer->length;
        }
    } else if (bits == 32) {
        key = key % ((table_key)223 << 120) + ((table_key)1 << 120);
    }
    return ((around & table_mask(fixed)) | (key & ~table_mask(fixed))) & table_mask(length);
}

static void make(struct table *table, unsigned int bits, const struct share *shares, size_t count)
{
    uint64_t state = SEED;
    size_t room = 0;

    for (size_t i = 0; i < count; i++) {
        for (unsigned int made = 0; made < shares[i].count; made++) {
            add(table, &room,
                (struct table_route){.key = place(table, bits, shares[i].length, &state),
                                     .length = shares[i].length,
                                     .value = (uint32_t)table_random(&state) % 65536});
        }
    }
    drop_doubles(table);
    table->source = "made from a seed";
}

/* ---- Both */

static void shuffle(struct table *table)
{
    uint64_t state = SEED;

    for (size_t i = table->count; i > 1; i--) {
        size_t other = table_random(&state) % i;
        struct table_route route = table->routes[i - 1];

        table->routes[i - 1] = table->routes[other];
        table->routes[other] = route;
    }
}

/* What stands for an origin AS becomes a next hop; the same AS always the same one. */
static void map_values(struct table *table)
{
    double *zipf = table_zipf_create(TABLE_VALUES);

    for (size_t i = 0; i < table->count; i++) {
        uint64_t state = table->routes[i].value;

        table->routes[i].value = 1 + (uint32_t)table_zipf(zipf, TABLE_VALUES, &state);
    }
    free(zipf);
}

void table_read(struct table *table, unsigned int bits)
{
    *table = (struct table){0};
    read_file(table, bits);
    if (table->count == 0 && bits == 32) {
        make(table, bits, shares_v4, ARRAY_SIZE(shares_v4));
    } else if (table->count == 0) {
        make(table, bits, shares_v6, ARRAY_SIZE(shares_v6));
    }
    shuffle(table);
    map_values(table);
}

void table_free(struct table *table)
{
    free(table->routes);
    *table = (struct table){0};
}
