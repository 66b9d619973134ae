"""
Conferences, queues, parking lots, faxes: a line of each that a person reads.

The events of mod_conference, mod_callcenter, mod_fifo and mod_valet_parking were recorded on FreeSWITCH 1.10.12, one of
each action. Those of mod_spandsp and mod_verto were not: they have the headers that the C code gives them.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.reports.known_events import MODULES
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import CUSTOM_EVENTS, Settings
from tests.unit.synthetic import CREATE, Channel, Ear, body, event, fields, sip

RECORDED = Path(__file__).resolve().parents[2] / "data" / "modules" / "1.10.12.jsonl.gz"
ALL = tuple(MODULES)


def recorded() -> list[RecordedEvent]:
    with gzip.open(RECORDED, "rt", encoding="utf-8") as lines:
        return [RecordedEvent(json.loads(line)) for line in lines]


def heard_by(ear: Ear, heard: RecordedEvent) -> list[Message]:
    """What the event gives an ear that knows its leg."""
    leg = heard.headers.get("Unique-ID") or heard.headers.get("CC-Member-Session-UUID")
    if leg is not None:
        ear.hear(Channel(leg).event(CREATE, sip("call-a")))
    return ear.hear(heard)


def action(heard: RecordedEvent) -> str:
    header = MODULES[heard.headers["Event-Subclass"]].action
    assert header is not None
    return heard.headers[header]


@pytest.mark.parametrize("heard", recorded(), ids=lambda each: f"{each.headers['Event-Subclass']}/{action(each)}")
def test_each_event_that_was_recorded_is_a_short_line_of_its_call(heard: RecordedEvent) -> None:
    subclass = heard.headers["Event-Subclass"]
    (message,) = heard_by(Ear(custom_events=(f"{subclass}/{action(heard)}",)), heard)
    told = fields(message)
    assert message.payload.split()[0].decode() == subclass
    assert told[MODULES[subclass].action or ""] == action(heard)
    assert len(told) < 25
    if "Unique-ID" in heard.headers or "CC-Member-Session-UUID" in heard.headers:
        assert message.correlation_id == told["call-id"] == "call-a"
    else:
        assert message.correlation_id == f"{heard.headers['FreeSWITCH-Switchname']}/event/{subclass}"
    assert heard_by(Ear(custom_events=(f"{subclass}/other",)), heard) == []
    expected = action(heard) not in MODULES[subclass].chatty
    assert bool(heard_by(Ear(custom_events=(subclass,)), heard)) == expected


def test_who_joins_leaves_and_is_muted_is_said_and_who_talks_is_not() -> None:
    told = [action(heard) for heard in recorded() if heard_by(Ear(custom_events=("conference::maintenance",)), heard)]
    assert told == [
        "conference-create",
        "add-member",
        "mute-member",
        "unmute-member",
        "deaf-member",
        "undeaf-member",
        "lock",
        "unlock",
        "kick-member",
        "del-member",
        "conference-destroy",
    ]


def test_what_a_line_says_of_a_member_and_of_a_caller_in_a_queue() -> None:
    by_action = {action(heard): heard for heard in recorded()}
    (muted,) = heard_by(Ear(custom_events=ALL), by_action["mute-member"])
    said = fields(muted)
    assert (said["Conference-Name"], said["Member-ID"], said["Speak"], said["Hear"]) == ("room", "2", "false", "true")
    (bridged,) = heard_by(Ear(custom_events=ALL), by_action["bridge-agent-start"])
    said = fields(bridged)
    assert (said["CC-Queue"], said["CC-Agent"], said["CC-Member-CID-Number"]) == ("support", "ag1", "1001")
    (parked,) = heard_by(Ear(custom_events=ALL), by_action["hold"])
    assert (fields(parked)["Valet-Lot-Name"], fields(parked)["Valet-Extension"]) == ("lot", "6001")


def test_an_offer_to_an_agent_is_in_the_call_of_the_one_who_waits() -> None:
    """It has no Unique-ID, but names the caller's channel."""
    ear, offer = Ear(), next(heard for heard in recorded() if action(heard) == "agent-offering")
    ear.hear(Channel(offer.headers["CC-Member-Session-UUID"]).event(CREATE, sip("call-of-caller")))
    (message,) = ear.hear(offer)
    assert message.correlation_id == "call-of-caller"


FAX = {
    "fax-success": "0", "fax-result-code": "49", "fax-result-text": "The call dropped prematurely",
    "fax-document-transferred-pages": "2", "fax-document-total-pages": "3", "fax-image-resolution": "8031x3850",
    "fax-image-size": "12345", "fax-bad-rows": "0", "fax-transfer-rate": "14400", "fax-ecm-used": "on",
    "fax-t38-status": "negotiated", "fax-local-station-id": "+1 555", "fax-remote-station-id": "",
}  # fmt: skip
"""mod_spandsp_fax.c:phase_e_handler."""


@pytest.mark.parametrize("subclass", ["spandsp::rxfaxresult", "spandsp::txfaxresult"])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_how_a_fax_ended_is_in_its_call_by_default(subclass: str, log_format: str) -> None:
    ear, channel = Ear(call_log_format=log_format), Channel()
    ear.hear(channel.event(CREATE, sip()))
    (message,) = ear.hear(channel.event("CUSTOM", {**sip(), "Event-Subclass": subclass, **FAX}))
    told = fields(message) if log_format == "text" else body(message)
    assert message.correlation_id == "call-a"
    assert told["fax-result-text"] == "The call dropped prematurely"
    assert (told["fax-success"], told["fax-t38-status"], told["fax-transfer-rate"]) == ("0", "negotiated", "14400")
    assert "fax-remote-station-id" not in told


VERTO = {
    "verto_profile_name": "default",
    "verto_client_address": "198.51.100.7:4711",
    "verto_login": "1008@example.com",
}
LOGIN = {**VERTO, "verto_sessid": "abc", "verto_success": "1", "verto_result_txt": "Logged in"}
"""mod_verto.c:login_fire_custom_event."""


def test_a_login_of_verto_is_filed_under_the_switch_as_it_names_no_channel() -> None:
    (message,) = Ear(custom_events=("verto::login",)).hear(event("CUSTOM", {"Event-Subclass": "verto::login", **LOGIN}))
    assert message.correlation_id == "fs1/event/verto::login"
    assert fields(message) == {**VERTO, "verto_success": "1", "verto_result_txt": "Logged in", "seq": "1"}
    for subclass in ("verto::client_connect", "verto::client_disconnect"):
        heard = event("CUSTOM", {"Event-Subclass": subclass, **VERTO})
        (message,) = Ear(custom_events=(subclass,)).hear(heard)
        assert fields(message) == {**VERTO, "seq": "1"}


@pytest.mark.parametrize("digits", ["masked", "shown"])
def test_digits_of_a_conference_are_masked_by_the_name_of_their_header(digits: str) -> None:
    ear = Ear(custom_events=("conference::maintenance",), dtmf_digits=digits)
    headers = {"Event-Subclass": "conference::maintenance", "Action": "dtmf-member", "Digits": "47", "DTMF-Key": "1"}
    (message,) = ear.hear(event("CUSTOM", headers))
    assert fields(message)["Digits"] == ("47" if digits == "shown" else "(not sent)")


def test_a_subclass_is_bound_once_however_many_of_its_actions_are_named() -> None:
    settings = Settings(custom_events=("a::b", "a::b/x", "conference::maintenance/add-member"))
    bound = [subclass for name, subclass in bindings(settings) if name == "CUSTOM"]
    assert bound.count("a::b") == bound.count("conference::maintenance") == 1
    assert "conference::maintenance" not in CUSTOM_EVENTS
