# SPDX-License-Identifier: BSD-3-Clause
"""The story of two sites; configs/demo/world/run starts it. Exit status 0: every step went as told."""
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../../tests"), os.path.join(HERE, "..")]

from internet import SERVICE_PREFIX, Internet  # noqa: E402
from lab.daemon import wait_until  # noqa: E402
from lab.net import BUILD, sh  # noqa: E402
from story import PORT, PROBES_PER_S, SERVICE, Probe, perform  # noqa: E402

PICTURE = """
                AS 65100          AS 65300          AS 65200
  Paris ------- [PAR-ISP] ------- [CARRIER] ------- [LA-ISP] ------- Los Angeles
  198.51.100.9      |                                   |            203.0.113.9
                    |                                   |
               [LON-RTR1] AS 65002                 [NY-RTR1] AS 65001
                    |                                   |
                 anyfwd                              anyfwd
                 /    \\                                 |
             lon1      lon2                            ny1

  All servers have the same address, 192.0.2.1, and announce 192.0.2.0/24 to their forwarder. A forwarder announces it to
  its router while it has a server. FRR runs the two routers, BIRD the transit networks and the servers' sessions, ExaBGP
  speaks for the forwarders."""

CLIENTS = {"paris": "par-isp", "la": "la-isp"}
CONVERGENCE_S = 60  # far more than BGP needs here, for a machine that is busy with other things
BGP_MAY_LOSE = 5 * PROBES_PER_S
BUSY_MAY_LOSE = PROBES_PER_S // 10  # nothing by itself; but on such a machine a dozen daemons share two cores
ROW = "  {:<4}  {:<35}  {:<5}  {:<17}  {:<5}  {:<12}  {:<12}  {}"


class Story:
    """Plays steps and prints a row of the table for each."""

    def __init__(self, internet):
        self.internet, self.step, self.good = internet, 0, True
        self.probe = None

    def head(self):
        print(ROW.format("", "", "Paris", "with AS path", "L.A.", "with AS path", "lost from", ""))
        print(ROW.format("step", "what happens", "meets", "", "meets", "", "Paris", "as told?"))
        print(ROW.format("-" * 4, "-" * 35, "-" * 5, "-" * 17, "-" * 5, "-" * 12, "-" * 12, "-" * 8))

    def answer(self, client):
        try:
            with self.internet.hosts[client].run(socket.create_connection, (SERVICE, PORT), 1) as connection:
                return connection.recv(100).decode()
        except OSError:
            return "nobody"

    def now(self):
        """[(who answers, AS path)] of each client."""
        return [(self.answer(client), self.internet.as_path(isp)) for client, isp in CLIENTS.items()]

    def play(self, what, paris, los_angeles, act, may_lose):
        """act, wait until both clients meet whom they should, and then look whether that stays so; all but `may_lose`
        of the probes that Paris sent meanwhile must be answered. They begin when the first step is done."""
        self.step += 1
        first = self.probe.sent if self.probe else 0
        act()
        wait_until(lambda: self.now() == [paris, los_angeles], CONVERGENCE_S, 0.2)
        if not self.probe:
            self.probe = Probe(self.internet.hosts["paris"])
        time.sleep(1)
        found, end = self.now(), self.probe.sent
        time.sleep(0.3)  # for the last answers
        lost = self.probe.lost(first, end)
        well = found == [paris, los_angeles] and lost <= may_lose
        self.good = self.good and well
        print(ROW.format(self.step, what, *found[0], *found[1], f"{lost} of {end - first}", "yes" if well else "NO"),
              flush=True)

    def service(self, verb, *servers):
        """A server takes its announcement back, or makes it again; it goes on serving what still arrives."""
        def act():
            for server in servers:
                self.internet.routers[server].birdc(verb, "service")
        return act

    def explained(self):
        daemon = self.internet.daemons["lon-fwd"]
        return sh(os.path.join(BUILD, "anyctl"), "-s", daemon.socket, "route", "explain", SERVICE_PREFIX)

    def close(self):
        if self.probe:
            self.probe.close()


def tell(internet):
    story = Story(internet)
    near, far = "65002", "65300 65200 65001"
    los_angeles = ("ny1", "65001")
    try:
        print("\nThe story. Paris asks 192.0.2.1 a thousand times a second meanwhile.\n")
        story.head()
        story.play("both sites announce 192.0.2.0/24", ("lon1", near), los_angeles, lambda: None,
                   BUSY_MAY_LOSE)
        explained = story.explained()
        story.play("lon1 takes its announcement back", ("lon2", near), los_angeles, story.service("disable", "lon1"),
                   BUSY_MAY_LOSE)
        story.play("lon2 too, so London withdraws", ("ny1", far), los_angeles, story.service("disable", "lon2"),
                   BGP_MAY_LOSE)
        story.play("both return, so London announces", ("lon1", near), los_angeles,
                   story.service("enable", "lon1", "lon2"), BGP_MAY_LOSE)
    finally:
        story.close()
    print("\nWhy lon1, in the words of London's forwarder (anyctl route explain 192.0.2.0/24):\n")
    print("\n".join("  " + line for line in explained.rstrip().splitlines()))
    print("""
What you saw
  1  PAR-ISP hears London as (65002), and New York as (65300 65200 65001). The shorter AS path wins. In Los Angeles it is
     New York's. Inside London it is a near tie: lon2 announces with the lower MED, but MED counts only between routes of
     one neighbour AS, and the two are of different ones. Nothing else tells them apart but the router id.
  2  Nobody outside London hears of it. The forwarder has lon2 ready as the next best.
  3  London's forwarder has no server left and withdraws: Paris reaches New York over the only AS path that is left.
     A millisecond is lost for each that BGP took for that.
  4  London has servers and announces again. What is lost here arrived before the routers' kernels knew the route.""")
    if not story.good:
        print(internet.log(), file=sys.stderr)
    return story.good


if __name__ == "__main__":
    sys.exit(perform(PICTURE, Internet, tell))
