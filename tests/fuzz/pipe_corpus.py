#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of pipe_fuzz.c into the folder named: a few bursts of one frame of each kind."""
import socket
import struct
import sys
from pathlib import Path

OURS, CHECKSUM, CUT = 1, 2, 4


UDP = b"\x30\x39\x01\xbb" + bytes(20)


def v4(dst, *, flags=OURS | CHECKSUM, ihl=5, ttl=64, fragment=0x4000, protocol=17, payload=UDP):
    body = bytes(ihl * 4 - 20) + payload
    header = struct.pack(">BBHHHBBH4s4s", 0x40 | ihl, 0, 20 + len(body), 1, fragment, ttl, protocol, 0,
                         socket.inet_aton("198.51.100.7"), socket.inet_aton(dst))
    return flags, bytes(12) + b"\x08\x00" + header + body


def v6(dst, *, flags=OURS, hops=64, protocol=17, payload=UDP):
    header = struct.pack(">IHBB16s16s", 6 << 28, len(payload), protocol, hops,
                         socket.inet_pton(socket.AF_INET6, "2001:db8:99::7"), socket.inet_pton(socket.AF_INET6, dst))
    return flags, bytes(12) + b"\x86\xdd" + header + payload


def hop_by_hop(next_header):
    return bytes([next_header, 0, 1, 4, 0, 0, 0, 0])


BURSTS = {
    "routes_v4": (1, [v4("192.0.2.1"), v4("198.18.0.1"), v4("10.70.0.1"), v4("203.0.113.1"), v4("203.0.113.9"),
                      v4("10.66.0.1"), v4("10.67.0.1"), v4("10.68.0.1"), v4("9.9.9.9")]),
    "routes_v6": (1, [v6("2001:db8:a::1"), v6("2001:db8:b::1"), v6("2001:db8:70::1"), v6("2001:db8:f::1"),
                      v6("2001:db8:f::9"), v6("2001:db8:67::1"), v6("2001:db8:68::1"), v6("2001:db9::1")]),
    "expired": (1, [v4("198.18.0.1", ttl=1), v6("2001:db8:b::1", hops=1),
                    v4("198.18.0.1", ttl=1, protocol=1, payload=b"\x03" + bytes(30))]),
    "too_big": (1, [v4("10.69.0.1", payload=bytes(1400)), v4("10.69.0.1", payload=bytes(2000), fragment=0),
                    v4("10.69.0.1", payload=bytes(1400), fragment=0, flags=OURS | CHECKSUM | CUT),
                    v6("2001:db8:69::1", payload=bytes(1300))]),
    "options": (0, [v4("198.18.0.1", ihl=6), v4("198.18.0.1", ihl=15),
                    v4("10.69.0.1", ihl=15, fragment=0, payload=bytes(1400))]),
    "extensions": (1, [v6("2001:db8:a::1", protocol=0, payload=hop_by_hop(17) + bytes(20)),
                       v6("2001:db9::1", protocol=44, payload=bytes([58, 0, 0, 1, 0, 0, 0, 9]) + bytes(20)),
                       v6("2001:db9::1", protocol=0,
                          payload=hop_by_hop(60) + hop_by_hop(51) + hop_by_hop(58) + b"\x01" + bytes(9)),
                       v6("2001:db8:b::1", protocol=60, payload=b"\x11\x09" + bytes(20))]),
    "dead": (2 | 4 | 8, [v4("192.0.2.1"), v4("192.0.3.1"), v6("2001:db8:a::1")]),
    "short": (0, [(OURS, bytes(length)) for length in (0, 1, 13, 14, 33)] + [(OURS, v4("198.18.0.1")[1][:40])]),
    "kernel": (0, [(0, b"\xff" * 6 + b"\x02" + bytes(5) + b"\x08\x06" + bytes(28)), v4("224.0.0.5", ttl=1),
                   v6("ff02::1")]),
}

for name, (burst, frames) in BURSTS.items():
    data = bytes([burst]) + b"".join(struct.pack(">BH", flags, len(frame)) + frame for flags, frame in frames)
    (Path(sys.argv[1]) / name).write_bytes(data)
