# SPDX-License-Identifier: BSD-3-Clause
"""The far end of a tunnel: an ordinary Linux device where this kernel has it, else a TUN that we feed."""
import fcntl
import os
import socket
import struct
import threading

ETH_P = {4: 0x0800, 6: 0x86DD}
IP_LENGTH = {4: 20, 6: 40}
SHIM = {"ipip": 0, "gre": 4, "gue": 12}
GUE_PORT = 6080
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
DEVICE = "decap"


def family_of(address):
    return 6 if ":" in address else 4


def overhead(kind, outer):
    """Bytes that a tunnel adds."""
    return IP_LENGTH[outer] + SHIM[kind]


def device_arguments(kind, outer, inner):
    """What `ip link add DEVICE` wants for a device that takes these packets out."""
    if kind == "gre":
        return ["type", "gre" if outer == 4 else "ip6gre"]
    if outer == 6:
        return ["type", "ip6tnl", "mode", "any"]
    return ["type", "ipip"] if inner == 4 else ["type", "sit"]


class FarEnd:
    """Takes packets out of a tunnel on a host until close(); `kernel` tells who does it."""

    def __init__(self, host, kind, source, destination, inner, device="eth0"):
        self.host, self.kind, self.device = host, kind, device
        self.source, self.destination, self.outer = source, destination, family_of(source)
        self.kernel = self._make_device(inner)
        if not self.kernel:
            self._make_tun()

    def _make_device(self, inner):
        if self.kind == "gue" and self._fou("add"):
            return False
        try:
            self.host.ip("link", "add", DEVICE, *device_arguments(self.kind, self.outer, inner), "local",
                         self.destination, "remote", self.source)
        except RuntimeError:
            if self.kind == "gue":
                self._fou("del")
            return False
        # what a tunnel is for must be one of the host's addresses
        self.host.ip("addr", "add", self.destination, "dev", "lo")
        self.host.ip("link", "set", DEVICE, "up")
        return True

    def _fou(self, act):
        """An error's text, or nothing."""
        try:
            self.host.ip("fou", act, "port", str(GUE_PORT), *(["gue"] if act == "add" else []),
                         *(["-6"] if self.outer == 6 else []))
        except RuntimeError as error:
            return str(error)
        return ""

    def _make_tun(self):
        self.tun, self.socket = self.host.run(self._open)
        self.host.ip("link", "set", DEVICE, "up")
        # one packet a frame: what GRO makes of several has no checksum yet
        self.host.sh("ethtool", "-K", self.device, "gro", "off")
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._feed)
        self.thread.start()

    def _open(self):
        tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        frames.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        frames.bind((self.device, ETH_P[self.outer]))
        frames.settimeout(0.1)
        return tun, frames

    def _feed(self):
        """Every packet to the tunnel's destination loses its outer header; padding stays behind."""
        at = (16, 20) if self.outer == 4 else (24, 40)
        destination = socket.inet_pton(socket.AF_INET if self.outer == 4 else socket.AF_INET6, self.destination)
        while not self.ending.is_set():
            try:
                packet = self.socket.recv(65535)
            except TimeoutError:
                continue
            if packet[at[0]:at[1]] == destination:
                length = int.from_bytes(packet[2:4], "big") if self.outer == 4 \
                    else 40 + int.from_bytes(packet[4:6], "big")
                os.write(self.tun, packet[overhead(self.kind, self.outer):length])

    def close(self):
        if self.kernel:
            self.host.ip("link", "del", DEVICE)
            self.host.ip("addr", "del", self.destination, "dev", "lo")
            if self.kind == "gue":
                self._fou("del")
            return
        self.ending.set()
        self.thread.join()
        os.close(self.tun)
        self.socket.close()
        self.host.sh("ethtool", "-K", self.device, "gro", "on")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
