# SPDX-License-Identifier: BSD-3-Clause
"""A BMP router of our own (RFC 7854): what a real one would say, as and when a test wants it said."""
import ipaddress
import struct
import subprocess

ROUTE_MONITORING, PEER_DOWN, PEER_UP, INITIATION = 0, 2, 3, 4
MARKER = b"\xff" * 16
"""Runs in the router's namespace: bytes in on the standard input, out to the collector."""
PIPE = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while data := sys.stdin.buffer.read1(1 << 16):
    s.sendall(data)
"""


def _message(kind, body):
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def _bgp(kind, body):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def _nlri(prefixes):
    out = b""
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        out += bytes([network.prefixlen]) + network.network_address.packed[:(network.prefixlen + 7) // 8]
    return out


class BmpRouter:
    """Neighbours are named by their IPv4 address; each has AS 65001."""

    def __init__(self, host, collector="127.0.0.1", port=11019):
        self.process = host.spawn("/usr/bin/python3", "-B", "-c", PIPE, collector, str(port), stdin=subprocess.PIPE)
        text = b"a test"
        self.send(_message(INITIATION, struct.pack("!HH", 1, len(text)) + text))

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    @staticmethod
    def _peer(address, post_policy=True):
        packed = ipaddress.ip_address(address).packed
        return struct.pack("!BB8x12x4sI4sII", 0, 0x40 if post_policy else 0, packed, 65001, packed, 0, 0)

    def up(self, address):
        four = struct.pack("!BBI", 65, 4, 65001)
        capabilities = struct.pack("!BBHBB", 1, 4, 1, 0, 1) + four
        parameters = bytes([2, len(capabilities)]) + capabilities
        opened = _bgp(1, struct.pack("!BHH4sB", 4, 65001, 180, ipaddress.ip_address(address).packed,
                                     len(parameters)) + parameters)
        self.send(_message(PEER_UP, self._peer(address) + bytes(16) + struct.pack("!HH", 179, 40000) + opened * 2))

    def down(self, address):
        self.send(_message(PEER_DOWN, self._peer(address) + b"\x04"))  # without a word

    def _update(self, address, gone, attributes, reached):
        body = struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(attributes)) + attributes + reached
        self.send(_message(ROUTE_MONITORING, self._peer(address) + _bgp(2, body)))

    def announce(self, address, prefixes):
        attributes = b"\x40\x01\x01\x00" + b"\x40\x02\x06\x02\x01" + struct.pack("!I", 65001) + \
            b"\x40\x03\x04" + ipaddress.ip_address(address).packed
        for start in range(0, len(prefixes), 500):
            self._update(address, b"", attributes, _nlri(prefixes[start:start + 500]))

    def withdraw(self, address, prefixes):
        for start in range(0, len(prefixes), 500):
            self._update(address, _nlri(prefixes[start:start + 500]), b"", b"")

    def end_of_rib(self, address):
        self._update(address, b"", b"", b"")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
