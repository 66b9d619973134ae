"""Which side did it: the direction of a line."""

from __future__ import annotations

from typing import Optional

import pytest

from fs_hepipe.reports.call_log import call_log
from fs_hepipe.reports.who import is_custom_by_far_end
from fs_hepipe.words import names
from tests.unit.synthetic import ANSWER, CREATE, UPDATE, Channel, Ear, event, fields, flow, leg_with, sip

Headers = dict[str, str]

MARKED = {"Event-Calling-Function": "switch_channel_mark_hold"}
HEAD = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n"


def by_far_end(name: str, headers: Headers, *, outbound: Optional[bool] = False) -> bool:
    leg = leg_with()
    leg.outbound = outbound
    return call_log(Channel().event(name, headers), name, 0, leg, None, "text").received


def sdp(audio: str = "", session: str = "", after: str = "") -> Headers:
    return {"variable_switch_r_sdp": f"{HEAD}{session}m=audio 4000 RTP/AVP 0\r\n{audio}{after}"}


# --- hold -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outbound", [False, True, None])
def test_a_hold_is_the_phones_if_its_re_invite_made_it(outbound: Optional[bool]) -> None:
    assert by_far_end("CHANNEL_HOLD", MARKED, outbound=outbound)
    assert not by_far_end("CHANNEL_HOLD", {"Event-Calling-Function": "switch_ivr_hold"}, outbound=outbound)
    assert not by_far_end("CHANNEL_HOLD", {}, outbound=outbound)


@pytest.mark.parametrize(
    "told",
    [
        sdp(),
        sdp("a=sendrecv\r\n"),
        sdp("a=sendrecv\r\n", session="a=sendonly\r\n"),
        sdp(after="m=video 0 RTP/AVP 99\r\na=inactive\r\n"),
        sdp("c=IN IP4 192.0.2.9\r\n"),
        {},
    ],
)
def test_the_phone_resumes_if_its_sdp_says_that_media_flow_both_ways(told: Headers) -> None:
    assert by_far_end("CHANNEL_UNHOLD", {**MARKED, **told})
    assert not by_far_end("CHANNEL_UNHOLD", {"Event-Calling-Function": "switch_ivr_unhold", **told})


@pytest.mark.parametrize(
    "told",
    [
        sdp("a=sendonly\r\n"),
        sdp("a=inactive\r\n"),
        sdp("a=SENDONLY \r\n"),
        sdp(session="a=sendonly\r\n"),
        sdp("c=IN IP4 0.0.0.0\r\n"),
        sdp("a=recvonly\r\n"),
    ],
)
def test_the_switch_ends_a_hold_that_the_sdp_still_has(told: Headers) -> None:
    """switch_channel_perform_hangup and sofia_handle_sip_i_invite_replaces end it by the same function."""
    assert not by_far_end("CHANNEL_UNHOLD", {**MARKED, **told})
    hung_up = {"variable_sip_term_status": "200"}
    assert by_far_end("CHANNEL_UNHOLD", {**MARKED, **told, **hung_up})


def test_a_hold_of_ours_that_a_hang_up_ends_is_not_the_phones_to_resume() -> None:
    ear, a = Ear(), Channel()
    phone, switch = ("198.51.100.7", 5062), ("192.0.2.2", 5060)
    ear.hear(a.event(ANSWER, sip()))
    for ended_by, side in (({}, switch), ({"variable_sip_term_status": "200"}, phone)):
        ear.hear(a.event("CHANNEL_HOLD", {**sip(), "Event-Calling-Function": "switch_ivr_hold"}))
        (message,) = ear.hear(a.event("CHANNEL_UNHOLD", {**sip(), **MARKED, **sdp(), **ended_by}))
        assert flow(message)[:2] == side
    ear.hear(a.event("CHANNEL_HOLD", {**sip(), **MARKED}))
    (message,) = ear.hear(a.event("CHANNEL_UNHOLD", {**sip(), **MARKED, **sdp()}))
    assert flow(message)[:2] == phone


# --- other events with two causes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, direction, received",
    [
        ("sofia_update_callee_id", "RECV", True),
        ("sofia_receive_message", "SEND", False),
        ("switch_channel_flip_cid", "RECV", False),
        ("pickup_function", "RECV", False),
    ],
)
def test_an_update_is_the_far_ends_if_it_told_another_name(function: str, direction: str, received: bool) -> None:
    headers = {"Event-Calling-Function": function, "Direction": direction}
    assert by_far_end("CALL_UPDATE", headers, outbound=True) is received


@pytest.mark.parametrize(
    "headers, received",
    [
        ({"variable_sip_term_status": "200"}, True),
        ({"variable_sip_term_status": "486", "variable_sip_hangup_disposition": "recv_refuse"}, True),
        ({"variable_sip_hangup_disposition": "recv_cancel"}, True),
        ({"variable_sip_hangup_disposition": "recv_refuse", "variable_sip_invite_failure_status": "407"}, False),
        ({}, False),
    ],
)
def test_a_hangup_is_the_far_ends_if_its_message_ended_the_call(headers: Headers, received: bool) -> None:
    assert by_far_end("CHANNEL_HANGUP", headers, outbound=True) is received
    leg = leg_with()
    said = fields(call_log(Channel().event("CHANNEL_HANGUP", headers), "CHANNEL_HANGUP", 0, leg, None, "text"))
    if "disposition" in said:
        assert said["by"] == ("far-end" if received else "switch")


@pytest.mark.parametrize("name", ["CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"])
@pytest.mark.parametrize("way", ["bye", "cancel", "refuse"])
def test_the_end_is_theirs_whose_message_it_was(name: str, way: str) -> None:
    for prefix in ("recv", "send"):
        headers = {"variable_sip_hangup_disposition": f"{prefix}_{way}"}
        assert by_far_end(name, headers) is (prefix == "recv")


@pytest.mark.parametrize("name", ["TALK", "NOTALK", "DETECTED_SPEECH", "DETECTED_TONE"])
def test_what_is_heard_comes_from_the_far_end(name: str) -> None:
    assert by_far_end(name, {})


def test_all_else_happens_inside_the_switch() -> None:
    told_apart = {
        CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_PROGRESS_MEDIA, ANSWER, names.DTMF,
        "TALK", "NOTALK", "DETECTED_SPEECH", "DETECTED_TONE",
    }  # fmt: skip
    for name in names.LOGGABLE - told_apart:
        assert not by_far_end(name, {}, outbound=True), name
        assert not by_far_end(name, {}, outbound=False), name


def test_a_line_goes_from_the_phone_that_held_to_the_switch() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, sip()))
    phone, switch = ("198.51.100.7", 5062), ("192.0.2.2", 5060)
    (theirs,) = ear.hear(a.event("CHANNEL_HOLD", {**sip(), **MARKED}))
    (ours,) = ear.hear(a.event("CHANNEL_HOLD", {**sip(), "Event-Calling-Function": "switch_ivr_hold"}))
    assert flow(theirs) == (*phone, *switch)
    assert flow(ours) == (*switch, *phone)


# --- CUSTOM events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subclass", ["reinvite", "transferor", "error", "notify_watched_header", "bye_response"])
def test_what_a_phone_asked_for_in_its_call_comes_from_it(subclass: str) -> None:
    ear, a = Ear(custom_events=(f"sofia::{subclass}",)), Channel()
    ear.hear(a.event(CREATE, sip()))
    (message,) = ear.hear(a.event("CUSTOM", {"Event-Subclass": f"sofia::{subclass}"}))
    assert flow(message)[:2] == ("198.51.100.7", 5062)


@pytest.mark.parametrize("subclass", ["sofia::transferee", "sofia::replaced", "sofia::intercepted", "callcenter::info"])
def test_what_happens_to_a_leg_comes_from_the_switch(subclass: str) -> None:
    ear, a = Ear(custom_events=(subclass,)), Channel()
    ear.hear(a.event(CREATE, sip()))
    (message,) = ear.hear(a.event("CUSTOM", {"Event-Subclass": subclass, "Status": "200"}))
    assert flow(message)[:2] == ("192.0.2.2", 5060)


def test_a_notify_about_a_transfer_is_filed_with_its_leg() -> None:
    """sofia.c:sofia_handle_sip_i_notify spells the Unique-ID in its own way."""
    ear, a = Ear(custom_events=("sofia::notify_refer",)), Channel()
    ear.hear(a.event(CREATE, sip()))
    heard = event("CUSTOM", {"Event-Subclass": "sofia::notify_refer", "call-id": "call-a", "UniqueID": a.unique_id})
    (message,) = ear.hear(heard)
    assert message.correlation_id == "call-a"
    assert flow(message) == ("198.51.100.7", 5062, "192.0.2.2", 5060)


@pytest.mark.parametrize(
    "subclass, headers, received",
    [
        ("sofia::register", {}, True),
        ("sofia::unregister", {}, True),
        ("sofia::register_failure", {}, True),
        ("sofia::register_attempt", {}, True),
        ("sofia::expire", {}, False),
        ("sofia::gateway_state", {"Status": "200"}, True),
        ("sofia::gateway_state", {}, False),
        ("sofia::sip_user_state", {"Status": "200"}, True),
        ("my::event", {}, True),
    ],
)
def test_a_registration_comes_from_the_phone_and_its_expiry_from_the_switch(
    subclass: str, headers: Headers, received: bool
) -> None:
    assert is_custom_by_far_end(subclass, headers.get, of_leg=False, has_remote=True) is received
    assert not is_custom_by_far_end(subclass, headers.get, of_leg=False, has_remote=False)


def test_every_update_of_a_real_call_is_ours() -> None:
    headers = {"Event-Calling-Function": "sofia_receive_message", "Direction": "SEND"}
    assert not by_far_end(UPDATE, headers, outbound=False)
