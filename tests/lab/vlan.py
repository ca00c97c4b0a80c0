# SPDX-License-Identifier: BSD-3-Clause
"""VLANs for hosts whose kernel may have no VLAN devices."""
import errno
import fcntl
import os
import selectors
import socket
import struct
import threading

from lab.traffic import ETH_P_ALL, PACKET_IGNORE_OUTGOING, SOL_PACKET

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 8, 0x10
TPID = b"\x81\x00"


def tagged(frame, vid, priority=0):
    return frame[:12] + TPID + struct.pack("!H", priority << 13 | vid) + frame[12:]


class VlanDevice:
    """A VLAN of a host's device as a device of its own: a TAP, and a thread that puts the tag on and takes it off."""

    def __init__(self, host, name, vid, addresses, device="eth0"):
        self.vid = vid
        self.tap, self.wire = host.run(self._open, name, device)
        host.ip("link", "set", "dev", name, "address", host.mac(device), "up")
        for address in addresses:
            host.ip("addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
        self.stopped = os.eventfd(0)
        self.thread = threading.Thread(target=self._carry)
        self.thread.start()

    @staticmethod
    def _open(name, device):
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
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
                    self.wire.send(tagged(os.read(self.tap, 65536), self.vid))
                if self.wire in ready:
                    self._receive()

    def _receive(self):
        """The kernel takes the tag off and tells it beside the frame."""
        try:
            frame, ancillary, _, _ = self.wire.recvmsg(65536, 64)
        except OSError as error:  # once after the link went down
            assert error.errno == errno.ENETDOWN
            return
        status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", ancillary[0][2])
        if status & TP_STATUS_VLAN_VALID and tci & 0xFFF == self.vid:
            os.write(self.tap, frame)

    def close(self):
        os.eventfd_write(self.stopped, 1)
        self.thread.join()
        self.wire.close()
        os.close(self.tap)
        os.close(self.stopped)
