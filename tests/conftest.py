"""What every test shares: how hypothesis searches, and what a test has to undo."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests import udp
from tests.system.harness import wait_for

settings.register_profile("suite", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("suite")


@pytest.fixture
def end() -> Iterator[ExitStack]:
    """What a test has to undo; then no thread of ours is left."""
    with ExitStack() as stack:
        yield stack
    wait_for(lambda: not [each for each in threading.enumerate() if each.name.startswith("fs_hepipe")])


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """Where datagrams arrive."""
    with udp.opened() as found:
        yield found
