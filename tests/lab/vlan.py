# SPDX-License-Identifier: BSD-3-Clause
"""Devices of a host that are another one with something done to the frames: a VLAN, for kernels that have no VLAN
devices, and a path on which some packets are fragmented."""
import errno
import fcntl
import os
import selectors
import socket
import struct
import threading

from scapy.all import IP, Ether, fragment

from lab.traffic import ETH_P_ALL, PACKET_IGNORE_OUTGOING, SOL_PACKET

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 8, 0x10
TPID = b"\x81\x00"


def tagged(frame, vid, priority=0):
    return frame[:12] + TPID + struct.pack("!H", priority << 13 | vid) + frame[12:]


def open_tap(name):
    """A new TAP where the caller runs: the file at its far end."""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class VlanDevice:
    """A VLAN of a host's device as a device of its own: a TAP, and a thread that puts the tag on and takes it off.
    vid None: no tag."""

    def __init__(self, host, name, vid, addresses, device="eth0", mtu=1500):
        self.vid = vid
        self.tap, self.wire = host.run(self._open, name, device)
        host.ip("link", "set", "dev", name, "address", host.mac(device), "mtu", str(mtu), "up")
        for address in addresses:
            host.ip("addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
        self.stopped = os.eventfd(0)
        self.thread = threading.Thread(target=self._carry)
        self.thread.start()

    @staticmethod
    def _open(name, device):
        tap = open_tap(name)
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        wire.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        wire.bind((device, ETH_P_ALL))
        return tap, wire

    def _carry(self):
        with selectors.DefaultSelector() as selector:
            for source in (self.tap, self.wire, self.stopped):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self.stopped in ready:
                    return
                if self.tap in ready:
                    self._send(os.read(self.tap, 65536))
                if self.wire in ready:
                    self._receive()

    def _send(self, frame):
        self.wire.send(frame if self.vid is None else tagged(frame, self.vid))

    def _receive(self):
        """The kernel takes the tag off and tells it beside the frame."""
        try:
            frame, ancillary, _, _ = self.wire.recvmsg(65536, 64)
        except OSError as error:  # once after the link went down
            assert error.errno == errno.ENETDOWN
            return
        status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", ancillary[0][2])
        if (tci & 0xFFF if status & TP_STATUS_VLAN_VALID else None) == self.vid:
            os.write(self.tap, frame)

    def close(self):
        os.eventfd_write(self.stopped, 1)
        self.thread.join()
        self.wire.close()
        os.close(self.tap)
        os.close(self.stopped)


class ChoppingDevice(VlanDevice):
    """The same for a path on which every hundredth large IPv4 packet without DF is fragmented, last fragment first."""

    def __init__(self, *args, **options):
        self.large = self.chopped = 0
        super().__init__(*args, **options)

    def _send(self, frame):
        if frame[12:14] == b"\x08\x00" and len(frame) > 600 and not frame[20] & 0x40:
            self.large += 1
            if self.large % 100 == 0:
                self.chopped += 1
                packet = Ether(frame)
                for piece in reversed(fragment(packet[IP], fragsize=len(frame) // 2 // 8 * 8)):
                    super()._send(frame[:14] + bytes(piece))
                return
        super()._send(frame)
