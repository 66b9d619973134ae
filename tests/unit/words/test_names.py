"""FreeSWITCH's own words: every event name is one, and every header was seen on a real switch, but for a known few."""

from __future__ import annotations

from freeswitch import EVENT_NAMES
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.words import names
from fs_hepipe.words.settings import CALL_EVENTS, Settings
from tests.unit.synthetic import RECORDINGS, recorded

WORDS = {value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)}
SUBCLASSES = {names.LOG_SUBCLASS, names.REINVITE_SUBCLASS}
HEADERS = {word for word in WORDS if not word.isupper() or word == "SSRC"} - SUBCLASSES

NOT_RECORDED = {
    "Old-Unique-ID",  # no recorded channel was renamed
    "variable_sip_invite_call_id",  # nor told which Call-ID to use
    "variable_rtp_remote_audio_rtcp_port",  # every far end used rtcp-mux
    "fs_hepipe-log",  # our own
    "sip_contact",  # no phone was asked by OPTIONS
    "variable_fs_hepipe_log_level",  # ours
    "variable_sip_gateway",  # and none came from a gateway
    "variable_sip_gateway_name",  # or went to one
    "UniqueID",  # nor was any call transferred by a REFER of ours
    *(f"variable_remote_audio_{end}" for end in ("ip", "port", "ip_reported", "port_reported")),  # media as announced
    *(f"variable_remote_audio_rtcp_{end}" for end in ("ip", "port")),  # no recorded call had ICE
    *(header for header in HEADERS if "video" in header),  # no recorded call had video
}


def test_every_event_name_is_one_of_the_switchs() -> None:
    assert names.LOGGABLE <= EVENT_NAMES
    assert WORDS - HEADERS - SUBCLASSES <= EVENT_NAMES
    assert {name for name, _ in bindings(Settings(call_events=tuple(names.LOGGABLE)))} <= EVENT_NAMES


def test_what_is_logged_unasked_can_be_logged() -> None:
    assert set(CALL_EVENTS) <= names.LOGGABLE


def test_every_header_has_the_name_that_a_real_switch_gave_it() -> None:
    stories = (path.name.partition(".")[0] for path in RECORDINGS.glob("*.gz") if "load" not in path.name)
    seen = {header for story in stories for heard in recorded(story) for header in heard.headers}
    assert HEADERS - seen == NOT_RECORDED


def test_a_foreign_misspelling_is_kept() -> None:
    assert names.SENDER_OCTET_COUNT == "Octect-Packet-Count"
