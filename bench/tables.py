# SPDX-License-Identifier: BSD-3-Clause
"""Full tables as sources tell them: route.update lines, MRT files, BMP messages.

A route is (prefix, value): the next hop is one of HOPS, the AS path three long, and there are as many sets of attributes
as there are values, some ten thousands. The prefixes are those of ../shared/data where that is there (made of data by
RouteViews, the RIRs and DB-IP), else generated; in the order of their addresses, as routers dump them.
"""
import itertools
import json
import lzma
import os
import socket
import struct

from lab import mrt

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared", "data")
HOPS = 254
PEER, PEER_AS = "198.51.100.1", 65001
BACKUP, BACKUP_AS = "198.51.100.2", 65002
NEXT_HOP, BACKUP_NEXT_HOP = {4: "10.0.2.{}", 6: "fd00:2::{}"}, {4: "10.0.3.1", 6: "fd00:2::3:1"}
LINE = 16_000  # routes of a line: some 1.5 MB
UPDATE_PREFIXES = 100  # that one BGP UPDATE may have here


def generated(family, number):
    if family == 4:
        return f"{20 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24"
    return f"3fff:{number >> 16:x}:{number & 65535:x}::/48"


OWN = "192.0.2.0/24"  # the benchmark's: not in the table


def table(family, count):
    """[(prefix, value)], `count` of them."""
    routes, path = [], os.path.join(DATA, f"table-v{family}.txt.xz")
    if os.path.exists(path):
        with lzma.open(path, "rt") as file:
            told = itertools.islice((line.split() for line in file if not line.startswith(OWN)), count)
            routes = [(prefix, int(value)) for prefix, value in told]
    return routes + [(generated(family, i), i * 2654435761 % 65536) for i in range(count - len(routes))]


def hop(value, family=4):
    return NEXT_HOP[family].format(value % HOPS + 1)


def as_path(value):
    return [PEER_AS, 64512 + value % HOPS, 131072 + value]


def lines(routes):
    """Requests of route.update, by the peer rs1."""
    out = []
    for start in range(0, len(routes), LINE):
        adds = [{"prefix": prefix, "peer": "rs1", "next_hop": hop(value), "as_path": as_path(value)}
                for prefix, value in routes[start:start + LINE]]
        out.append(json.dumps({"jsonrpc": "2.0", "id": start, "method": "route.update", "params": {"add": adds}},
                              separators=(",", ":")).encode() + b"\n")
    return out


def attributes(value, family=4, cache={}):
    """Of the value, packed."""
    key = value, family
    if key not in cache:
        cache[key] = mrt.attributes(hop(value, family), as_path(value))
    return cache[key]


def backup_attributes(value, family, cache={}):
    """The second peer's: longer paths by one next hop."""
    key = value, family
    if key not in cache:
        cache[key] = mrt.attributes(BACKUP_NEXT_HOP[family], [BACKUP_AS, 3356] + as_path(value)[1:])
    return cache[key]


def packed(prefix):
    """As BGP writes it: the length, and the bytes that it covers."""
    address, length = prefix.split("/")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return bytes([int(length)]) + socket.inet_pton(family, address)[:(int(length) + 7) // 8]


def mrt_table(routes, backups=False):
    """A TABLE_DUMP_V2 of one peer, or of two. routes: of both families."""
    out = [mrt.index_table([(PEER, PEER_AS), (BACKUP, BACKUP_AS)])]
    for prefix, value in routes:
        family = 6 if ":" in prefix else 4
        entries = [attributes(value, family)] + ([backup_attributes(value, family)] if backups else [])
        body = bytes(4) + packed(prefix) + struct.pack("!H", len(entries)) + b"".join(
            struct.pack("!HIH", peer, 0, len(entry)) + entry for peer, entry in enumerate(entries))
        out.append(mrt.record(mrt.TABLE_DUMP_V2, mrt.RIB_IPV4_UNICAST if family == 4 else mrt.RIB_IPV6_UNICAST, body))
    return b"".join(out)


def bgp(kind, body):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def bmp(kind, body):
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def opening(hold_s):
    """The OPEN of the peer: IPv4 unicast, four octets an AS number."""
    capabilities = struct.pack("!BBHBBBBI", 1, 4, 1, 0, 1, 65, 4, PEER_AS)
    return bgp(1, struct.pack("!BHH4sBBB", 4, PEER_AS, hold_s, socket.inet_aton(PEER), len(capabilities) + 2, 2,
                              len(capabilities)) + capabilities)


def updates(routes):
    """BGP UPDATEs: neighbouring routes of one set of attributes in one of them, and the End-of-RIB."""
    def told(value, prefixes):
        body = attributes(value)
        return bgp(2, struct.pack("!HH", 0, len(body)) + body + b"".join(prefixes))

    last, prefixes = None, []
    for prefix, value in routes:
        if prefixes and (value != last or len(prefixes) == UPDATE_PREFIXES):
            yield told(last, prefixes)
            prefixes = []
        last = value
        prefixes.append(packed(prefix))
    yield told(last, prefixes)
    yield bgp(2, bytes(4))


def bmp_table(routes):
    """What a router with one neighbour tells of it, post-policy."""
    peer = struct.pack("!BBQ12x4sI4sII", 0, 0x40, 0, socket.inet_aton(PEER), PEER_AS, socket.inet_aton(PEER), 0, 0)
    out = [bmp(4, struct.pack("!HH", 1, 5) + b"bench"),
           bmp(3, peer + bytes(16) + struct.pack("!HH", 179, 179) + 2 * opening(90))]
    return b"".join(out + [bmp(0, peer + update) for update in updates(routes)])


def bgp_table(routes):
    """All that a neighbour sends in its life: with a hold time of 0 there is nothing more to say."""
    return b"".join([opening(0), bgp(4, b"")] + list(updates(routes)))
