#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""exabgp-bridge [--socket PATH] [--name NAME] [--announce "PREFIX [ATTRIBUTES]"] ...

Between ExaBGP, which runs it as a process with "encoder json", and anyfwd's control socket. In: every route of every
BGP neighbour, with its attributes, as a candidate of a session of its own. Out: an --announce prefix is announced while
anyfwd has a living place to send its packets to, and withdrawn when it has none or does not run.

It keeps what it was told, so that an anyfwd that starts again gets everything anew. When ExaBGP ends, what it told
stays in use as stale; the next bridge of the same name finds that session again, and --settle seconds after it has
started what was not told again is swept. docs/feeds.md shows the configuration.
"""
import argparse
import json
import os
import selectors
import socket
import sys
import time

BATCH = 1000        # routes in one call
RETRY_S = 1.0       # between two attempts to reach anyfwd
CHECK_S = 1.0       # between two looks at what is to be announced, beside those that events call for
ANSWER_S = 60.0     # the longest that anyfwd may take for an answer
WITHHELD_S = 5.0    # between two attempts to withdraw what anyfwd's breaker has stopped
BREAKER = -32009    # the error of that
FAMILIES = ("ipv4 unicast", "ipv6 unicast")


def say(text):
    print(f"exabgp-bridge: {text}", file=sys.stderr, flush=True)


# ---- from ExaBGP's words to anyfwd's; nothing here but text in, text out ----

def peer_name(address, feed):
    """A name as anyfwd has them: a letter or digit first."""
    return f"{'0' if address.startswith(':') else ''}{address}@{feed}"


def peer_of(neighbor, feed, router_id=None):
    """peer.set for a neighbour."""
    asn, address = neighbor["asn"], neighbor["address"]["peer"]
    peer = {"name": peer_name(address, feed), "as": int(asn["peer"]), "address": address,
            "type": "ibgp" if is_internal(neighbor) else "ebgp"}
    return {**peer, "router_id": router_id} if router_id else peer


def attributes_of(attribute, internal):
    """What of a route's attributes anyfwd knows, in its words. ExaBGP tells sequences and sets apart from each other:
    the set of an aggregate is the last. What is for the inside of an AS is ignored from the outside (RFC 4271 5.1.5,
    RFC 4456 8, RFC 7606 7.5, 7.9, 7.10)."""
    out = {"as_path": [int(asn) for asn in attribute.get("as-path", [])]}
    if attribute.get("as-set"):
        out["as_path"].append([int(asn) for asn in attribute["as-set"]])
    inside = (("local_pref", "local-preference"), ("originator_id", "originator-id")) if internal else ()
    for ours, theirs in (("origin", "origin"), ("med", "med"), *inside):
        if theirs in attribute:
            out[ours] = attribute[theirs]
    for ours, theirs in (("communities", "community"), ("large_communities", "large-community")):
        if attribute.get(theirs):
            out[ours] = [":".join(str(part) for part in parts) for parts in attribute[theirs]]
    if internal and attribute.get("cluster-list"):
        out["cluster_list"] = attribute["cluster-list"]
    return out


def path_id_of(nlri):
    """Path information is written as four numbers with dots."""
    text = nlri.get("path-information") if isinstance(nlri, dict) else None
    return int.from_bytes(bytes(int(part) for part in text.split(".")), "big") if text else 0


def is_internal(neighbor):
    return neighbor["asn"]["peer"] == neighbor["asn"]["local"]


def changes_of(message, peer, internal):
    """[((peer, prefix, path id), candidate or None for a withdrawal)] of an update, in its order."""
    update, out = message.get("update", {}), []

    def key(nlri):
        return peer, nlri["nlri"] if isinstance(nlri, dict) else nlri, path_id_of(nlri)

    for family in FAMILIES:
        out += [(key(nlri), None) for nlri in update.get("withdraw", {}).get(family, [])]
    attribute = update.get("attribute", {})
    if "error" in attribute:  # ExaBGP's treat-as-withdraw (RFC 7606)
        attribute = None
    shared = attributes_of(attribute, internal) if attribute is not None else None
    for family in FAMILIES:
        for next_hop, nlris in update.get("announce", {}).get(family, {}).items():
            for nlri in nlris:
                name, prefix, path_id = key(nlri)
                route = {"prefix": prefix, "peer": name, "next_hop": next_hop, **shared} if shared is not None else None
                if route is not None and path_id:
                    route["path_id"] = path_id
                out.append(((name, prefix, path_id), route))
    return out


def split_changes(changes):
    """The parameters of route.update, BATCH routes at a time; of two changes of one route the later counts."""
    items = list(dict(changes).items())
    for start in range(0, len(items), BATCH):
        part = items[start:start + BATCH]
        yield {"atomic": False, "add": [route for _, route in part if route is not None],
               "del": [{"peer": peer, "prefix": prefix, "path_id": path_id}
                       for (peer, prefix, path_id), route in part if route is None]}


# ---- anyfwd ----

class Refused(Exception):
    def __init__(self, method, error):
        super().__init__(f"{method}: {error['message']}")
        self.code = error["code"]


class Anyfwd:
    """The control socket. Events that come between answers are only noted: `news`."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.settimeout(ANSWER_S)
        self.pending, self.id, self.news = b"", 0, False

    def _message(self):
        while b"\n" not in self.pending:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("anyfwd hung up")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def call(self, method, **params):
        self.id += 1
        request = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._message()
            if "method" in answer:
                self.news = True
            elif answer.get("id") == self.id:
                break
        if "error" in answer:
            raise Refused(method, answer["error"])
        return answer["result"]

    def read_news(self):
        """When the socket is readable and no answer is due."""
        self._message()
        while b"\n" in self.pending:
            self._message()
        self.news = True

    def close(self):
        self.socket.close()


# ---- both together ----

class Bridge:
    def __init__(self, options):
        self.options = options
        self.anyfwd = None
        self.peers, self.router_ids, self.routes = {}, {}, {}  # what ExaBGP has told
        self.changes = []                                      # of it, what anyfwd was not told yet
        self.withheld, self.withheld_at = {}, 0.0              # withdrawals that it does not let pass yet
        self.announced = set()
        self.started, self.swept = time.monotonic(), False
        self.complained = None

    # in

    def hear(self, line):
        """One that cannot be read costs itself: with this process would go all that ExaBGP has told, and never tells
        again."""
        try:
            self.on_line(line.decode().strip())
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            say(f"a line of ExaBGP's cannot be used ({error!r}): {line[:200]!r}")

    def on_line(self, line):
        """One line of ExaBGP's: an event, or its answer to a command."""
        if not line.startswith("{"):
            if line not in ("", "done", "shutdown"):
                say(f"ExaBGP answers: {line}")
            return
        event = json.loads(line)
        neighbor = event.get("neighbor")
        if neighbor is None or neighbor.get("direction") == "send":
            return
        address = neighbor["address"]["peer"]
        if event["type"] == "open":
            self.router_ids[address] = neighbor["open"]["router_id"]
            if peer_name(address, self.options.name) in self.peers:
                self.set_peer(neighbor)
        elif event["type"] == "state" and neighbor.get("state") == "down":
            self.lose_peer(peer_name(address, self.options.name))
        elif event["type"] in ("state", "update"):
            if peer_name(address, self.options.name) not in self.peers:
                self.set_peer(neighbor)
            self.learn(changes_of(neighbor.get("message", {}), peer_name(address, self.options.name),
                                  is_internal(neighbor)))

    def learn(self, changes):
        for key, route in dict(changes).items():  # first: what is no key fails before anything is learned
            if route is not None:
                self.routes[key] = route
                self.withheld.pop(key, None)
            else:
                self.routes.pop(key, None)
        self.changes += changes

    def set_peer(self, neighbor):
        peer = peer_of(neighbor, self.options.name, self.router_ids.get(neighbor["address"]["peer"]))
        if self.peers.get(peer["name"]) != peer:
            self.peers[peer["name"]] = peer
            self.tell("peer.set", **peer)

    def lose_peer(self, name):
        self.learn([(key, None) for key in list(self.routes) if key[0] == name])

    # to anyfwd

    def tell(self, method, **params):
        """None: anyfwd is not there, or refuses."""
        if self.anyfwd is None:
            return None
        try:
            return self.anyfwd.call(method, **params)
        except Refused as refusal:
            if refusal.code == BREAKER and method == "route.update":
                return self.withhold(params, refusal)
            say(str(refusal))
        except OSError as error:
            self.lose_anyfwd(error)
        return None

    def withhold(self, params, refusal):
        """The withdrawals are told again later, until somebody confirms them; the rest is told now."""
        if not self.withheld:
            say(str(refusal))
        self.withheld_at = time.monotonic()
        self.withheld.update({(one["peer"], one["prefix"], one["path_id"]): None for one in params["del"]})
        return self.tell("route.update", **{**params, "del": []})

    def tell_changes(self):
        if self.withheld and time.monotonic() - self.withheld_at >= WITHHELD_S:
            self.changes = list(self.withheld.items()) + self.changes
            self.withheld = {}
        changes, self.changes = self.changes, []
        for params in split_changes(changes):
            result = self.tell("route.update", **params)
            for error in (result or {}).get("errors", [])[:5]:
                say(f"a route is refused: {error['message']}")

    def reach_anyfwd(self):
        try:
            self.anyfwd = Anyfwd(self.options.socket)
            opened = self.anyfwd.call("session.open", api=1, client=self.options.name, source="exabgp",
                                      on_disconnect="stale", stale_s=self.options.stale)
        except (OSError, Refused) as error:
            self.lose_anyfwd(error)
            return
        self.complained = None
        say(f"session {opened['session']} of anyfwd is {'resumed' if opened['resumed'] else 'open'}")
        self.subscribe()
        for peer in self.peers.values():
            self.tell("peer.set", **peer)
        self.changes, self.withheld = list(self.routes.items()), {}
        self.tell_changes()
        if self.anyfwd is not None and self.swept:  # what we know is all there is
            self.tell("session.eor")

    def subscribe(self):
        if self.options.announce:
            self.tell("monitor.subscribe", topics=["best", "instance"])

    def lose_anyfwd(self, why):
        if self.anyfwd is not None:
            self.anyfwd.close()
        if str(why) != self.complained:
            say(f"anyfwd at {self.options.socket}: {why}; trying again")
        self.anyfwd, self.complained = None, str(why)

    def sweep(self):
        """Once, when the neighbours have had time to tell everything."""
        if not self.swept and time.monotonic() - self.started >= self.options.settle:
            self.swept = True
            result = self.tell("session.eor")
            if result is not None and result["swept"]:
                say(f"{result['swept']} routes were not told again: swept")

    # out

    def is_served(self, prefix):
        if self.anyfwd is None:
            return False
        try:
            found = self.anyfwd.call("fib.lookup", address=prefix.split("/")[0])
        except Refused:
            return False
        except OSError as error:
            self.lose_anyfwd(error)
            return False
        return found["prefix"] == prefix and any(hop.get("alive") for tier in found.get("tiers", []) for hop in tier)

    def announce(self):
        for text in self.options.announce:
            prefix, _, attributes = text.partition(" ")
            served = self.is_served(prefix)
            if served == (text in self.announced):
                continue
            words = attributes.strip() or "next-hop self"
            print(f"{'announce' if served else 'withdraw'} route {prefix} {words}", flush=True)
            say(f"{'announced' if served else 'withdrawn'}: {prefix}")
            (self.announced.add if served else self.announced.discard)(text)

    # the loop

    def run(self):
        lines, tried, checked = b"", 0.0, 0.0
        os.set_blocking(sys.stdin.fileno(), False)
        while True:
            if self.anyfwd is None and time.monotonic() - tried >= RETRY_S:
                tried = time.monotonic()
                self.reach_anyfwd()
            readable = self.wait()
            if sys.stdin in readable:
                data = os.read(sys.stdin.fileno(), 1 << 20)
                if not data:
                    return  # ExaBGP has gone
                *whole, lines = (lines + data).split(b"\n")
                for line in whole:
                    self.hear(line)
            if self.anyfwd is not None and self.anyfwd.socket in readable:
                try:
                    self.anyfwd.read_news()
                except (OSError, ValueError) as error:
                    self.lose_anyfwd(error)
            self.tell_changes()
            self.sweep()
            news = self.anyfwd is None or self.anyfwd.news
            if self.options.announce and (news or time.monotonic() - checked >= CHECK_S):
                checked = time.monotonic()
                if self.anyfwd is not None:
                    self.anyfwd.news = False
                self.announce()

    def wait(self):
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            if self.anyfwd is not None:
                selector.register(self.anyfwd.socket, selectors.EVENT_READ)
            return [key.fileobj for key, _ in selector.select(timeout=0.5)]


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="exabgp-bridge", description=__doc__.split("\n\n")[1])
    parser.add_argument("--socket", default="/run/anyfwd/anyfwd.sock", help="anyfwd's control socket")
    parser.add_argument("--name", default="exabgp", help="of the session, and behind the @ of its peers' names")
    parser.add_argument("--announce", action="append", default=[], metavar='"PREFIX [ATTRIBUTES]"',
                        help='announced while it is served; the attributes are ExaBGP\'s, "next-hop self" if none')
    parser.add_argument("--settle", type=float, default=30, metavar="S",
                        help="seconds that neighbours have to tell their routes again after a restart")
    parser.add_argument("--stale", type=int, default=120, metavar="S",
                        help="seconds for which routes are kept while ExaBGP is gone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        Bridge(read_options(sys.argv[1:])).run()
    except (KeyboardInterrupt, BrokenPipeError):
        pass
