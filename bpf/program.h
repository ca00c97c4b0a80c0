/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A BPF program from its object file into the kernel: what both loaders have in common. Control thread only.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "attributes.h"
#include "error.h"
#include <stddef.h>

struct bpf_object;

/* Opens the object and loads it. 0; -ENOENT and the like: no object file; -EINVAL: not ours, or the kernel's verifier
 * refused it, and the text says why; -EPERM. The caller closes the object. */
int program_load(const char *path, const char *program, struct bpf_object **out, struct error *error) MUST_USE;
/* The descriptor of a map, which stays the object's; -EINVAL with a text if it is not as abi.h says. */
int program_map(struct bpf_object *object, const char *path, const char *name, size_t key_size, size_t value_size,
                struct error *error) MUST_USE;

#endif
