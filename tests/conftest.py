# SPDX-License-Identifier: BSD-3-Clause
import os
import signal

import pytest


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("these tests make network namespaces: run them as root", returncode=1)
    # A terminated run takes its namespaces away like an interrupted one.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
