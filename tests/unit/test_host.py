"""FreeSWITCH as we use it, on the fake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freeswitch import EventConsumer, switch
from fs_hepipe import host


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    switch.reset()
    yield
    switch.reset()


def test_inlet_pops_what_it_is_bound_to() -> None:
    inlet = host.Inlet(10)
    assert inlet.bind("CHANNEL_CREATE")
    assert inlet.bind("CUSTOM", "sofia::register")
    assert not inlet.bind("NO_SUCH_EVENT")
    switch.fire(
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "u1"},
        {"Event-Name": "CHANNEL_DESTROY"},
        {"Event-Name": "CUSTOM", "Event-Subclass": "sofia::unregister"},
        {"Event-Name": "CUSTOM", "Event-Subclass": "sofia::register"},
    )
    first, second = inlet.pop(0), inlet.pop(500)
    assert first is not None
    assert second is not None
    assert first.getHeader("Unique-ID") == "u1"
    assert second.getHeader("Event-Subclass") == "sofia::register"
    assert inlet.pop(0) is inlet.pop(1) is None


def test_inlet_never_waits_without_a_limit() -> None:
    inlet = host.Inlet(10)
    for wait in (0, -1, 1):
        assert inlet.pop(wait) is None
    assert switch.faults == []


def test_closed_inlet_is_silent() -> None:
    inlet = host.Inlet(10)
    inlet.bind("CHANNEL_CREATE")
    inlet.close()
    switch.fire({"Event-Name": "CHANNEL_CREATE"})
    assert inlet.pop(0) is None
    assert not inlet.bind("CHANNEL_CREATE")


def test_inlet_is_as_long_as_it_was_asked_to_be() -> None:
    inlet = host.Inlet(2)
    inlet.bind("CHANNEL_CREATE")
    switch.fire(*[{"Event-Name": "CHANNEL_CREATE"}] * 5)
    assert [inlet.pop(0) is None for _ in range(3)] == [False, False, True]


def test_line_that_is_no_utf8_is_logged_all_the_same() -> None:
    host.write_log("warning", "caf\udce9")
    assert switch.log == [("warning", "caf\\udce9\n")]


def test_command_that_the_switch_does_not_know_answers_nothing() -> None:
    assert host.answers()
    assert host.ask("switchname") == "fake-switch"
    switch.commands_loaded = False
    assert host.ask("switchname") == host.version() == ""
    assert host.configuration("x.conf") is None
    assert list(host.living_channels()) == []
    assert not host.answers()


def test_configuration_is_the_one_the_switch_has_now() -> None:
    assert host.configuration("x.conf") is None
    switch.configure("x.conf", "\n<configuration/>")
    assert host.configuration("x.conf") == "\n<configuration/>"


def test_living_channels_come_with_their_variables() -> None:
    switch.channels["u1"] = {"Unique-ID": "u1", "variable_sip_call_id": "call", "variable_many": ["a", "b"]}
    (event,) = host.living_channels()
    assert event.getHeader("Event-Name") == "CHANNEL_DATA"
    assert event.getHeader("variable_sip_call_id") == "call"
    assert event.getHeader("variable_many") == "ARRAY::a|:b"
    assert event.getHeader("nothing") is None


@pytest.mark.parametrize("call_id", [None, "", "call@192.0.2.1", "caf\udce9", "a\nb"])
def test_line_of_the_dialplan_is_an_event_of_its_leg(call_id: str) -> None:
    consumer = EventConsumer("CUSTOM", "fs_hepipe::log")
    host.fire_log("u1", call_id, "caf\udce9\n")
    event = consumer.pop(0)
    assert event is not None
    assert event.getHeader("Unique-ID") == "u1"
    assert event.getHeader("fs_hepipe-log") == "caf\\xe9\\n"
    assert event.getHeader("variable_sip_call_id") == (call_id if call_id == "call@192.0.2.1" else None)
