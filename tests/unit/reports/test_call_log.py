"""The line that a person reads in Homer's log tab."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Optional

import pytest

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.reports.call_log import EXTRA, call_log, naming
from fs_hepipe.words import names
from tests.unit.synthetic import ENCODERS, T0, Channel, Ear, brief, fields, json_by, leg_with, sip


def line(
    name: str = names.CHANNEL_CREATE,
    headers: Optional[dict[str, str]] = None,
    *,
    leg: Optional[Leg] = None,
    other: Optional[Leg] = None,
    log_format: str = "text",
) -> Record:
    return call_log(Channel().event(name, headers), name, T0, leg or called(), other, log_format)


def called(*, outbound: Optional[bool] = False) -> Leg:
    leg = leg_with()
    leg.outbound, leg.channel = outbound, "sofia/internal/1001@192.0.2.10"
    return leg


def words(record: Record) -> dict[str, str]:
    """What a line says before its own Call-ID."""
    said = fields(record)
    assert [*said][-1] == "call-id"
    del said["call-id"]
    return said


# --- formats ----------------------------------------------------------------------------------------------------------


def test_a_line_of_text_is_the_event_and_what_is_known_of_it() -> None:
    record = line()
    assert record.payload.decode() == (
        "CHANNEL_CREATE direction=inbound caller=1001 caller-name=Alice callee=9234 "
        "channel=sofia/internal/1001@192.0.2.10 leg=leg-a seq=1 call-id=call-a"
    )
    assert (record.protocol_type, record.plane, record.timestamp) == (100, Plane.SIGNALLING, T0)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_json_has_the_same_keys_as_text(encoder: str) -> None:
    with json_by(encoder):
        loaded = json.loads(line(log_format="json").payload)
    assert loaded.pop("event") == "CHANNEL_CREATE"
    assert [*loaded.items()] == [*fields(line()).items()]
    assert b" " not in line(log_format="json").payload


def test_full_is_the_event_as_the_switch_serialises_it() -> None:
    heard = Channel().event(names.CHANNEL_CREATE, {"variable_DP_MATCH": "x"})
    record = call_log(heard, names.CHANNEL_CREATE, T0, called(), None, "full")
    assert json.loads(record.payload) == heard.headers


def test_full_is_utf8_whatever_the_event_has() -> None:
    payload = line(headers={"Caller-Caller-ID-Name": "caf\udce9"}, log_format="full").payload
    assert json.loads(payload.decode("utf-8"))["Caller-Caller-ID-Name"] == "caf?"


def test_text_beyond_ascii_is_whole() -> None:
    """hepipe.js counts characters for octets and cuts the end off."""
    record = line(headers={"Caller-Caller-ID-Name": "José Müller 😀"})
    assert words(record)["caller-name"] == "José Müller 😀"
    assert record.payload.decode().endswith("seq=1 call-id=call-a")


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("call_id", ["call-a", 'a="b" c', "caf\udce9", "=" * 600, "x" * 5000, "J\n\u202e"])
def test_a_line_that_waits_names_its_call_id_when_it_leaves_as_any_other_does(
    encoder: str, log_format: str, call_id: str
) -> None:
    leg, unknown, behind = called(), called(), called()
    leg.call_id = behind.call_id = call_id
    unknown.call_id, behind.held = None, deque()
    with json_by(encoder):
        named = line(leg=leg, log_format=log_format)
        waits = [line(leg=each, log_format=log_format) for each in (unknown, behind)]
        assert [each.lacks_call_id for each in (named, *waits)] == [False, True, True]
        assert [naming(each.payload, call_id) for each in waits] == [named.payload] * 2


# --- what a line says -------------------------------------------------------------------------------------------------


def test_both_legs_are_named() -> None:
    leg = called()
    leg.join(None, "leg-b")
    assert words(line(leg=leg))["other-leg"] == "leg-b"
    assert "other-call-id" not in words(line(leg=leg))
    told = words(line(leg=leg, other=leg_with(unique_id="leg-b", call_id="call-b")))
    assert (told["other-leg"], told["other-call-id"]) == ("leg-b", "call-b")
    assert "other-call-id" not in words(line(leg=leg, other=leg_with(unique_id="leg-b", call_id=None)))


@pytest.mark.parametrize("outbound, direction", [(False, "inbound"), (True, "outbound"), (None, None)])
def test_the_direction_of_the_leg_is_told_once_known(outbound: Optional[bool], direction: Optional[str]) -> None:
    assert words(line(leg=called(outbound=outbound))).get("direction") == direction


def test_what_is_not_known_is_left_out() -> None:
    leg = leg_with()
    record = line(names.CHANNEL_BRIDGE, {"Event-Sequence": "", "Channel-Name": ""}, leg=leg)
    assert record.payload == b"CHANNEL_BRIDGE leg=leg-a call-id=call-a"


@pytest.mark.parametrize(
    "name, headers, said",
    [
        ("CHANNEL_ANSWER", {"Channel-Read-Codec-Name": "opus", "Channel-Read-Codec-Rate": "48000"},
         {"codec": "opus", "rate": "48000"}),
        ("CHANNEL_UUID", {"Old-Unique-ID": "old"}, {"was": "old"}),
        ("CHANNEL_EXECUTE", {"Application": "playback", "Application-Data": "a b.wav"},
         {"application": "playback", "data": "a b.wav"}),
        ("CHANNEL_EXECUTE_COMPLETE", {"Application": "playback", "Application-Response": "FILE PLAYED"},
         {"application": "playback", "response": "FILE PLAYED"}),
        ("CHANNEL_CALLSTATE", {"Channel-Call-State": "RINGING"}, {"state": "RINGING"}),
        ("CHANNEL_STATE", {"Channel-State": "CS_ROUTING"}, {"state": "CS_ROUTING"}),
        ("DTMF", {"DTMF-Digit": "0", "DTMF-Duration": "1600", "DTMF-Source": "RTP"},
         {"digit": None, "duration-samples": "1600", "source": "RTP"}),
        ("CUSTOM", {"fs_hepipe-log": "customer chose billing"}, {"text": "customer chose billing"}),
        ("CHANNEL_PARK", {}, {"caller": "1001", "callee": "9234"}),
    ],
)  # fmt: skip
def test_each_event_says_what_it_is_about(
    name: str, headers: dict[str, str], said: dict[str, Optional[str]]
) -> None:
    told = words(line(name, headers))
    assert {key: told.get(key) for key in said} == said


def test_every_event_that_can_be_logged_makes_a_line() -> None:
    for name in names.LOGGABLE:
        assert line(name).payload.startswith(name.encode())
    assert set(EXTRA) - {names.CUSTOM} <= names.LOGGABLE


REFUSED = {
    "Hangup-Cause": "USER_BUSY", "variable_hangup_cause_q850": "17", "variable_sip_term_status": "486",
    "variable_sip_invite_failure_status": "486", "variable_sip_invite_failure_phrase": "Busy Here",
    "variable_sip_hangup_disposition": "recv_refuse", "variable_duration": "3", "variable_billsec": "0",
}  # fmt: skip


def test_the_end_of_a_leg_says_why_and_who() -> None:
    told = words(line(names.CHANNEL_HANGUP_COMPLETE, REFUSED, leg=called(outbound=True)))
    expected = {
        "cause": "USER_BUSY",
        "q850": "17",
        "sip-status": "486",
        "invite-status": "486",
        "phrase": "Busy Here",
        "disposition": "recv_refuse",
        "by": "far-end",
        "duration": "3",
        "billed": "0",
    }
    assert {key: told.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    "disposition, by",
    [("recv_bye", "far-end"), ("recv_cancel", "far-end"), ("recv_refuse", "far-end"), ("send_bye", "switch"),
     ("send_cancel", "switch"), ("send_refuse", "switch"), (None, None)],
)  # fmt: skip
def test_who_hung_up_is_told_and_is_the_direction_of_the_line(disposition: Optional[str], by: Optional[str]) -> None:
    headers = {"variable_sip_hangup_disposition": disposition} if disposition else {}
    record = line(names.CHANNEL_HANGUP_COMPLETE, headers)
    assert words(record).get("by") == by
    assert record.received is (by == "far-end")


@pytest.mark.parametrize(
    "name, outbound, headers, received",
    [
        ("CHANNEL_CREATE", False, {}, True),
        ("CHANNEL_CREATE", True, {}, False),
        ("CHANNEL_CREATE", None, {}, False),
        ("CHANNEL_PROGRESS", True, {}, True),
        ("CHANNEL_PROGRESS", False, {}, False),
        ("CHANNEL_PROGRESS_MEDIA", True, {}, True),
        ("CHANNEL_ANSWER", True, {}, True),
        ("CHANNEL_ANSWER", False, {}, False),
        ("CHANNEL_ANSWER", None, {}, False),
        ("CHANNEL_BRIDGE", False, {}, False),
        ("CALL_UPDATE", True, {}, False),
        ("CUSTOM", False, {"fs_hepipe-log": "x"}, False),
        ("DTMF", False, {"DTMF-Source": "RTP"}, True),
        ("DTMF", True, {"DTMF-Source": "INBAND_AUDIO"}, True),
        ("DTMF", False, {"DTMF-Source": "ENDPOINT"}, True),
        ("DTMF", False, {"DTMF-Source": "APP"}, False),
    ],
)
def test_a_step_of_the_call_has_its_direction(
    name: str, outbound: Optional[bool], headers: dict[str, str], received: bool
) -> None:
    assert line(name, headers, leg=called(outbound=outbound)).received is received


# --- secrets and digits ---------------------------------------------------------------------------------------------

S = "s3cr3t"


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "name, headers",
    [
        ("CHANNEL_EXECUTE", {"Application": "set", "Application-Data": f"sip_auth_password={S}"}),
        ("CHANNEL_EXECUTE", {"Application": "bridge", "Application-Data": f"{{sip_auth_password={S}}}sofia/x/1"}),
        ("CHANNEL_EXECUTE", {"Application": "conference", "Application-Data": f"3000+{S}"}),
        ("CHANNEL_EXECUTE", {"Application-Data": f"token={S}"}),
        ("CHANNEL_EXECUTE_COMPLETE", {"Application": "curl", "Application-Response": f"token: {S}"}),
        ("CHANNEL_CREATE", {"Caller-Caller-ID-Name": f"sip:alice:{S}@host"}),
        ("CHANNEL_CREATE", {"Caller-Destination-Number": f"sip:alice:{S}@host"}),
        ("CHANNEL_HANGUP_COMPLETE", {"variable_sip_invite_failure_phrase": f"Digest response={S}"}),
        ("CUSTOM", {"fs_hepipe-log": f"password={S}"}),
    ],
)
def test_no_line_has_a_secret(name: str, headers: dict[str, str], log_format: str) -> None:
    payload = line(name, headers, log_format=log_format).payload
    assert S.encode() not in payload
    assert b"(not sent)" in payload


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_sequence_that_is_no_number_is_left_out(log_format: str) -> None:
    payload = line("CHANNEL_CREATE", {"Event-Sequence": f"token: {S}"}, log_format=log_format).payload
    assert S.encode() not in payload
    assert b"seq" not in payload


def test_the_name_of_a_channel_has_no_password() -> None:
    ear, channel = Ear(), Channel(name=f"sofia/external/sip:alice:{S}@host")
    (message,) = ear.hear(channel.event(names.CHANNEL_CREATE, sip()))
    assert fields(message)["channel"] == "sofia/external/sip:alice:(not sent)@host"


@pytest.mark.parametrize("log_format", ["text", "json", "full"])
def test_digits_are_in_a_line_if_they_are_to_be_shown(log_format: str) -> None:
    dtmf = {"DTMF-Digit": "7", "DTMF-Duration": "1600", "DTMF-Source": "RTP"}
    sends = {"Application": "send_dtmf", "Application-Data": "4711"}
    for name, headers, digits in (("DTMF", dtmf, b'7"'), ("CHANNEL_EXECUTE", sends, b"4711")):
        heard = Channel().event(name, headers)
        masked = call_log(heard, name, T0, called(), None, log_format).payload
        shown = call_log(heard, name, T0, called(), None, log_format, masks_digits=False).payload
        assert (digits.strip(b'"') if log_format == "text" else digits) in shown
        assert b"4711" not in masked
        assert b"digit=" not in masked
        assert b'"7"' not in masked
        assert b"1600" in masked or name != "DTMF"


# --- hostile text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a\nCHANNEL_ANSWER leg=x", '" cause="NORMAL', "x cause=NORMAL", "\\", "\u2028", "\x1b[2J", "x" * 60_000, "\udcff"],
    ids=brief,
)
def test_a_callers_name_can_not_forge_a_line_or_a_key(name: str) -> None:
    told = words(line(headers={"Caller-Caller-ID-Name": name}))
    assert list(told) == ["direction", "caller", "caller-name", "callee", "channel", "leg", "seq"]
    assert told["leg"] == "leg-a"


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_hostile_names_of_the_channel_and_its_legs_are_shown(encoder: str) -> None:
    leg = leg_with(unique_id="leg\n\udce9")
    leg.channel = 'sofia/x/"\udcff'
    leg.join(None, "other\0")
    other = leg_with(unique_id="other\0", call_id="call\udce9\n" + "x" * 60_000)
    with json_by(encoder):
        loaded: dict[str, Any] = json.loads(line(leg=leg, other=other, log_format="json").payload)
    told = words(line(leg=leg, other=other))
    for said in (loaded, told):
        assert (said["leg"], said["channel"], said["other-leg"]) == (r"leg\n\xe9", r'sofia/x/"\xff', r"other\x00")
        assert said["other-call-id"].startswith(r"call\xe9\nxx")
