/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"
#include "attributes.h"
#include "hash.h"
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#define MBUFS         2048
#define NEVER_AGAIN   (UINT64_C(1) << 62) /* no wish is repeated within a test */
#define FRAGMENT_WAIT (UINT64_C(1) << 61) /* only world_wait() ends it */
#define MINUTES       (UINT64_C(1) << 40) /* of TSC cycles */

static const uint8_t macs[WORLD_PORTS][6] = {{0x02, 0, 0, 0, 0, 0x01},
                                             {0x02, 0, 0, 0, 0, 0x02},
                                             {0x02, 0, 0, 0, 0, 0x03},
                                             {0x02, 0, 0, 0, 0, 0x04},
                                             {0x02, 0, 0, 0, 0, 0x01}};

/* To a next hop, from the egress port, up to the EtherType. */
#define ETHER(last) 0x02, 0, 0, 0, 0x66, last, 0x02, 0, 0, 0, 0, 0x02

static const struct rewrite rewrites[WAYS] = {
    [TO_LON1] = {REWRITE_TX, 14, PORT_EAST, 1500, 0, {ETHER(1)}},
    [TO_LON2] = {REWRITE_TX, 14, PORT_WEST, 1500, 0, {ETHER(2)}},
    [TO_NY1] = {REWRITE_TX, 14, PORT_EAST, 1500, 0, {ETHER(3)}},
    [TO_PLAIN] = {REWRITE_TX, 14, PORT_WEST, 9000, 0, {ETHER(4)}},
    [TO_NARROW] = {REWRITE_TX, 14, PORT_WEST, NARROW_MTU, 0, {ETHER(5)}},
    [TO_TAGGED] = {REWRITE_TX, 18, PORT_EAST, 1500, 0, {ETHER(6), 0x81, 0x00, 0x00, 0x64}},
    [TO_CROWDED] = {REWRITE_TX, 14, PORT_CROWDED, 1500, 0, {ETHER(7)}},
    [TO_VLAN] = {REWRITE_TX, 14, PORT_VLAN, 1500, 0, {ETHER(8)}},
    [TO_NEIGHBOUR] = {.kind = REWRITE_GLEAN},
    [TO_LOCAL] = {.kind = REWRITE_LOCAL},
    [TO_BLACKHOLE] = {.kind = REWRITE_BLACKHOLE},
    [TO_REJECT] = {.kind = REWRITE_REJECT},
};

/* Path lists, both families alike. */
static const struct world_list {
    enum way ways[3];
    uint16_t tiers[3];
    uint8_t hash_mode;
} lists[] = {
    {{TO_LON1, TO_LON2, TO_NY1}, {2, 1}, HASH_PORTS},
    {{TO_LON1, TO_LON2, TO_NY1}, {2, 1}, HASH_ADDRESSES},
    {{TO_PLAIN}, {1}, HASH_PORTS},
    {{TO_NARROW}, {1}, HASH_PORTS},
    {{TO_TAGGED}, {1}, HASH_PORTS},
    {{TO_CROWDED}, {1}, HASH_PORTS},
    {{TO_NEIGHBOUR}, {1}, HASH_PORTS},
    {{TO_LOCAL}, {1}, HASH_PORTS},
    {{TO_BLACKHOLE}, {1}, HASH_PORTS},
    {{TO_REJECT}, {1}, HASH_PORTS},
    {{0}, {0}, HASH_PORTS},
    {{TO_VLAN}, {1}, HASH_PORTS},
    {{TO_LON1, TO_LON2, TO_NY1}, {3}, HASH_PORTS},
};

/* Which list each prefix has. */
static const struct {
    const char *prefix;
    unsigned int list;
} routes[] = {
    {"192.0.2.0/24", 0},      {"2001:db8:a::/48", 0},  {"192.0.3.0/24", 1},      {"2001:db8:aa::/48", 1},
    {"198.18.0.0/15", 2},     {"2001:db8:b::/48", 2},  {"10.156.0.0/16", 2},     {"240.0.0.0/4", 2},
    {"10.69.0.0/16", 3},      {"2001:db8:69::/48", 3}, {"10.70.0.0/16", 4},      {"2001:db8:70::/48", 4},
    {"10.71.0.0/16", 5},      {"2001:db8:71::/48", 5}, {"203.0.113.0/24", 6},    {"2001:db8:f::/64", 6},
    {"203.0.113.1/32", 7},    {"fe80::1/128", 7},      {"2001:db8:f::1/128", 7}, {"10.66.0.0/16", 8},
    {"2001:db8:66::/48", 8},  {"10.67.0.0/16", 9},     {"2001:db8:67::/48", 9},  {"10.68.0.0/16", 10},
    {"2001:db8:68::/48", 10}, {"10.72.0.0/16", 11},    {"2001:db8:72::/48", 11}, {"10.73.0.0/16", 12},
    {"2001:db8:73::/48", 12},
};

const uint8_t *world_mac(unsigned int port)
{
    return macs[port];
}

uint16_t world_adjacency(enum way way, enum family family)
{
    return (uint16_t)(1 + family * WAYS + way); /* in the order of creation */
}

struct rewrite world_rewrite(enum way way, enum family family)
{
    struct rewrite rewrite = rewrites[way];

    if (rewrite.kind == REWRITE_TX) {
        uint8_t *ether_type = rewrite.header + rewrite.header_length - 2;

        ether_type[0] = family == FAMILY_V4 ? 0x08 : 0x86;
        ether_type[1] = family == FAMILY_V4 ? 0x00 : 0xdd;
    }
    return rewrite;
}

static int create_adjacencies(struct world *world)
{
    for (int family = 0; family < FAMILIES; family++) {
        for (int way = 0; way < WAYS; way++) {
            struct rewrite rewrite = world_rewrite((enum way)way, (enum family)family);

            if (adjacency_alloc(world->adjacencies, &rewrite) != world_adjacency((enum way)way, (enum family)family)) {
                return -1;
            }
        }
    }
    return 0;
}

static int create_list(struct world *world, const struct world_list *list, enum family family)
{
    struct path paths[3];
    struct path_list_spec spec = {
        .paths = paths, .tiers = list->tiers, .hash_mode = list->hash_mode, .tell_no_instance = list->tiers[0] == 0};
    unsigned int n = 0;

    for (; spec.tier_count < ARRAY_SIZE(list->tiers) && list->tiers[spec.tier_count] > 0; spec.tier_count++) {
        for (unsigned int i = 0; i < list->tiers[spec.tier_count]; i++, n++) {
            paths[n] = (struct path){world_adjacency(list->ways[n], family), 100, hash_mix64(list->ways[n] + 1)};
        }
    }
    return path_list_create(world->path_lists, &spec);
}

static int create_routes(struct world *world)
{
    for (int family = 0; family < FAMILIES; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
            if (create_list(world, &lists[i], (enum family)family) < 0) {
                return -1;
            }
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        struct prefix prefix;
        uint32_t list;
        int result;

        if (prefix_parse(routes[i].prefix, &prefix) != 0) {
            return -1;
        }
        list = routes[i].list + 1 + prefix.addr.family * (uint32_t)ARRAY_SIZE(lists); /* in the order of creation */
        result = prefix.addr.family == FAMILY_V4
                     ? fib4_set(world->fib4, ip_addr_to_u32(&prefix.addr), prefix.length, list)
                     : fib6_set(world->fib6, prefix.addr.bytes, prefix.length, list);
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

static int create_tables(struct world *world)
{
    struct fib_config config = {.max_routes = 1024};

    world->rcu = config.rcu = rcu_create(1);
    if (world->rcu == NULL) {
        return -1;
    }
    world->fib4 = fib4_create(&config);
    world->fib6 = fib6_create(&config);
    world->adjacencies = adjacency_table_create(world->rcu);
    world->path_lists = path_list_table_create(world->rcu);
    if (world->fib4 == NULL || world->fib6 == NULL || world->adjacencies == NULL || world->path_lists == NULL) {
        return -1;
    }
    return create_adjacencies(world) != 0 ? -1 : create_routes(world);
}

/* A ring of n slots holds n - 1. */
static int create_lane(struct world *world, unsigned int lane)
{
    unsigned int slots = lane == PORT_CROWDED ? CROWDED_ROOM + 1 : OUTLET_MAX;
    struct rte_ring *ring = aligned_alloc(64, (size_t)rte_ring_get_memsize(slots));
    bool twin = lane >= WORLD_PORTS;

    if (ring == NULL || rte_ring_init(ring, "lane", slots, RING_F_SC_DEQ) != 0) {
        return -1;
    }
    world->outlets[lane].ring = ring;
    world->pipe.lanes[lane] = (struct lane){.end = LANE_RING,
                                            .vlan_tci = lane == PORT_VLAN ? WORLD_VID : 0,
                                            .full = twin ? DROP_PUNT_FULL : DROP_TX_FULL,
                                            .port = (uint16_t)lane,
                                            .ring = ring};
    return 0;
}

static void count_event(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs,
                        unsigned int n)
{
    struct world_watch *seen = (struct world_watch *)watch; /* its first member */

    for (unsigned int i = 0; i < n; i++) {
        rte_mbuf_sanity_check(mbufs[i], 1); /* not freed yet */
    }
    if (event->point == WATCH_RECEIVED) {
        seen->received += n;
    } else if (event->point == WATCH_DROPPED) {
        seen->drops[event->reason] += n;
    }
}

static int create_pipe(struct world *world)
{
    for (unsigned int i = 0; i < WORLD_PORTS; i++) {
        memcpy(&world->ports[i].mac, macs[i], 6);
        world->ports[i].twin = PIPE_NO_TWIN;
    }
    world->ports[PORT_UP].twin = LANE_UP_TWIN;
    world->ports[PORT_EAST].twin = LANE_EAST_TWIN;
    world->ports[PORT_VLAN].twin = LANE_VLAN_TWIN;
    for (unsigned int vid = 0; vid < PIPE_VIDS; vid++) {
        world->vlans[vid] = vid == WORLD_VID ? PORT_VLAN : PIPE_NO_PORT;
    }
    world->ports[PORT_UP].vlans = world->vlans;
    world->pipe.fib4 = world->fib4;
    world->pipe.fib6 = world->fib6;
    world->pipe.path_lists = path_list_array(world->path_lists);
    world->pipe.adjacencies = adjacency_array(world->adjacencies);
    world->pipe.ports = world->ports;
    world->pipe.counters = &world->counters;
    world->pipe.requests = &world->requests;
    world->pipe.datagrams = &world->datagrams;
    world->pipe.wanted = &world->wanted;
    world->pipe.datagram_times = (struct datagram_times){FRAGMENT_WAIT, NEVER_AGAIN};
    world->watch.watch.saw = count_event;
    world->pipe.watches = getenv("WORLD_UNSEEN") == NULL ? &world->watch.watch : NULL;
    world->pipe.wide = pipe_wide_works() && getenv("WORLD_PORTABLE") == NULL;
    world->pipe.now = MINUTES; /* it stands still, but for world_later() and world_wait() */
    world->pipe.request_interval = NEVER_AGAIN;
    world->pipe.tunnel_id_step = 1;
    world->pipe.pool = rte_pktmbuf_pool_create("made", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (world->pipe.pool == NULL) {
        return -1;
    }
    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        if (create_lane(world, lane) != 0) {
            return -1;
        }
    }
    return 0;
}

struct world *world_create(void)
{
    static char *arguments[] = {"world",    "-l", "0",  "--no-huge",      "--no-shconf",
                                "--no-pci", "-m", "64", "--no-telemetry", "--log-level=*:error"};
    static struct world world;

    if (rte_eal_init(ARRAY_SIZE(arguments), arguments) < 0) {
        return NULL;
    }
    /* no room for data: every packet brings its own memory */
    world.pool = rte_pktmbuf_pool_create("packets", MBUFS, 0, 0, 0, SOCKET_ID_ANY);
    if (world.pool == NULL || create_tables(&world) != 0 || create_pipe(&world) != 0) {
        return NULL;
    }
    rcu_reader_online(world.rcu, 0);
    world_reset(&world);
    return &world;
}

void world_set_state(struct world *world, enum way way, enum adjacency_source source, enum adjacency_health health)
{
    struct adjacency *adjacencies = adjacency_array(world->adjacencies);

    adjacency_set_state(&adjacencies[world_adjacency(way, FAMILY_V4)], source, health);
    adjacency_set_state(&adjacencies[world_adjacency(way, FAMILY_V6)], source, health);
}

void world_speak(struct world *world, unsigned int port, unsigned int burst)
{
    static struct pipe_addresses addresses = {.has = {true, true}};

    if (ip_addr_parse("203.0.113.1", &addresses.addr[FAMILY_V4]) != 0 ||
        ip_addr_parse("2001:db8:f::1", &addresses.addr[FAMILY_V6]) != 0) {
        abort();
    }
    world->ports[port].addresses = &addresses;
    world->ports[port].icmp_interval = MINUTES;
    world->ports[port].icmp_burst = (burst - 1) * MINUTES;
}

void world_hold(struct world *world, uint64_t cycles)
{
    world->pipe.pending = &world->pending;
    world->pipe.pending_time = cycles;
}

void world_reset(struct world *world)
{
    world_wait(world);
    world_clear(world);
    world->pipe.pending = NULL;
    world->pipe.now = MINUTES;
    memset(&world->datagrams, 0, sizeof(world->datagrams));
    memset(&world->wanted, 0, sizeof(world->wanted));
    memset(&world->counters, 0, sizeof(world->counters));
    memset(world->watch.drops, 0, sizeof(world->watch.drops));
    world->watch.received = 0;
    memset(&world->requests, 0, sizeof(world->requests));
    memset(world->pipe.icmp_due, 0, sizeof(world->pipe.icmp_due));
    for (unsigned int port = 0; port < WORLD_PORTS; port++) {
        world->ports[port].addresses = NULL;
    }
    world->pipe.drop_class_e = true;
    for (int way = 0; way < WAYS; way++) {
        for (int source = 0; source < ADJACENCY_SOURCES; source++) {
            world_set_state(world, (enum way)way, (enum adjacency_source)source, ADJACENCY_ALIVE);
        }
    }
}

struct buffer {
    struct rte_mbuf_ext_shared_info shared;
    uint8_t *memory;
};

static void buffer_free(void *memory, void *opaque)
{
    (void)memory;
    free(((struct buffer *)opaque)->memory);
    free(opaque);
}

static struct rte_mbuf *segment(struct world *world, const uint8_t *bytes, unsigned int length, unsigned int headroom)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(world->pool);
    struct buffer *buffer = calloc(1, sizeof(*buffer));
    uint8_t *memory = malloc(headroom + length + (headroom + length == 0));

    if (mbuf == NULL || buffer == NULL || memory == NULL) {
        abort();
    }
    buffer->memory = memory;
    buffer->shared.free_cb = buffer_free;
    buffer->shared.fcb_opaque = buffer;
    rte_mbuf_ext_refcnt_set(&buffer->shared, 1);
    memcpy(memory + headroom, bytes, length);
    rte_pktmbuf_attach_extbuf(mbuf, memory, (uintptr_t)memory, (uint16_t)(headroom + length), &buffer->shared);
    mbuf->data_off = (uint16_t)headroom;
    mbuf->data_len = (uint16_t)length;
    mbuf->pkt_len = length;
    return mbuf;
}

struct rte_mbuf *world_packet(struct world *world, const struct frame *frame, const unsigned int *cuts)
{
    unsigned int begin = 0;
    struct rte_mbuf *packet = NULL;

    while (packet == NULL || begin < frame->length) {
        unsigned int end = cuts != NULL && *cuts != 0 && *cuts < frame->length ? *cuts++ : frame->length;
        struct rte_mbuf *next =
            segment(world, frame->bytes + begin, end - begin, packet == NULL ? RTE_PKTMBUF_HEADROOM : 0);

        if (packet == NULL) {
            packet = next;
        } else if (rte_pktmbuf_chain(packet, next) != 0) {
            abort();
        }
        begin = end;
    }
    return packet;
}

void world_collect(struct world *world)
{
    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        struct outlet *outlet = &world->outlets[lane];
        unsigned int n = rte_ring_sc_dequeue_burst(outlet->ring, (void **)(outlet->mbufs + outlet->count),
                                                   OUTLET_MAX - outlet->count, NULL);

        outlet->count += n;
        *(lane < WORLD_PORTS ? &world->counters.sent : &world->counters.punted) += n;
    }
}

static void world_tick(struct world *world, uint64_t now)
{
    pipe_tick(&world->pipe, now);
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
}

void world_receive(struct world *world, unsigned int port, struct rte_mbuf **mbufs, unsigned int n)
{
    pipe_burst(&world->pipe, (uint16_t)port, mbufs, (uint16_t)n);
    world_tick(world, world->pipe.now);
    rcu_quiescent(world->rcu, 0);
}

void world_later(struct world *world, uint64_t cycles)
{
    world_tick(world, world->pipe.now + cycles);
}

void world_wait(struct world *world)
{
    uint64_t now = world->pipe.now;

    do { /* of neighbours a few a time */
        world_tick(world, now + FRAGMENT_WAIT);
    } while (world->pending.active_count > 0);
    world->pipe.now = now;
}

void world_read(const struct rte_mbuf *mbuf, struct frame *out)
{
    out->length = 0;
    for (; mbuf != NULL; mbuf = mbuf->next) {
        if (out->length + mbuf->data_len > FRAME_MAX) {
            abort();
        }
        memcpy(out->bytes + out->length, rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len);
        out->length += mbuf->data_len;
    }
}

void world_clear(struct world *world)
{
    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        rte_pktmbuf_free_bulk(world->outlets[lane].mbufs, world->outlets[lane].count);
        world->outlets[lane].count = 0;
    }
}

bool world_adds_up(const struct world *world)
{
    const struct counters *counters = &world->counters;
    uint64_t ended = counters->sent + counters->punted + counters->consumed + counters->held;

    for (int reason = 0; reason < DROP_REASONS; reason++) {
        ended += counters->drops[reason];
    }
    return counters->received + counters->created == ended &&
           (world->pipe.watches == NULL || (counters->received == world->watch.received &&
                                            memcmp(counters->drops, world->watch.drops, sizeof(counters->drops)) == 0));
}

/* Segments of the packets that wait for their neighbour, or for the first fragment of their datagram. */
static unsigned int held_mbufs(const struct world *world)
{
    const struct wanted_table *table = &world->wanted;
    unsigned int held = 0;

    for (unsigned int i = 0; i < PENDING_MAX; i++) {
        for (unsigned int k = 0; k < world->pending.queues[i].count; k++) {
            held += world->pending.queues[i].packets[k].mbuf->nb_segs;
        }
    }

    for (unsigned int i = table->oldest; i != 0; i = table->sets[i].newer) {
        for (unsigned int w = table->sets[i].first; w != 0; w = table->waits[w].next) {
            held += table->waits[w].mbuf->nb_segs;
        }
    }
    return held;
}

unsigned int world_lost_mbufs(const struct world *world)
{
    unsigned int out = held_mbufs(world);

    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        for (unsigned int i = 0; i < world->outlets[lane].count; i++) {
            out += world->outlets[lane].mbufs[i]->nb_segs;
        }
    }
    return rte_mempool_in_use_count(world->pool) + rte_mempool_in_use_count(world->pipe.pool) - out;
}
