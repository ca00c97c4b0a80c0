/* SPDX-License-Identifier: BSD-3-Clause */
#include "encap_loader.h"
#include "abi.h"
#include "program.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct encap {
    struct bpf_object *object;
    int program_fd; /* both are the object's */
    int headers_fd;
};

int encap_open(const char *object_path, struct encap **out, struct error *error)
{
    struct encap *encap = calloc(1, sizeof(*encap));
    int result;

    if (encap == NULL) {
        return error_set(error, -ENOMEM, "no memory to load %s", object_path);
    }
    result = program_load(object_path, ENCAP_PROGRAM, &encap->object, error);
    if (result == 0) {
        encap->program_fd = bpf_program__fd(bpf_object__find_program_by_name(encap->object, ENCAP_PROGRAM));
        encap->headers_fd = program_map(encap->object, object_path, ENCAP_MAP, sizeof(struct encap_key),
                                        sizeof(struct encap_header), error);
        result = encap->headers_fd < 0 ? encap->headers_fd : 0;
    }
    if (result != 0) {
        encap_close(encap);
        return result;
    }
    *out = encap;
    return 0;
}

void encap_close(struct encap *encap)
{
    if (encap == NULL) {
        return;
    }
    bpf_object__close(encap->object);
    free(encap);
}

int encap_program(const struct encap *encap)
{
    return encap->program_fd;
}

static struct encap_key key_of(uint32_t mark, enum family family)
{
    return (struct encap_key){.mark = mark, .family = family == FAMILY_V4 ? 4 : 6};
}

int encap_set(struct encap *encap, uint32_t mark, enum family family, const uint8_t *header, unsigned int length,
              uint32_t onward)
{
    struct encap_key key = key_of(mark, family);
    struct encap_header value = {.mark = onward, .length = length};

    if (length > sizeof(value.bytes)) {
        return -EINVAL;
    }
    memcpy(value.bytes, header, length);
    return bpf_map_update_elem(encap->headers_fd, &key, &value, BPF_ANY);
}

void encap_del(struct encap *encap, uint32_t mark, enum family family)
{
    struct encap_key key = key_of(mark, family);

    (void)bpf_map_delete_elem(encap->headers_fd, &key);
}
