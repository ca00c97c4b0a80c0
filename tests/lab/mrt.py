# SPDX-License-Identifier: BSD-3-Clause
"""MRT files (RFC 6396, TABLE_DUMP_V2), made record by record."""
import ipaddress
import struct

TABLE_DUMP_V2 = 13
PEER_INDEX_TABLE, RIB_IPV4_UNICAST, RIB_IPV6_UNICAST = 1, 2, 4


def record(kind, subtype, body):
    return struct.pack("!IHHI", 0, kind, subtype, len(body)) + body


def index_table(peers):
    """peers: [(address, AS)]"""
    body = bytes(4) + struct.pack("!HH", 0, len(peers))
    for address, asn in peers:
        packed = ipaddress.ip_address(address).packed
        body += struct.pack("!B4s", 2 | (len(packed) == 16), packed[-4:]) + packed + struct.pack("!I", asn)
    return record(TABLE_DUMP_V2, PEER_INDEX_TABLE, body)


def attributes(next_hop, as_path, med=None):
    packed = ipaddress.ip_address(next_hop).packed
    path = struct.pack(f"!BB{len(as_path)}I", 2, len(as_path), *as_path) if as_path else b""
    out = b"\x40\x01\x01\x00" + struct.pack("!BBB", 0x40, 2, len(path)) + path
    out += b"\x40\x03\x04" + packed if len(packed) == 4 else b"\x80\x0e\x11\x10" + packed
    return out + (b"" if med is None else struct.pack("!BBBI", 0x80, 4, 4, med))


def route(prefix, entries):
    """entries: [(index of a peer, bytes of attributes)]"""
    network = ipaddress.ip_network(prefix)
    used = network.network_address.packed[:(network.prefixlen + 7) // 8]
    body = struct.pack("!IB", 0, network.prefixlen) + used + struct.pack("!H", len(entries))
    for index, packed in entries:
        body += struct.pack("!HIH", index, 0, len(packed)) + packed
    return record(TABLE_DUMP_V2, RIB_IPV4_UNICAST if network.version == 4 else RIB_IPV6_UNICAST, body)
