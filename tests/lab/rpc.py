# SPDX-License-Identifier: BSD-3-Clause
"""A client of the control API: JSON-RPC 2.0, one message a line, over a Unix socket."""
import json
import socket


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class Rpc:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.id = 0

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next message, or None when the daemon hung up."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def request(self, method, params):
        self.id += 1
        return json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).encode() + b"\n"

    def call(self, method, **params):
        self.send(self.request(method, params))
        answer = self.receive()
        if answer is None:
            raise EOFError(f"the daemon hung up on {method}")
        assert answer["id"] == self.id, answer
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def code(self, method, **params):
        """The error code of a call that is refused, 0 of one that is not."""
        try:
            self.call(method, **params)
        except RpcError as error:
            return error.code
        return 0

    def close(self):
        self.lines.close()
        self.socket.close()
