"""Registrations that A accepts, and gateways by which A registers."""

from __future__ import annotations

import pytest

from fs_hepipe.hep import Message

from .collector import eventually
from .lab import Lab, source

pytestmark = pytest.mark.live


def test_a_registration_is_filed_under_its_call_id(lab: Lab) -> None:
    had = len(list(lab.collector))
    for command in ("unregister", "register"):
        lab.b.api(f"sofia profile live {command} neighbour")
        message = eventually(f"message of sofia::{command}", told, lab, f"sofia::{command} ".encode(), had)[0]
        assert source(message) == ("127.0.0.1", lab.b.ports.sip)
        assert " from-user=live " in message.payload.decode()
        is_listed = message.correlation_id in lab.a.api("sofia status profile live reg")
        assert is_listed is (command == "register")


def told(lab: Lab, beginning: bytes, had: int) -> list[Message]:
    """The messages that came after the first so many and begin so."""
    return [message for message in list(lab.collector)[had:] if message.payload.startswith(beginning)]


def test_a_gateways_states_are_filed_under_its_name(lab: Lab) -> None:
    gateway = "live-a/gateway/neighbour"
    had = len(lab.collector.lines(gateway))
    lab.a.api("sofia profile live unregister neighbour")
    lab.a.api("sofia profile live register neighbour")
    eventually("state REGED", lambda: " State=REGED " in " ".join(lab.collector.lines(gateway)[had:]))
