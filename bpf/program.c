/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"
#include "log.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What libbpf has to say is for a developer; errors reach the user as our one line. */
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
    char text[512];

    if (level == LIBBPF_DEBUG) {
        return 0;
    }
    vsnprintf(text, sizeof(text), format, args);
    log_debug("%s", text);
    return 0;
}

/* The verifier's reason: the last line that is not its closing statistics. Cuts the log up. */
static const char *last_reason(char *log)
{
    const char *reason = "no reason given";
    char *save = NULL;

    for (char *line = strtok_r(log, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "processed ", strlen("processed ")) != 0) {
            reason = line;
        }
    }
    return reason;
}

static int load(struct bpf_object *object, const char *path, const char *name, struct error *error)
{
    static char verifier_log[1 << 16]; /* too large for the stack; one thread */
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    int result;

    if (program == NULL) {
        return error_set(error, -EINVAL, "%s: not anyfwd's BPF object: no program \"%s\"", path, name);
    }
    verifier_log[0] = '\0';
    bpf_program__set_log_buf(program, verifier_log, sizeof(verifier_log));
    result = bpf_object__load(object);
    if (result != 0 && verifier_log[0] != '\0') {
        return error_set(error, -EINVAL, "%s: refused by the kernel's verifier: %s", path, last_reason(verifier_log));
    }
    if (result == -EPERM) {
        return error_set(error, -EPERM, "no permission to load %s: needs CAP_BPF and CAP_NET_ADMIN", path);
    }
    return result == 0 ? 0 : error_set(error, result, "cannot load %s: %s", path, strerror(-result));
}

int program_load(const char *path, const char *program, struct bpf_object **out, struct error *error)
{
    struct bpf_object *object;
    int result;

    libbpf_set_print(log_libbpf);
    if (access(path, R_OK) != 0) {
        return error_set(error, -errno, "cannot read the BPF object %s: %s", path, strerror(errno));
    }
    object = bpf_object__open_file(path, NULL);
    if (object == NULL) {
        return error_set(error, -EINVAL, "%s: not a BPF object: %s", path, strerror(errno));
    }
    result = load(object, path, program, error);
    if (result != 0) {
        bpf_object__close(object);
        return result;
    }
    *out = object;
    return 0;
}

int program_map(struct bpf_object *object, const char *path, const char *name, size_t key_size, size_t value_size,
                struct error *error)
{
    struct bpf_map *map = bpf_object__find_map_by_name(object, name);

    if (map == NULL || bpf_map__key_size(map) != key_size || bpf_map__value_size(map) != value_size) {
        return error_set(error, -EINVAL, "%s: not of this version of anyfwd: map \"%s\" is missing or different", path,
                         name);
    }
    return bpf_map__fd(map);
}
