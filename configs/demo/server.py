# SPDX-License-Identifier: BSD-3-Clause
"""server.py NAME ADDRESS: says NAME to who connects by TCP, and sends every UDP datagram back with NAME before it."""
import select
import socket
import sys

PORT = 7000
name, address = sys.argv[1].encode(), (sys.argv[2], PORT)
tcp = socket.create_server(address)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(address)
print("ready", flush=True)
while True:
    for ready in select.select([tcp, udp], [], [])[0]:
        if ready is tcp:
            connection, _ = tcp.accept()
            with connection:
                connection.sendall(name)
        else:
            data, client = udp.recvfrom(2048)
            udp.sendto(name + b" " + data, client)
