/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file, read, checked and made complete: what is not written has its default (anyfwd.yaml(5)).
 *
 * A struct config is a value: it is never changed after config_load() or config_parse() returned it, holds no pointer
 * into anything else, and compares with config_compare.h. Strings are NUL-terminated UTF-8 without control characters;
 * an optional one is NULL where it is absent, every other optional member has a has_ member beside it.
 *
 * What the file may say is one table, config_schema.c: parsing, defaults, comparison and JSON all walk it.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "addr.h"
#include "attributes.h"
#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_LIST(type) \
    struct {              \
        uint32_t count;   \
        type *items;      \
    }

#define CONFIG_NAME_MAX           63  /* bytes in the name of a site, port, peer or instance */
#define CONFIG_IFNAME_MAX         15  /* bytes in the name of a Linux interface */
#define CONFIG_FEED_NAME_MAX      20  /* bytes in the name of a feed: its peers' names end in it */
#define CONFIG_BGP_NEXT_HOPS_MAX  16  /* addresses in a bgp_next_hop */
#define CONFIG_LIMIT_PREFIXES_MAX 256 /* of what a source of routes may announce */

struct config_site {
    const char *name; /* required; also a folder's name under state_dir */
    uint32_t asn;     /* required */
    struct ip_addr router_id;
    bool has_router_id; /* IPv4 */
};

/* How much of its prefixes a source may withdraw within some time. */
struct config_withdraw {
    uint32_t max_percent; /* 50; the operator's 100, which is everything */
    uint32_t window_s;    /* 60 */
    uint32_t min;         /* prefixes that may go whatever part they are; 100 */
};

/* What a source of routes may do. */
struct config_limits {
    CONFIG_LIST(struct prefix) prefixes; /* its routes lie within one of them; none: anywhere */
    uint32_t max_prefixes;               /* 0: as many as it likes */
    struct config_withdraw withdraw;
};

/* A client of the API, by the name that it opens its session with. */
struct config_client {
    const char *name;                 /* required */
    CONFIG_LIST(const char *) groups; /* whose members may be it; none: writers alone */
    struct config_limits limits;
};

struct config_api {
    const char *socket;                /* path; /run/anyfwd/anyfwd.sock */
    uint32_t mode;                     /* permission bits of the socket; 0660 */
    const char *group;                 /* that owns the socket; NULL: the daemon's own */
    const char *read_only_socket;      /* path of a second socket that only reads; NULL: none */
    CONFIG_LIST(const char *) writers; /* groups whose members may change things; none: whoever can connect */
    CONFIG_LIST(struct config_client) clients;
    struct config_withdraw withdraw; /* of the operator's own routes */
};

enum config_hugepages { CONFIG_HUGEPAGES_AUTO, CONFIG_HUGEPAGES_ON, CONFIG_HUGEPAGES_OFF };
/* AUTO: poll if any port is CONFIG_DEVICE_PCI and the control thread has an lcore of its own, else back off. */
enum config_idle { CONFIG_IDLE_AUTO, CONFIG_IDLE_POLL, CONFIG_IDLE_BACKOFF };

struct config_dpdk {
    enum config_hugepages hugepages;     /* AUTO: if there are any */
    uint32_t memory_mb;                  /* MiB; 512 */
    uint32_t control_lcore;              /* 0; one of the workers' only if these do not POLL */
    CONFIG_LIST(uint32_t) worker_lcores; /* one or more, distinct; [1] */
    enum config_idle idle;               /* AUTO */
    CONFIG_LIST(const char *) plugins;   /* driver libraries to load (EAL -d) */
    CONFIG_LIST(const char *) eal;       /* further EAL arguments, as written */
};

enum config_device_kind {
    CONFIG_DEVICE_PCI,    /* argument: address, "0000:3b:00.0" */
    CONFIG_DEVICE_AF_XDP, /* argument: interface */
    CONFIG_DEVICE_TAP,    /* argument: interface */
    CONFIG_DEVICE_MEMIF,  /* argument: as written; memif: what it says */
    CONFIG_DEVICE_PCAP,   /* argument: file to receive from, output: file to send to */
    CONFIG_DEVICE_NULL,   /* argument: "" */
    CONFIG_DEVICE_VDEV,   /* argument: DPDK devargs, "net_ring0" */
};

struct config_memif {
    const char *socket; /* required; a path, or a name in the abstract namespace */
    bool abstract;
    bool client;        /* the other side listens on the socket; false: we do */
    uint32_t id;        /* which of the socket's interfaces; 0 */
    uint32_t ring;      /* descriptors, a power of two; 0: the driver's default. The client's counts */
    const char *secret; /* NULL: none */
};

struct config_device {
    enum config_device_kind kind;
    const char *text; /* as written: "af_xdp:eth0" */
    const char *argument;
    const char *output;               /* NULL but for PCAP */
    const struct config_memif *memif; /* NULL but for MEMIF */
};

enum config_steer { CONFIG_STEER_ANYCAST, CONFIG_STEER_TRANSIT };

struct config_port {
    const char *name;            /* required */
    struct config_device device; /* required; no two ports have the same with the same VLAN, NULL aside */
    uint32_t vlan;               /* VID of a sub-interface; the plain port of its device stands before it */
    bool has_vlan;
    uint32_t queues;         /* 1; of a sub-interface without meaning */
    enum config_steer steer; /* ANYCAST; other than plain AF_XDP: always ANYCAST, and without meaning */
    uint32_t mtu;            /* bytes of IP */
    bool has_mtu;            /* absent: the kernel twin's */
    const char *twin;   /* never NULL: the kernel twin's name; the interface of plain AF_XDP, else the port's name */
    uint32_t icmp_rate; /* ICMP errors a second about what it receives; 1000 */
};

enum config_hash { CONFIG_HASH_PORTS, CONFIG_HASH_ADDRESSES };
enum config_udp { CONFIG_UDP_MOVE, CONFIG_UDP_PIN };
enum config_no_instance { CONFIG_NO_INSTANCE_SILENT, CONFIG_NO_INSTANCE_ICMP };

struct config_anycast {
    struct prefix prefix;                /* required */
    enum config_hash hash;               /* PORTS: addresses, protocol and ports; ADDRESSES: addresses alone */
    enum config_udp udp;                 /* MOVE */
    enum config_no_instance no_instance; /* SILENT */
};

struct config_failover {
    uint32_t min_alive; /* 1 */
};

struct config_decision {
    bool multipath;          /* true */
    bool multipath_relax;    /* false */
    bool always_compare_med; /* false */
    bool missing_med_worst;  /* false */
};

enum config_peer_type { CONFIG_PEER_EBGP, CONFIG_PEER_IBGP, CONFIG_PEER_LOCAL };

struct config_peer {
    const char *name;           /* required */
    uint32_t asn;               /* required; "as" in the file */
    enum config_peer_type type; /* required */
    struct ip_addr address;
    struct ip_addr router_id; /* IPv4 */
    bool has_address;
    bool has_router_id;
};

enum config_tunnel_type { CONFIG_TUNNEL_IPIP, CONFIG_TUNNEL_GRE, CONFIG_TUNNEL_GUE };

struct config_tunnel {
    enum config_tunnel_type type; /* all three required */
    struct ip_addr source;        /* the same family as the destination's */
    struct ip_addr destination;
};

struct config_heartbeat {
    uint32_t ttl_ms; /* required */
};

struct config_bfd {
    struct ip_addr peer; /* absent: the next hops, or the tunnel's destination */
    bool has_peer;
    bool multihop;       /* false, and true with a peer or a tunnel */
    uint32_t min_tx_ms;  /* 50 */
    uint32_t min_rx_ms;  /* 50 */
    uint32_t multiplier; /* 3 */
};

/* Of any kind; what a kind has not is left alone. */
struct config_probe {
    struct ip_addr address; /* required but for a command */
    uint32_t port;          /* required of tcp; of dns 53 */
    uint32_t interval_ms;   /* 1000 */
    uint32_t timeout_ms;    /* 500 */
    const char *run;        /* required of a command */
    const char *url;        /* required of http */
    uint32_t status;        /* of http: the one that is good; absent: 200 to 399 */
    bool has_status;
    bool insecure;    /* of http: any certificate is; false */
    const char *name; /* required of dns: what is asked for */
    const char *type; /* of dns: likewise; "A" */
};

/* How its health is told; without any check it is fit. */
struct config_health {
    uint32_t rise;             /* 2 */
    uint32_t fall;             /* 3 */
    uint32_t hold_down_ms;     /* 1000 */
    uint32_t hold_down_max_ms; /* 60000 */
    struct config_heartbeat heartbeat;
    bool has_heartbeat;
    struct config_bfd bfd;
    bool has_bfd;
    bool has_tcp;
    bool has_icmp;
    bool has_http;
    bool has_dns;
    bool has_command;
    struct config_probe tcp;
    struct config_probe icmp;
    struct config_probe http;
    struct config_probe dns;
    struct config_probe command;
};

struct config_instance {
    const char *name;                         /* required */
    CONFIG_LIST(struct ip_addr) next_hop;     /* required; one, or one of each family */
    CONFIG_LIST(struct ip_addr) bgp_next_hop; /* the next hops and the tunnel's destination */
    const char *site;                         /* where it is; NULL: not told */
    uint32_t weight;                          /* 100 */
    struct config_tunnel tunnel;
    bool has_tunnel;
    struct config_health health;
    bool has_health;
};

/* One AS of an AS_SEQUENCE, or one whole AS_SET (RFC 4271 4.3 b). */
struct config_as_step {
    bool is_set;
    CONFIG_LIST(uint32_t) asns; /* one, or for a set one or more */
};

/* RFC 8092 */
struct config_large_community {
    uint32_t part[3]; /* global administrator, local data 1, local data 2 */
};

enum config_origin { CONFIG_ORIGIN_IGP, CONFIG_ORIGIN_EGP, CONFIG_ORIGIN_INCOMPLETE };
enum config_action { CONFIG_ACTION_BLACKHOLE, CONFIG_ACTION_REJECT };

/* A candidate that the operator owns; no two have the same (prefix, peer, path_id). Exactly one of instance, next_hop
 * and action is there. */
struct config_route {
    struct prefix prefix; /* required */
    const char *peer;     /* required; the name of one of `peers` */
    uint32_t path_id;     /* 0 */
    const char *instance; /* the name of one of `instances`, or NULL */
    struct ip_addr next_hop;
    enum config_action action;
    bool has_next_hop;
    bool has_action;
    bool has_med;
    bool has_originator_id;
    CONFIG_LIST(struct config_as_step) as_path; /* the neighbour's AS first */
    enum config_origin origin;                  /* IGP */
    uint32_t local_pref;                        /* 100 */
    uint32_t med;                               /* absent: see decision.missing_med_worst */
    uint32_t weight;                            /* 0 */
    CONFIG_LIST(uint32_t) communities;          /* RFC 1997: 65535:0 is 0xffff0000 */
    CONFIG_LIST(struct config_large_community) large_communities;
    struct ip_addr originator_id; /* IPv4, as all of the cluster list */
    CONFIG_LIST(struct ip_addr) cluster_list;
};

/* A TCP port of an address. */
struct config_endpoint {
    struct ip_addr address;
    uint8_t zero; /* in place of padding: values are compared by their bytes */
    uint16_t port;
};

enum config_feed_type { CONFIG_FEED_BMP, CONFIG_FEED_FPM, CONFIG_FEED_KERNEL };
enum config_feed_view { CONFIG_VIEW_PRE_POLICY, CONFIG_VIEW_POST_POLICY, CONFIG_VIEW_LOC_RIB };

/* Who put a route into the kernel or zebra: words, and the numbers of rtnetlink(7), in the order of the enum that a
 * protocol is stored as. */
#define CONFIG_FEED_PROTOCOLS  \
    PROTOCOL("kernel", 2)      \
    PROTOCOL("boot", 3)        \
    PROTOCOL("static", 4)      \
    PROTOCOL("ra", 9)          \
    PROTOCOL("zebra", 11)      \
    PROTOCOL("bird", 12)       \
    PROTOCOL("dhcp", 16)       \
    PROTOCOL("keepalived", 18) \
    PROTOCOL("babel", 42)      \
    PROTOCOL("bgp", 186)       \
    PROTOCOL("isis", 187)      \
    PROTOCOL("ospf", 188)      \
    PROTOCOL("rip", 189)       \
    PROTOCOL("eigrp", 192)     \
    PROTOCOL("frr-static", 196)

#define CONFIG_FEED_FILTER_MAX 16 /* tables, and protocols, of a feed */

/* A source of routes beside the file and the API. */
struct config_feed {
    const char *name;              /* required; short, for its peers' names end in it */
    enum config_feed_type type;    /* required */
    struct config_endpoint listen; /* BMP and FPM: where it connects to; 127.0.0.1, port 11019 or 2620 */
    bool has_listen;
    bool has_router;
    struct ip_addr router;           /* BMP and FPM: who may connect; absent: anybody who can */
    enum config_feed_view view;      /* BMP: POST_POLICY */
    CONFIG_LIST(uint32_t) tables;    /* FPM and KERNEL: routing tables to take; [254], the main one */
    CONFIG_LIST(uint32_t) protocols; /* likewise: indexes of CONFIG_FEED_PROTOCOLS; none: all but "kernel" */
    uint32_t local_pref;             /* likewise: of its candidates; 100 */
    uint32_t stale_s;                /* for which its routes are kept when it has gone; 120 */
    struct config_limits limits;
};

struct config {
    struct config_site site; /* the only required section */
    struct config_api api;
    struct config_dpdk dpdk;
    CONFIG_LIST(struct config_port) ports;
    CONFIG_LIST(struct config_anycast) anycast;
    const char *state_dir; /* /var/lib/anyfwd */
    uint64_t hash_seed;    /* 0; below 2^63, so that JSON can hold it */
    struct config_decision decision;
    struct config_failover failover;
    CONFIG_LIST(struct config_peer) peers;
    CONFIG_LIST(struct config_instance) instances;
    CONFIG_LIST(struct config_route) routes;
    CONFIG_LIST(struct config_feed) feeds;
    struct config_block *memory; /* of everything above: private */
};

/*
 * Reads and checks a file. 0 and a configuration in *out, for config_free(); or -errno (-EINVAL: the file is wrong),
 * *out unchanged and in error->text the mistakes, one a line without a final newline, as many as fit: "FILE:LINE: what
 * is wrong, and what would be right". Touches nothing but the file.
 */
int config_load(const char *path, struct config **out, struct error *error) MUST_USE;
/* The same for a text in memory; `name` stands for FILE. */
int config_parse(const char *text, size_t length, const char *name, struct config **out, struct error *error) MUST_USE;
/* Letters, digits and . _ - : @, a letter or digit first, at most CONFIG_NAME_MAX: of a peer, an instance, a port. */
bool config_name_valid(const char *text);
/* Of http:// or https://, a host, and what may come behind them. */
bool config_url_valid(const char *text);
/* A domain name as it is written, without escapes (RFC 1035 2.3.1, and _). */
bool config_domain_valid(const char *text);
/* The number of a type of DNS record (RFC 1035 3.2.2) that a probe may ask for; 0: there is none of that name. */
uint16_t config_dns_type(const char *name);
/* control_lcore is one of worker_lcores. */
bool config_lcore_is_shared(const struct config_dpdk *dpdk);
/* Whether two settings name one device. */
bool config_device_same(const struct config_device *a, const struct config_device *b);
/* NULL is fine. */
void config_free(struct config *config);

#endif
