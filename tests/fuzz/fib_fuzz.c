/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sequences of set and del on fib4 and fib6 against the oracle. Six bytes an operation: what and around which base, the
 * length, three address bytes that end where the prefix does, the value. The tables stay from input to input; an input
 * leaves them empty.
 */
#include "rcu.h"
#include "subject.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define OPERATION_BYTES 6
#define MAX_ROUTES      512

struct table {
    const struct subject *subject;
    enum fib_isa isa;
    struct rcu *rcu;
    void *fib;
    struct oracle oracle;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what, const struct table *table, oracle_key key)
{
    if (!holds) {
        fprintf(stderr, "%s: %s at %016llx%016llx\n", table->subject->name, what, (unsigned long long)(key >> 64),
                (unsigned long long)key);
        abort();
    }
}

#define AROUND 4

/* In one lookup: first, last, and the neighbours of both. */
static void check_around(const struct table *table, oracle_key key, unsigned int length)
{
    oracle_key last = subject_last(table->subject, key, length);
    oracle_key one = subject_one(table->subject);
    oracle_key keys[AROUND] = {key, last, key - one, last + one};
    uint32_t found[AROUND];

    for (unsigned int i = 0; i < AROUND; i++) {
        keys[i] &= oracle_mask(table->subject->bits);
    }
    table->subject->lookup(table->fib, keys, found, AROUND);
    for (unsigned int i = 0; i < AROUND; i++) {
        const struct oracle_route *expected = oracle_match(&table->oracle, keys[i]);

        expect(found[i] == (expected != NULL ? expected->value : FIB_NO_ROUTE), "wrong value", table, keys[i]);
    }
}

/* Short prefixes, but for the default route, take milliseconds; the property tests have them. */
static unsigned int length_of(const struct table *table, uint8_t byte)
{
    unsigned int shortest = table->subject->bits == 32 ? 13 : 18;

    return byte == UINT8_MAX ? 0 : shortest + byte % (table->subject->bits + 1 - shortest);
}

static void operate(struct table *table, const uint8_t *operation)
{
    static const uint64_t bases[] = {0x0a01000000000000, 0x20010db800aa0000, 0xfd00000000000000, 0x2a0f7b4000000000};
    unsigned int length = length_of(table, operation[1]);
    unsigned int varied = length > 24 ? length - 24 : 0;
    oracle_key low =
        (oracle_key)operation[2] << 120 | (oracle_key)operation[3] << 112 | (oracle_key)operation[4] << 104;
    oracle_key key = ((oracle_key)bases[operation[0] % 4] << 64 & oracle_mask(varied)) | low >> varied;

    key &= oracle_mask(length);
    if (operation[0] & 0x80) {
        expect(table->subject->del(table->fib, key, length) == oracle_del(&table->oracle, key, length), "del", table,
               key);
    } else {
        uint32_t value = operation[5] == 0 ? FIB_VALUE_MAX : operation[5];
        int rc = table->subject->set(table->fib, key, length, value);

        expect(rc == 0 || (rc == -ENOSPC && table->oracle.count == MAX_ROUTES), "set", table, key);
        if (rc == 0) {
            (void)oracle_set(&table->oracle, key, length, value);
        }
    }
    check_around(table, key, length);
}

static void run(struct table *table, const uint8_t *data, size_t size)
{
    for (; size >= OPERATION_BYTES; data += OPERATION_BYTES, size -= OPERATION_BYTES) {
        operate(table, data);
    }
    for (size_t i = 0; i < table->oracle.count; i++) {
        check_around(table, table->oracle.routes[i].key, table->oracle.routes[i].length);
    }
    while (table->oracle.count > 0) {
        struct oracle_route route = table->oracle.routes[--table->oracle.count];

        expect(table->subject->del(table->fib, route.key, route.length) == 0, "last del", table, route.key);
        check_around(table, route.key, route.length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table tables[] = {
        {.subject = &subject_v4, .isa = FIB_ISA_PORTABLE},
        {.subject = &subject_v4, .isa = FIB_ISA_BEST},
        {.subject = &subject_v6, .isa = FIB_ISA_PORTABLE},
        {.subject = &subject_v6, .isa = FIB_ISA_BEST},
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        struct table *table = &tables[i];

        if (table->fib == NULL) {
            table->rcu = rcu_create(1);
            table->fib = table->subject->create(
                &(struct fib_config){.rcu = table->rcu, .max_routes = MAX_ROUTES, .isa = table->isa});
        }
        run(table, data, size);
    }
    return 0;
}
