/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"
#include <errno.h>
#include <string.h>

#define SECTION_HEADER    0x0a0d0d0au
#define INTERFACE         1u
#define ENHANCED_PACKET   6u
#define BYTE_ORDER_MAGIC  0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u
#define NANOSECONDS       9 /* if_tsresol: 10^-9 s */

enum option_code {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_EPB_FLAGS = 2,
    OPTION_IF_NAME = 2,
    OPTION_SHB_USERAPPL = 4,
    OPTION_IF_TSRESOL = 9,
};

/* Of a block: of its body, or an option. Filled up to four bytes. */
struct piece {
    enum option_code code; /* an option's */
    const void *bytes;
    size_t length;
};

static uint32_t padded(size_t length)
{
    return (uint32_t)(length + 3) & ~UINT32_C(3);
}

static void put(FILE *file, const void *bytes, size_t length)
{
    static const uint8_t zeros[4];

    fwrite(bytes, 1, length, file);
    fwrite(zeros, 1, padded(length) - length, file);
}

static void put_options(FILE *file, const struct piece *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint16_t header[2] = {(uint16_t)options[i].code, (uint16_t)options[i].length};

        put(file, header, sizeof(header));
        put(file, options[i].bytes, options[i].length);
    }
    if (n > 0) {
        put(file, (const uint16_t[2]){OPTION_END, 0}, 4);
    }
}

static size_t options_size(const struct piece *options, size_t n)
{
    size_t size = n > 0 ? 4 : 0;

    for (size_t i = 0; i < n; i++) {
        size += 4 + padded(options[i].length);
    }
    return size;
}

/* A block in the byte order of this machine, which readers tell from the magic number. */
static int put_block(FILE *file, uint32_t type, const struct piece *parts, size_t part_count,
                     const struct piece *options, size_t option_count)
{
    size_t size = 12 + options_size(options, option_count);
    uint32_t header[2] = {type};

    for (size_t i = 0; i < part_count; i++) {
        size += padded(parts[i].length);
    }
    header[1] = (uint32_t)size;
    put(file, header, sizeof(header));
    for (size_t i = 0; i < part_count; i++) {
        put(file, parts[i].bytes, parts[i].length);
    }
    put_options(file, options, option_count);
    put(file, &header[1], sizeof(header[1]));
    return ferror(file) != 0 ? -EIO : 0;
}

int pcapng_begin(FILE *file, const char *program)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint64_t section_length;
    } body = {BYTE_ORDER_MAGIC, 1, 0, UINT64_MAX};
    const struct piece part = {.bytes = &body, .length = sizeof(body)};
    const struct piece option = {OPTION_SHB_USERAPPL, program, strlen(program)};

    return put_block(file, SECTION_HEADER, &part, 1, &option, 1);
}

int pcapng_interface(FILE *file, const char *name, uint32_t snaplen)
{
    static const uint8_t resolution = NANOSECONDS;
    const uint32_t body[2] = {LINKTYPE_ETHERNET, snaplen};
    const struct piece part = {.bytes = body, .length = sizeof(body)};
    const struct piece options[] = {
        {OPTION_IF_NAME, name, strlen(name)},
        {OPTION_IF_TSRESOL, &resolution, sizeof(resolution)},
    };

    return put_block(file, INTERFACE, &part, 1, options, 2);
}

int pcapng_write(FILE *file, const struct pcapng_packet *packet)
{
    const uint32_t flags = packet->direction; /* the low two bits say so */
    const uint32_t body[5] = {packet->interface, (uint32_t)(packet->time_ns >> 32), (uint32_t)packet->time_ns,
                              packet->captured, packet->length};
    const struct piece parts[] = {{.bytes = body, .length = sizeof(body)},
                                  {.bytes = packet->bytes, .length = packet->captured}};
    const struct piece options[] = {
        {OPTION_EPB_FLAGS, &flags, sizeof(flags)},
        {OPTION_COMMENT, packet->comment, packet->comment != NULL ? strlen(packet->comment) : 0},
    };

    return put_block(file, ENHANCED_PACKET, parts, 2, options, packet->comment != NULL ? 2 : 1);
}
