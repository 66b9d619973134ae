"""
Whatever events come: no exception, balanced ledgers, datagrams that decode, JSON that is JSON, and none of the planted
secrets in any of it. The events are recorded ones, changed in a few places.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from fs_hepipe.hep import decode
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import (
    CALL_LOG_FORMATS,
    CORRELATIONS,
    CUSTOM_EVENTS,
    JITTER_UNITS,
    PACKETS_LOST,
    QOS_TYPES,
    Settings,
)
from tests.fuzz.engine import Fuzz
from tests.fuzz.test_text import ANY_TEXT
from tests.unit.synthetic import RECORDINGS, recorded

KEY = "83+VunlCGDNtseafj0uYxTWBp0o2n5gwnp8gGBmb"
PASSWORD = "s3cr3tPassw0rdOfNobody"
PIN = "90817263544536271809"
PLANTED = tuple(secret.encode() for secret in (KEY, KEY.replace("+", "%2B"), PASSWORD, PIN))

STORIES = tuple(sorted(path.name.partition(".")[0] for path in RECORDINGS.glob("*.gz") if "load" not in path.name))


@cache
def headers_of(story: str) -> list[dict[str, Any]]:
    return [json.loads(event.serialize()) for event in recorded(story)]


BY_NAME = {
    "variable_srtp_remote_video_crypto_key": KEY,
    "variable_sip_auth_password": PASSWORD,
    "variable_sip_i_authorization": [f"Basic {PASSWORD}", f"Bearer {PASSWORD}"],
    "DTMF-Digit": PIN,
    "variable_digits_dialed": PIN,
    "variable_last_matching_digits": PIN,
}
"""What nothing but its name tells to be a secret."""

BY_FORM = {
    "variable_rtp_last_audio_local_crypto_key": f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
    "variable_switch_r_sdp": f"v=0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n",
    "variable_rtp_local_sdp_str": f"v=0\r\na=ice-pwd:{KEY}\r\nm=audio 4000 RTP/SAVP 0\r\na=rtcp:4001\r\n",
    "_body": f"v%3D0%0D%0Aa%3Dcrypto%3A1%20AES%20INLINE%3A{KEY}",
    "variable_sip_h_Authorization": f'Digest username="1001", response="{PASSWORD}"',
    "Application-Data": f"{{sip_auth_username=x,sip_auth_password={PASSWORD}}}sofia/gateway/g/1",
    "variable_last_arg": f"sip_auth_password={PASSWORD}",
    "variable_playback": f"http_cache://http://user:{PASSWORD}@host/a.wav",
    "variable_sip_contact_uri": f"sip:alice:{PASSWORD}@192.0.2.7:5060",
    "Caller-Destination-Number": f"sip:alice:{PASSWORD}@192.0.2.7:5060",
    "fs_hepipe-log": f"token: {PASSWORD}",
}
"""What is a secret under any name."""

PLANTS: dict[str, Any] = {**BY_NAME, **BY_FORM}
HOSTILE = (
    st.sampled_from(["", "0", "-1", "4294967295", "1e999", "nan", "9" * 40, "x" * 70_000, "[", '{"a":', "\r\n", "%"])
    | st.integers(-(2**65), 2**65).map(str)
    | ANY_TEXT
    | st.none()
    | st.lists(st.text(max_size=4), max_size=4)
    | st.sampled_from(list(BY_FORM.values()))
)


IDENTITIES = frozenset({
    names.UNIQUE_ID, names.OTHER_LEG_UNIQUE_ID, names.OLD_UNIQUE_ID, names.BRIDGE_A_UNIQUE_ID, names.BRIDGE_B_UNIQUE_ID,
    names.SIP_CALL_ID, names.SIP_INVITE_CALL_ID, names.CALL_ID, names.SWITCH_NAME, names.BRIDGED_TO,
    "variable_last_bridge_to", "variable_bridge_uuid", "variable_signal_bond", names.UNIQUEID,
})  # fmt: skip
"""What says whose an event is: it is never changed, so nobody puts a secret there."""


class Change(NamedTuple):
    """What is done to one event."""

    place: int
    header: int
    value: object
    kind: str


CHANGES = st.builds(
    Change,
    st.integers(0, 200),
    st.integers(0, 400),
    HOSTILE,
    st.sampled_from(["set", "set", "drop", "rename", "double", "move", "plant", "plant", "name"]),
)
SETTINGS = st.builds(
    Settings,
    call_log_format=st.sampled_from(CALL_LOG_FORMATS),
    call_events=st.just(tuple(sorted(names.LOGGABLE))),
    custom_events=st.just((*CUSTOM_EVENTS, "a::b", "conference::maintenance")),
    correlation=st.sampled_from(CORRELATIONS),
    rtcp_jitter_unit=st.sampled_from(JITTER_UNITS),
    rtcp_packets_lost=st.sampled_from(PACKETS_LOST),
    qos_type=st.sampled_from([(34,), QOS_TYPES]),
    max_legs=st.sampled_from([1, 20_000]),
)


def changed(story: str, changes: list[Change]) -> list[dict[str, Any]]:
    """The headers of a story's events, after the changes."""
    events = [dict(headers) for headers in headers_of(story)]
    for change in changes:
        headers = events[change.place % len(events)]
        keys = sorted(headers) or ["x"]
        key = keys[change.header % len(keys)]
        if change.kind == "set" and not (key in IDENTITIES and change.value in BY_FORM.values()):
            headers[key] = change.value
        elif change.kind == "drop":
            headers.pop(key, None)
        elif change.kind == "rename" and key not in BY_NAME:
            headers[str(change.value)[:200]] = headers.pop(key, "")
        elif change.kind == "double":
            events.insert(change.header % len(events), headers)
        elif change.kind == "move":
            events.remove(headers)
            events.insert(change.header % (len(events) + 1), headers)
        elif change.kind == "plant":
            header = sorted(PLANTS)[change.header % len(PLANTS)]
            headers[header] = PLANTS[header]
        elif change.kind == "name":
            headers[names.EVENT_NAME] = sorted(names.LOGGABLE | {names.CUSTOM})[change.header % len(names.LOGGABLE)]
            headers.setdefault(names.EVENT_SUBCLASS, ("a::b", names.LOG_SUBCLASS)[change.header % 2])
    return events


def test_whatever_events_come_what_leaves_is_sound_and_has_no_secret(fuzz: Fuzz) -> None:
    def check(case: tuple[Settings, str, list[Change]]) -> None:
        settings, story, changes = case
        counters = Counters()
        pipeline = Pipeline(settings, counters)
        datagrams: list[bytes] = []
        for number, headers in enumerate(changed(story, changes)):
            datagrams += pipeline.handle(RecordedEvent(headers), number / 10)
            assert counters.ledger().balances
        datagrams += pipeline.tick(1_000.0)
        assert pipeline.take_faults() == []
        datagrams += pipeline.finish()
        assert counters.ledger().balances
        assert counters.waiting == 0
        assert len(datagrams) == counters.ledger().built
        for datagram in datagrams:
            message = decode(datagram)
            assert not any(secret in message.payload for secret in PLANTED), message.payload
            if message.protocol_type == ProtocolType.LOG and settings.call_log_format == "text":
                assert message.payload.decode().isprintable()
            else:
                json.loads(message.payload.decode(), parse_constant=_no_json)

    cases = st.tuples(SETTINGS, st.sampled_from(STORIES), st.lists(CHANGES, max_size=12))
    fuzz(cases, check, size=lambda case: len(headers_of(case[1])))


def _no_json(constant: str) -> None:
    raise AssertionError(constant)
