"""One configuration for many switches: what differs is in variables of FreeSWITCH's own."""

from __future__ import annotations

import pytest

from .lab import Lab

pytestmark = pytest.mark.live


def test_variables_of_the_switch_are_the_agents(lab: Lab) -> None:
    lab.a.configure(capture_server=lab.collector.url, capture_id="$${fs_hepipe_id}", node_name="$${hostname}-x")
    lab.a.api("global_setvar fs_hepipe_id=4711")
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")
    status = lab.a.status()
    assert status["capture_id"] == 4711
    assert status["node_name"] == f"{lab.a.api('hostname').strip()}-x"
    call_id = lab.refused()
    assert {message.capture_id for message in lab.collector.of(call_id)} == {4711}
