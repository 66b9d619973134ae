"""FreeSWITCH as we use it, on the fake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freeswitch import Event, EventConsumer, Stream, switch
from fs_hepipe.switch import host


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


def test_a_popped_event_is_read_by_the_function_in_c_or_as_the_module_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    inlet = host.Inlet(10)
    inlet.bind("CHANNEL_CREATE")
    for get_header in (host._get_header, None):
        monkeypatch.setattr(host, "_get_header", get_header)
        switch.fire({"Event-Name": "CHANNEL_CREATE", "Unique-ID": "u1"})
        with mock.patch.object(Event, "getHeader", side_effect=AssertionError) as method:
            event = inlet.pop(0)
            assert event is not None
            if get_header is not None:
                assert (event.getHeader("unique-id"), event.getHeader("X-None")) == ("u1", None)
            assert method.call_count == 0
        assert event.getHeader("Unique-ID") == "u1"
        assert json.loads(event.serialize("json"))["Unique-ID"] == "u1"


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


def test_an_inlet_goes_on_where_another_one_was_left() -> None:
    """Nothing that came meanwhile is lost, and nothing that is bound again comes twice."""
    first = host.Inlet(10)
    first.bind("CHANNEL_CREATE")
    left = first.hand_over()
    switch.fire({"Event-Name": "CHANNEL_CREATE", "Unique-ID": "meanwhile"})
    second = host.Inlet(10, left)
    assert second.bind("CHANNEL_CREATE")
    assert second.bind("CHANNEL_ANSWER")
    assert not second.bind("NO_SUCH_EVENT")
    switch.fire({"Event-Name": "CHANNEL_CREATE", "Unique-ID": "later"}, {"Event-Name": "CHANNEL_ANSWER"})
    came = [second.pop(0) for _ in range(4)]
    assert [event and event.getHeader("Event-Name") for event in came] == [
        "CHANNEL_CREATE", "CHANNEL_CREATE", "CHANNEL_ANSWER", None
    ]  # fmt: skip
    assert second.hand_over()["bound"] == [("CHANNEL_ANSWER", ""), ("CHANNEL_CREATE", "")]


def test_an_inlet_of_another_length_closes_the_one_that_was_left() -> None:
    first = host.Inlet(10)
    first.bind("CHANNEL_CREATE")
    second = host.Inlet(20, first.hand_over())
    switch.fire({"Event-Name": "CHANNEL_CREATE"})
    assert first.pop(0) is None
    assert second.pop(0) is None
    assert second.bind("CHANNEL_CREATE")
    switch.fire({"Event-Name": "CHANNEL_CREATE"})
    assert second.pop(0) is not None


def test_inlet_is_as_long_as_it_was_asked_to_be() -> None:
    inlet = host.Inlet(2)
    inlet.bind("CHANNEL_CREATE")
    switch.fire(*[{"Event-Name": "CHANNEL_CREATE"}] * 5)
    assert [inlet.pop(0) is None for _ in range(3)] == [False, False, True]


def test_line_that_is_no_utf8_is_logged_all_the_same() -> None:
    host.write_log("warning", "caf\udce9")
    assert switch.log == [("warning", "caf\\xe9\n")]


def test_command_that_the_switch_does_not_know_answers_nothing() -> None:
    assert host.answers()
    assert host.ask("switchname") == "fake-switch"
    switch.commands_loaded = False
    assert host.ask("switchname") == host.version() == ""
    assert host.configuration("x.conf") is None
    assert host.channels() == []
    assert not host.answers()


def test_configuration_is_the_one_the_switch_has_now() -> None:
    assert host.configuration("x.conf") is None
    switch.configure("x.conf", "\n<configuration/>")
    assert host.configuration("x.conf") == "\n<configuration/>"


def test_channels_come_with_their_variables() -> None:
    switch.channels["u1"] = {"Unique-ID": "u1", "variable_sip_call_id": "call", "variable_many": ["a", "b"]}
    (unique_id,) = host.channels()
    event = host.channel(unique_id)
    assert event is not None
    assert event.getHeader("Event-Name") == "CHANNEL_DATA"
    assert event.getHeader("variable_sip_call_id") == "call"
    assert event.getHeader("variable_many") == "ARRAY::a|:b"
    assert event.getHeader("nothing") is None


def test_channel_whose_id_can_not_be_asked_about_is_not() -> None:
    """The last four would be taken for the question after `u1`, whose media are not theirs."""
    switch.channels["u1"] = {"Unique-ID": "u1"}
    for unique_id in ("caf\udce9", "u1\0", "u" * 2000, "", "u1 x", " u1", "'u1'", r"u\s1"):
        switch.channels.setdefault(unique_id, {"Unique-ID": unique_id})
    asked = [unique_id for unique_id in host.channels() if host.channel(unique_id) is not None]
    assert asked == ["u1"]


LINES = [
    ("u1", None, {"Unique-ID": "u1"}),
    ("u1", "", {"Unique-ID": "u1"}),
    ("u1", "call@192.0.2.1", {"Unique-ID": "u1", "variable_sip_call_id": "call@192.0.2.1"}),
    ("u1", "a\nb", {"Unique-ID": "u1", "variable_sip_call_id": "a\nb"}),
    ("u1", "caf\udce9", {"Unique-ID": "u1"}),
    ("u1\udce9", "call@192.0.2.1", {"call-id": "call@192.0.2.1"}),
    ("u" * 2000, "call@192.0.2.1", {"call-id": "call@192.0.2.1"}),
]
"""Unique-ID and Call-ID of a line, and the headers of the event that is fired."""


@pytest.mark.parametrize(("unique_id", "call_id", "headers"), LINES, ids=ascii)
def test_line_of_the_dialplan_is_an_event_of_its_leg(unique_id: str, call_id: str, headers: dict[str, str]) -> None:
    consumer = EventConsumer("CUSTOM", "fs_hepipe::log")
    assert host.fire_log(unique_id, call_id, "caf\udce9\n")
    event = consumer.pop(0)
    assert event is not None
    assert event.getHeader("fs_hepipe-log") == "caf\\xe9\\n"
    for header in ("Unique-ID", "variable_sip_call_id", "call-id"):
        assert event.getHeader(header) == headers.get(header)


@pytest.mark.parametrize("call_id", [None, "caf\udce9"], ids=ascii)
def test_line_of_a_leg_that_can_not_be_named_is_refused(call_id: str) -> None:
    consumer = EventConsumer("CUSTOM", "fs_hepipe::log")
    assert not host.fire_log("\udce9", call_id, "text")
    assert consumer.pop(0) is None


# --- the gate ---

anything = st.text(st.characters()) | st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape"))


@given(anything, st.integers(0, 40))
def test_what_is_escaped_is_utf8_without_nul_and_not_too_long(text: str, limit: int) -> None:
    octets = host.escaped(text, limit).encode()
    assert len(octets) <= limit
    assert b"\0" not in octets


@given(anything)
def test_only_what_the_switch_does_not_take_is_escaped(text: str) -> None:
    passed = host.escaped(text, 10_000)
    if "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text):
        assert passed == text == host.unchanged(text, 10_000)
    else:
        assert passed != text
        assert host.unchanged(text, 10_000) is None


@pytest.mark.parametrize(("text", "limit"), [("xx", 1), ("é", 1), ("é", 2), ("x", 1), ("", 0)])
def test_text_is_unchanged_as_long_as_it_fits(text: str, limit: int) -> None:
    assert (host.unchanged(text, limit) == text) == (len(text.encode()) <= limit)


def test_long_answer_arrives_whole_piece_by_piece() -> None:
    stream = Stream()
    text = "é😀x\n" * 20_000
    with mock.patch.object(stream, "write", side_effect=stream.write) as write:
        host.answer(stream, text + "\udce9\0")
    assert stream.get_data() == text + r"\xe9\x00"
    assert max(len(call.args[0].encode()) for call in write.call_args_list) <= 4 * host.MAX_PIECE


def test_event_whose_name_the_switch_can_not_be_told_is_not_bound() -> None:
    inlet = host.Inlet(10)
    assert not inlet.bind("CUSTOM", "caf\udce9::x")
    assert not inlet.bind("CHANNEL\0CREATE")
    assert not inlet.bind("CUSTOM", "x" * 2000)


def ungated(stream: host.Stream, text: str) -> None:
    """Never run: mypy refuses a plain str at each function of `freeswitch`, and an ignore that is not needed."""
    stream.write(text)  # type: ignore[arg-type]
    passed = host.escaped(text)
    host._switch.consoleLog(passed, text)  # type: ignore[arg-type]
    host._switch.consoleLog(text, passed)  # type: ignore[arg-type]
    host._switch.API().executeString(text)  # type: ignore[arg-type]
    host._switch.Event(passed, text)  # type: ignore[arg-type]
    host._switch.Event(passed, passed).addHeader(passed, text)  # type: ignore[arg-type]
    host._switch.EventConsumer(None, passed, 1).bind(text, passed)  # type: ignore[arg-type]


def test_profiles_and_gateways_are_asked_about_in_sofias_words(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(command: str) -> str:
        asked.append(command)
        return "<profiles/>"

    monkeypatch.setattr(host, "ask", ask)
    assert host.sofia("") == host.sofia("gateway carrier") == "<profiles/>"
    assert asked == ["sofia xmlstatus", "sofia xmlstatus gateway carrier"]
