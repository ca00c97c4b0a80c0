# SPDX-License-Identifier: BSD-3-Clause
import pytest

from london import INSTANCES, London


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
