"""A header of a megabyte, which ever it is and whatever is in it, costs no more than a moment, and little memory."""

from __future__ import annotations

import time

import pytest

from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    OURS,
    Channel,
    audio,
    block,
    event,
    received_rtcp,
    sent_rtcp,
    sip,
    statistics,
    video,
)

MOMENT = 0.002
"""Seconds: twice what is promised, for a slow machine."""

LONG = {
    "letters": "x" * 1_000_000,
    "digits": "1" * 1_000_000,
    "words": "a=b " * 250_000,
    "octets": "é\udce9" * 500_000,
    "urls": "sip:a:b@c," * 100_000,
    "secrets": "password=" * 110_000,
    "encoded": "%25" * 333_000,
    "sdp": "m=audio 1 RTP/AVP 0\r\n" * 47_000,
}
CHANNEL = {**Channel().basic, **sip(), **audio(), **video(), **statistics(), "Application": "set"}
EVENTS = {
    "CHANNEL_CREATE": CHANNEL,
    "CHANNEL_HANGUP_COMPLETE": CHANNEL,
    "CHANNEL_EXECUTE": CHANNEL,
    "CHANNEL_UUID": CHANNEL,
    "DTMF": CHANNEL,
    "RECV_RTCP_MESSAGE": {**Channel().basic, **received_rtcp(blocks=[block(OURS)])},
    "SEND_RTCP_MESSAGE": {**Channel().basic, **sent_rtcp()},
    "sofia::register": {"Event-Subclass": "sofia::register"},
    "sofia::gateway_state": {"Event-Subclass": "sofia::gateway_state", "Gateway": "g"},
}
HEADERS = [
    *names.HEADERS, names.SSRC, "Source0-SSRC", "Source0-Lost", "Rtt0-Avg", "Source-SSRC", "Source-Jitter", "contact",
    "variable_rtp_audio_in_mos", "variable_rtp_audio_in_packet_count", "variable_of_nobody",
]  # fmt: skip


def times(kind: str, name: str, log_format: str, rounds: int) -> dict[str, float]:
    """The least CPU seconds of an event with each header in turn as long as that; what left and is kept is small."""
    counters = Counters()
    logged = tuple(name for name in EVENTS if name in names.LOGGABLE)
    pipeline = Pipeline(Settings(call_events=logged, call_log_format=log_format), counters)
    found: dict[str, float] = {}
    for header in HEADERS:
        if "::" in name and header == names.EVENT_SUBCLASS:
            continue
        for _ in range(rounds):
            pipeline.handle(event("CHANNEL_ANSWER", CHANNEL), 0.0)
            heard = event("CUSTOM" if "::" in name else name, {**EVENTS[name], header: LONG[kind]})
            started = time.process_time()
            datagrams = pipeline.handle(heard, 0.0)
            found[header] = min(found.get(header, 1.0), time.process_time() - started)
            assert all(len(datagram) <= 65_535 for datagram in datagrams)
    assert counters.ledger().balances
    for leg in pipeline.legs._live.values():
        kept = (leg.unique_id, leg.channel, leg.other_id, leg.call_id)
        assert sum(map(len, filter(None, kept))) < 100_000
    return found


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("kind", LONG)
def test_of_a_header_of_a_megabyte_little_is_sent_and_little_is_kept(kind: str, name: str, log_format: str) -> None:
    assert times(kind, name, log_format, 1)


@pytest.mark.slow  # and for a machine that does nothing else
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("kind", LONG)
def test_a_header_of_a_megabyte_costs_a_moment(kind: str, name: str, log_format: str) -> None:
    assert {header: took for header, took in times(kind, name, log_format, 5).items() if took > MOMENT} == {}
