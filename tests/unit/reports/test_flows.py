"""Flows that are kept say what they would say if they were made anew: whatever changes is in the next report."""

from __future__ import annotations

from typing import Any, Callable
from unittest import mock

import pytest

from fs_hepipe.hep import Flow, Message
from fs_hepipe.hep.encoder import MAX_KEPT
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    ANSWER,
    BRIDGE,
    CREATE,
    DESTROY,
    OURS,
    UPDATE,
    Channel,
    Ear,
    audio,
    block,
    callee,
    flow,
    received_rtcp,
    sent_rtcp,
    sip,
    video,
)

BEFORE = (("198.51.100.7", 30_001, "192.0.2.2", 20_001), "call-a", "fs1", None, 2001)


def said(message: Message) -> tuple[Any, ...]:
    """All that a flow says beside what and when."""
    return flow(message), message.correlation_id, message.node_name, message.auth_key, message.capture_id


def reported(ear: Ear, a: Channel, ntp: int) -> Message:
    (message,) = ear.hear(a.hears(received_rtcp(ntp=(ntp, ntp), blocks=[block(OURS)], rtts=[0.0])))
    return message


Change = Callable[[Ear, Channel], object]


def variables(**changed: str) -> Change:
    return lambda ear, a: ear.hear(a.event(UPDATE, {**sip(), **audio(), **changed}))


def settings(**changed: Any) -> Change:
    return lambda ear, _: ear.pipeline.reconfigure(Settings(**changed))


def switch(**changed: str) -> Change:
    return lambda ear, _: ear.hear(Channel("z").event(CREATE, {**sip("call-z"), **changed}))


@pytest.mark.parametrize(
    "change, after",
    [
        (variables(), BEFORE),
        (variables(variable_remote_media_port="40000"), (("198.51.100.7", 40_001, "192.0.2.2", 20_001), *BEFORE[1:])),
        (variables(variable_remote_media_ip="203.0.113.9"), (("203.0.113.9", 30_001, *BEFORE[0][2:]), *BEFORE[1:])),
        (variables(variable_local_media_port="21000"), (("198.51.100.7", 30_001, "192.0.2.2", 21_001), *BEFORE[1:])),
        (variables(variable_rtp_remote_audio_rtcp_port="9"), (("198.51.100.7", 9, *BEFORE[0][2:]), *BEFORE[1:])),
        (variables(variable_sip_call_id="call-b"), (BEFORE[0], "call-b", *BEFORE[2:])),
        (settings(capture_id=7), (*BEFORE[:4], 7)),
        (settings(node_name="edge"), (*BEFORE[:2], "edge", *BEFORE[3:])),
        (settings(capture_password="secret"), (*BEFORE[:3], "secret", BEFORE[4])),
        (switch(**{"FreeSWITCH-Switchname": "fs2"}), (*BEFORE[:2], "fs2", *BEFORE[3:])),
    ],
)  # fmt: skip
def test_what_changes_is_in_the_next_report(change: Change, after: tuple[Any, ...]) -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    assert [said(reported(ear, a, ntp)) for ntp in (1, 2, 3)] == [BEFORE] * 3
    change(ear, a)
    assert [said(reported(ear, a, ntp)) for ntp in (4, 5)] == [after] * 2


def test_what_changes_is_in_the_next_report_of_a_leg_that_is_gone_too() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    reported(ear, a, 1)
    ear.hear(a.event(DESTROY, sip()))
    ear.pipeline.reconfigure(Settings(capture_id=7))
    assert reported(ear, a, 2).capture_id == 7


def test_the_switchs_own_address_is_in_the_next_report_where_it_stands_for_one_that_is_not_known() -> None:
    ear, a = Ear(), Channel()
    media = audio()
    del media["variable_local_media_ip"]
    ear.hear(a.event(ANSWER, {**sip(), **media}))
    assert [reported(ear, a, ntp).dst_ip for ntp in (1, 2)] == ["192.0.2.2"] * 2
    switch(**{"FreeSWITCH-IPv4": "192.0.2.99"})(ear, a)
    assert [reported(ear, a, ntp).dst_ip for ntp in (3, 4)] == ["192.0.2.99"] * 2


def test_the_other_legs_call_id_is_in_the_next_report_once_it_is_known() -> None:
    ear, a, b = Ear(correlation="a-leg"), Channel(), callee()
    ear.hear(b.event(ANSWER, {**sip("call-b"), **audio()}))
    assert [reported(ear, b, ntp).correlation_id for ntp in (1, 2)] == ["call-b"] * 2
    ear.hear(a.event(CREATE, sip("call-a")))
    assert [reported(ear, b, ntp).correlation_id for ntp in (3, 4)] == ["call-a"] * 2


def test_both_directions_of_a_medium_are_kept_and_only_of_a_call_id_of_reasonable_length() -> None:
    for call_id, kept in (("x" * MAX_KEPT, True), ("x" * (MAX_KEPT + 1), False)):
        ear, a = Ear(), Channel()
        ear.hear(a.event(ANSWER, {**sip(call_id), **audio()}))
        for ntp in (1, 2, 3):
            assert reported(ear, a, ntp).correlation_id == call_id
            (sent,) = ear.hear(a.says(sent_rtcp(ntp=(ntp, 0))))
            assert flow(sent) == ("192.0.2.2", 20_001, "198.51.100.7", 30_001)
        leg = ear.pipeline.legs.find("leg-a")
        assert leg is not None
        assert leg.audio is not None
        assert (leg.audio.received.flow is not None, leg.audio.sent.flow is not None) == (kept, kept)


def test_a_report_whose_medium_can_not_be_told_takes_no_ports_from_those_of_audio() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio(), **video()}))
    (unknown,) = ear.hear(a.hears(received_rtcp(0x1234, blocks=[block(0x5678)], rate=None)))
    assert flow(unknown) == ("198.51.100.7", 0, "192.0.2.2", 0)
    assert [said(reported(ear, a, ntp)) for ntp in (1, 2)] == [BEFORE] * 2
    (unknown,) = ear.hear(a.hears(received_rtcp(0x1234, (9, 9), [block(0x5678)], rate=None)))
    assert flow(unknown) == ("198.51.100.7", 0, "192.0.2.2", 0)


LINE = (("192.0.2.2", 5060, "198.51.100.7", 5062), "call-a", "fs1", None, 2001)


@pytest.mark.parametrize(
    "change, after",
    [
        (variables(), LINE),
        (variables(variable_sip_network_port="5090"), ((*LINE[0][:3], 5090), *LINE[1:])),
        (variables(variable_sip_call_id="call-b"), (LINE[0], "call-b", *LINE[2:])),
        (settings(capture_id=7), (*LINE[:4], 7)),
        (settings(node_name="edge"), (*LINE[:2], "edge", *LINE[3:])),
        (settings(capture_password="secret"), (*LINE[:3], "secret", LINE[4])),
        (switch(**{"FreeSWITCH-Switchname": "fs2"}), (*LINE[:2], "fs2", *LINE[3:])),
    ],
)
def test_what_changes_is_in_the_next_line(change: Change, after: tuple[Any, ...]) -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(CREATE, sip()))

    def line() -> Message:
        (message,) = ear.hear(a.event(BRIDGE))
        return message

    assert [said(line()) for _ in range(3)] == [LINE] * 3
    change(ear, a)
    assert [said(line()) for _ in range(2)] == [after] * 2


def test_the_lines_of_a_leg_share_a_flow_unless_its_call_id_is_very_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for call_id, made in (("x" * MAX_KEPT, 1), ("x" * (MAX_KEPT + 1), 3)):
        ear, a = Ear(), Channel()
        ear.hear(a.event(CREATE, sip(call_id)))
        flows = mock.Mock(side_effect=Flow)
        monkeypatch.setattr("fs_hepipe.reports.flows.Flow", flows)
        assert [message.correlation_id for _ in range(3) for message in ear.hear(a.event(BRIDGE))] == [call_id] * 3
        assert flows.call_count == made


def test_a_new_call_of_the_same_switch_leaves_the_flows_of_the_others_as_they_are() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}))
    reported(ear, a, 1)
    leg = ear.pipeline.legs.find("leg-a")
    assert leg is not None
    assert leg.audio is not None
    kept = leg.audio.received.flow
    assert kept is not None
    switch()(ear, a)
    reported(ear, a, 2)
    assert leg.audio.received.flow is kept
    switch(**{"FreeSWITCH-Switchname": "fs2"})(ear, a)
    reported(ear, a, 3)
    assert leg.audio.received.flow is not kept
