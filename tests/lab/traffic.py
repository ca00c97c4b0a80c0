# SPDX-License-Identifier: BSD-3-Clause
"""Numbered packets: made, sent at a constant rate, caught with the kernel's time stamps, and judged one by one."""
import errno
import os
import socket
import struct
import subprocess
import threading
import time

from scapy.all import IP, UDP, Ether, IPv6, Raw

from lab.net import BUILD

MAGIC = b"anyfwd: packet "
ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35


def checksum(data):
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def numbered(ethernet, addresses, count, run=0, size=32, ttl=64):
    """count frames over `ethernet` (a scapy Ether) to the addresses in turn; frame i carries MAGIC, run and i.

    Every UDP checksum is right: scapy makes one frame an address, and a number is added to it here (RFC 1624)."""
    templates = []
    for i, address in enumerate(addresses):
        ip = IPv6(src="2001:db8:c::9", dst=address, hlim=ttl) if ":" in address \
            else IP(src="198.51.100.9", dst=address, ttl=ttl)
        payload = MAGIC + b"." + struct.pack("!II", run, 0)
        frame = bytes(ethernet / ip / UDP(sport=1024 + i, dport=9999) / Raw(payload.ljust(size, b".")))
        templates.append((frame, len(frame) - max(size, len(payload)) - 2))
    frames = []
    for i in range(count):
        frame, at = templates[i % len(templates)]
        complement = ~int.from_bytes(frame[at:at + 2], "big") & 0xFFFF
        total = complement + (i >> 16) + (i & 0xFFFF)
        total = (total & 0xFFFF) + (total >> 16)
        udp_checksum = (~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) or 0xFFFF
        number = at + 2 + len(MAGIC) + 1 + 4
        frames.append(frame[:at] + udp_checksum.to_bytes(2, "big") + frame[at + 2:number] + struct.pack("!I", i)
                      + frame[number + 4:])
    return frames


def number_of(frame):
    """(run, number) of a frame that numbered() made, None of any other."""
    at = frame.find(MAGIC)
    return struct.unpack_from("!II", frame, at + len(MAGIC) + 1) if at >= 0 else None


def forwarded(frame):
    """The IP packet that a correct forwarder makes of this frame's: one TTL less, nothing else different."""
    packet = bytearray(frame[14:])
    if packet[0] >> 4 == 6:
        packet[7] -= 1
        return bytes(packet)
    packet[8] -= 1
    packet[10:12] = b"\0\0"
    packet[10:12] = checksum(bytes(packet[:20])).to_bytes(2, "big")
    return bytes(packet)


class Pump:
    """Sends frames from a host at a rate, in a process of its own, to the last of them or until stop().

    Both ways to the end answer (sent, seconds that the sender was held up at worst)."""

    def __init__(self, host, frames, pps, device="eth0"):
        program = os.path.join(BUILD, "tests/lab/pump")
        self.process = host.spawn(program, device, str(pps), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  start_new_session=True)
        self.process.stdin.write(b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames))
        self.process.stdin.close()

    def stop(self):
        self.process.terminate()
        return self.wait()

    def wait(self):
        sent, lag_us = self.process.stdout.read().split()
        assert self.process.wait() == 0
        return int(sent), int(lag_us) / 1e6


class Sink:
    """Frames that arrive on a device: [(seconds of CLOCK_REALTIME, frame)].

    The kernel stamps and keeps them until stop(), so that no reader's schedule touches the figures."""

    def __init__(self, host, device="eth0", room=256 << 20):
        self.socket = host.run(self._open, device, room)

    @staticmethod
    def _open(device, room):
        sink = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, room)
        sink.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sink.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sink.bind((device, ETH_P_ALL))
        sink.setblocking(False)
        return sink

    def frames(self):
        """What came since the last call."""
        frames = []
        while True:
            try:
                frame, ancillary, _, _ = self.socket.recvmsg(65535, 64)
            except BlockingIOError:
                return frames
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
                continue  # said once when the device goes down; what it got before is still there
            seconds, ns = struct.unpack("qq", ancillary[0][2])
            frames.append((seconds + ns / 1e9, frame))

    def stop(self, settle_s=0.3):
        """What came since the last call, the stragglers of settle_s included; the sink itself must have lost none."""
        time.sleep(settle_s)
        frames = self.frames()
        _, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.socket.close()
        assert dropped == 0, f"the sink had no room for {dropped} frames"
        return frames


def send(host, frames, device="eth0"):
    """Sends a few frames at once."""
    def send_all():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind((device, 0))
            for frame in frames:
                sender.send(frame)
    host.run(send_all)


def ethernet(source, destination):
    return Ether(src=source, dst=destination)


def listen(host, address, port, timeout_s=30):
    """A TCP server's socket on a host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = host.run(lambda: socket.create_server((address, port), family=family))
    server.settimeout(timeout_s)
    return server


def connect(host, address, port, timeout_s=10):
    """A TCP connection from a host."""
    return host.run(socket.create_connection, (address, port), timeout_s)


def pour(sender, receiver, address, port, size=1 << 20):
    """Sends bytes over a new TCP connection; True when all of them came, in order and unharmed."""
    data = bytes(range(256)) * (size // 256)
    server = listen(receiver, address, port)
    got = bytearray()

    def drain():
        connection, _ = server.accept()
        connection.settimeout(30)
        with server, connection:
            while more := connection.recv(1 << 16):
                got.extend(more)
    thread = threading.Thread(target=drain)
    thread.start()
    with connect(sender, address, port) as connection:
        connection.settimeout(30)
        connection.sendall(data)
    thread.join()
    return got == data
