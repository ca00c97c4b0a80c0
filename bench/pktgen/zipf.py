#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""zipf.py MAC FILE [PACKETS [EXPONENT]]: a capture for pktgen, to the forwarder's MAC, whose destinations in
192.0.2.0/24 and whose clients follow Zipf's law: a few are hot, most are rare, as on the Internet. Frames of 60 bytes."""
import random
import struct
import sys

CLIENTS = 65536


def zipf(rng, population, exponent, count):
    """Members of range(population), the first one most often."""
    weights = [1 / (i + 1) ** exponent for i in range(population)]
    return rng.choices(range(population), weights, k=count)


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def frame(mac, client, host):
    source, destination = 0xC6120000 + client, 0xC0000200 + host  # 198.18.0.0 on, 192.0.2.0 on
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 17, 0, source, destination)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    udp = struct.pack("!HHHH", 1024 + client * 7919 % 64512, 53, 26, 0)
    return mac + bytes.fromhex("027000000099") + b"\x08\x00" + header + udp + bytes(18)


def write(file, mac, packets=16384, exponent=1.0, seed=1):
    rng = random.Random(seed)
    hosts = zipf(rng, 256, exponent, packets)
    clients = zipf(rng, CLIENTS, exponent, packets)
    file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for client, host in zip(clients, hosts):
        data = frame(mac, client, host)
        file.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


def main():
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    with open(sys.argv[2], "wb") as file:
        write(file, bytes.fromhex(sys.argv[1].replace(":", "")), *map(int, sys.argv[3:4]), *map(float, sys.argv[4:5]))


if __name__ == "__main__":
    main()
