# SPDX-License-Identifier: BSD-3-Clause
import os

import pytest

from london import INSTANCES, London


def pytest_collection_modifyitems(items):
    if not os.environ.get("ANYFWD_TEST_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="only with tests/run --long"))


@pytest.fixture(scope="session")
def running():
    """A forwarder in transit mode that knows its neighbours; one for all tests that leave it running."""
    london = London()
    try:
        london.start()
        for family in (4, 6):
            london.warm_up(*INSTANCES, family=family)
        yield london
    finally:
        london.close()


@pytest.fixture
def london(running):
    """The running forwarder without routes and with every instance up."""
    running.reset()
    yield running
    assert running.daemon.process.poll() is None, f"the daemon ended:\n{running.daemon.log()}"
