# SPDX-License-Identifier: BSD-3-Clause
"""The story of two sites, configs/demo/world, is told to its end, and the clients meet whom BGP says."""
import os
import re
import subprocess

import pytest

from lab.net import ROOT, TAG

# who answers, and the AS path to it, at each step
PARIS = [["lon1", "65002"], ["lon2", "65002"], ["ny1", "65300 65200 65001"], ["lon1", "65002"]]
LOS_ANGELES = ["ny1", "65001"]


@pytest.mark.long
def test_two_sites_with_real_bgp_serve_who_is_near_and_stand_in_for_each_other():
    done = subprocess.run(["/usr/bin/python3", "-B", os.path.join(ROOT, "configs/demo/world/world.py")], text=True,
                          capture_output=True, timeout=240, stdin=subprocess.DEVNULL,
                          env={**os.environ, "ANYFWD_LAB_TAG": f"{TAG}.world"})  # its hosts beside ours
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines() if line.endswith("  yes")]
    assert [(row[2:4], row[4:6]) for row in rows] == [(paris, LOS_ANGELES) for paris in PARIS], told
    assert "lost at router_id: router_id 10.1.2.2 > 10.1.1.2" in done.stdout, told
