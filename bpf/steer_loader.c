/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer_loader.h"
#include "log.h"
#include "program.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct steer {
    struct bpf_object *object;
    int link_fd; /* what keeps the program attached; -1: not (yet) */
    int port_fd; /* the maps' belong to the object */
    int counters_fd;
    int vlans_fd;
    int bfd_fd;
    int table_fd[FAMILIES];
    enum steer_mode mode;
    int cpus;
};

/* Large enough for struct steer_key4 and struct steer_key6, whose first bytes are laid out alike. */
struct key {
    __u32 length;
    __u8 bytes[16];
};

static struct key key_of(const struct prefix *prefix)
{
    struct key key = {.length = prefix->length};

    memcpy(key.bytes, prefix->addr.bytes, sizeof(key.bytes));
    return key;
}

int steer_set(struct steer *steer, const struct prefix *prefix, enum steer_action action)
{
    struct key key = key_of(prefix);
    struct steer_value value = {.redirect = action == STEER_REDIRECT};

    return bpf_map_update_elem(steer->table_fd[prefix->addr.family], &key, &value, BPF_ANY);
}

int steer_del(struct steer *steer, const struct prefix *prefix)
{
    struct key key = key_of(prefix);
    int result;

    if (prefix->length == 0 && steer->mode == STEER_TRANSIT) {
        return steer_set(steer, prefix, STEER_REDIRECT);
    }
    result = bpf_map_delete_elem(steer->table_fd[prefix->addr.family], &key);
    return result == -ENOENT ? 0 : result;
}

int steer_set_vlan(struct steer *steer, uint16_t vid, enum steer_action action)
{
    struct steer_value value = {.redirect = action == STEER_REDIRECT};
    __u32 key = vid;

    return bpf_map_update_elem(steer->vlans_fd, &key, &value, BPF_ANY);
}

int steer_set_bfd(struct steer *steer, const struct ip_addr *local, const struct ip_addr *peer, bool multihop,
                  uint32_t discriminator)
{
    struct steer_bfd_key key = {.port = htons(multihop ? STEER_BFD_MULTIHOP : STEER_BFD_PORT),
                                .family = local->family == FAMILY_V4 ? 4 : 6};
    struct steer_bfd_value value = {.discriminator = htonl(discriminator)};
    int result;

    memcpy(key.local, local->bytes, sizeof(key.local));
    memcpy(key.peer, peer->bytes, sizeof(key.peer));
    if (discriminator != 0) {
        return bpf_map_update_elem(steer->bfd_fd, &key, &value, BPF_ANY);
    }
    result = bpf_map_delete_elem(steer->bfd_fd, &key);
    return result == -ENOENT ? 0 : result;
}

int steer_set_mac(struct steer *steer, const uint8_t mac[6])
{
    struct steer_port port = {0};

    memcpy(port.mac, mac, sizeof(port.mac));
    return bpf_map_update_elem(steer->port_fd, &(__u32){0}, &port, BPF_ANY);
}

int steer_counters_get(struct steer *steer, struct steer_counters *out)
{
    struct steer_counters counters = {0};
    __u64 *per_cpu = calloc((size_t)steer->cpus, sizeof(*per_cpu));
    int result = per_cpu != NULL ? 0 : -ENOMEM;

    for (__u32 verdict = 0; result == 0 && verdict < STEER_VERDICTS; verdict++) {
        result = bpf_map_lookup_elem(steer->counters_fd, &verdict, per_cpu);
        for (int cpu = 0; result == 0 && cpu < steer->cpus; cpu++) {
            counters.packets[verdict] += per_cpu[cpu];
        }
    }
    free(per_cpu);
    if (result == 0) {
        *out = counters;
    }
    return result;
}

const char *steer_verdict_name(enum steer_verdict verdict)
{
    static const char *const names[STEER_VERDICTS] = {
        [STEER_REDIRECTED] = "redirected", [STEER_NO_SOCKET] = "no_socket",
        [STEER_NOT_IP] = "not_ip",         [STEER_SHORT] = "short",
        [STEER_NOT_FOR_US] = "not_for_us", [STEER_GROUP] = "group",
        [STEER_LINK_LOCAL] = "link_local", [STEER_NEIGHBOUR_DISCOVERY] = "neighbour_discovery",
        [STEER_BY_PREFIX] = "by_prefix",   [STEER_BFD] = "bfd",
    };

    return names[verdict];
}

static int find_maps(struct steer *steer, const char *path, struct error *error)
{
    const struct {
        const char *name;
        size_t key_size;
        size_t value_size;
        int *fd;
    } maps[] = {
        {STEER_MAP_V4, sizeof(struct steer_key4), sizeof(struct steer_value), &steer->table_fd[FAMILY_V4]},
        {STEER_MAP_V6, sizeof(struct steer_key6), sizeof(struct steer_value), &steer->table_fd[FAMILY_V6]},
        {STEER_MAP_PORT, sizeof(__u32), sizeof(struct steer_port), &steer->port_fd},
        {STEER_MAP_VLANS, sizeof(__u32), sizeof(struct steer_value), &steer->vlans_fd},
        {STEER_MAP_BFD, sizeof(struct steer_bfd_key), sizeof(struct steer_bfd_value), &steer->bfd_fd},
        {STEER_MAP_COUNTERS, sizeof(__u32), sizeof(__u64), &steer->counters_fd},
    };

    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        *maps[i].fd = program_map(steer->object, path, maps[i].name, maps[i].key_size, maps[i].value_size, error);
        if (*maps[i].fd < 0) {
            return *maps[i].fd;
        }
    }
    return 0;
}

/* Everything the program reads, before it sees its first frame. */
static int seed(struct steer *steer, const char *ifname, struct error *error)
{
    struct ifreq request = {0};
    int result = 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0) {
        result = -errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (result == 0 && request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        return error_set(error, -EINVAL, "%s is not an Ethernet interface", ifname);
    }
    if (result == 0) {
        result = steer_set_mac(steer, (const uint8_t *)request.ifr_hwaddr.sa_data);
    }
    for (uint8_t family = 0; result == 0 && steer->mode == STEER_TRANSIT && family < FAMILIES; family++) {
        result = steer_set(steer, &(struct prefix){.addr.family = family}, STEER_REDIRECT);
    }
    return result == 0 ? 0 : error_set(error, result, "cannot prepare XDP on %s: %s", ifname, strerror(-result));
}

/* The name of the program attached to the interface in whatever mode; empty: there is none. */
static void attached_program(unsigned int ifindex, char *name, size_t size)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    struct bpf_prog_info info = {0};
    __u32 info_size = sizeof(info);
    __u32 id;
    int fd;

    name[0] = '\0';
    if (bpf_xdp_query((int)ifindex, 0, &query) != 0) {
        return;
    }
    id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id ? query.skb_prog_id : query.hw_prog_id;
    if (id == 0) {
        return;
    }
    fd = bpf_prog_get_fd_by_id(id);
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &info_size) == 0) {
        snprintf(name, size, "\"%.*s\" (id %u)", BPF_OBJ_NAME_LEN, info.name, id);
    } else {
        snprintf(name, size, "id %u", id);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int attach_link(struct steer *steer, unsigned int ifindex, __u32 flags)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    int program = bpf_program__fd(bpf_object__find_program_by_name(steer->object, STEER_PROGRAM));

    return bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
}

static int attach(struct steer *steer, unsigned int ifindex, const char *ifname, struct error *error)
{
    char other[64];
    int native;

    attached_program(ifindex, other, sizeof(other));
    if (other[0] != '\0') {
        return error_set(error, -EBUSY,
                         "%s already has an XDP program, %s; take it off first (ip link set dev %s xdp off)", ifname,
                         other, ifname);
    }
    native = attach_link(steer, ifindex, XDP_FLAGS_DRV_MODE);
    steer->link_fd = native >= 0 ? native : attach_link(steer, ifindex, XDP_FLAGS_SKB_MODE);
    if (steer->link_fd < 0) {
        return error_set(error, steer->link_fd, "cannot attach XDP to %s: %s (natively: %s)", ifname,
                         strerror(-steer->link_fd), strerror(-native));
    }
    if (native < 0) {
        log_warning("%s: the driver cannot run XDP (%s), so the kernel does it generically, which is slower", ifname,
                    strerror(-native));
    }
    return 0;
}

int steer_attach(const char *object_path, unsigned int ifindex, const char *ifname, enum steer_mode mode,
                 struct steer **out, struct error *error)
{
    struct steer *steer;
    int result;

    if (ifindex == 0 || if_nametoindex(ifname) != ifindex) {
        return error_set(error, -ENODEV, "no interface %s with index %u", ifname, ifindex);
    }
    steer = calloc(1, sizeof(*steer));
    if (steer == NULL) {
        return error_set(error, -ENOMEM, "no memory to attach XDP to %s", ifname);
    }
    steer->link_fd = -1;
    steer->mode = mode;
    steer->cpus = libbpf_num_possible_cpus();
    result = program_load(object_path, STEER_PROGRAM, &steer->object, error);
    if (result == 0) {
        result = find_maps(steer, object_path, error);
    }
    if (result == 0) {
        result = seed(steer, ifname, error);
    }
    if (result == 0) {
        result = attach(steer, ifindex, ifname, error);
    }
    if (result != 0) {
        steer_detach(steer);
        return result;
    }
    *out = steer;
    return 0;
}

void steer_detach(struct steer *steer)
{
    if (steer == NULL) {
        return;
    }
    if (steer->link_fd >= 0) {
        close(steer->link_fd);
    }
    bpf_object__close(steer->object);
    free(steer);
}
