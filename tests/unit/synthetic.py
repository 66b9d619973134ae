"""
A switch's events made up for one test, with the headers a real one gives them, and a pipeline that hears them.

`Channel` makes the events of one leg; `Ear` is the agent without its I/O: it decodes what it would send, and its ledger
balances after every step.
"""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional, Union
from unittest import mock

from fs_hepipe.calls import leg
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Record
from fs_hepipe.hep import Message, decode
from fs_hepipe.reports import call_log, custom, stream_report, whole_event
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names, text
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import Event, RecordedEvent
from fs_hepipe.words.settings import CALL_EVENTS, Settings

RECORDINGS = Path(__file__).resolve().parents[2] / "fs_hepipe" / "tools" / "recordings"

T0 = 1_795_402_159_000_000
"""Microseconds: when every story begins."""

SWITCH_HEADERS = {
    "FreeSWITCH-Switchname": "fs1",
    "FreeSWITCH-IPv4": "192.0.2.2",
    "FreeSWITCH-IPv6": "2001:db8::2",
}
SIP_CHANNEL = "sofia/internal/1001@192.0.2.10"
OURS = 0x0A0A0A0A
"""The SSRC that `audio` gives the switch."""

DIGITS_SHOWN: dict[str, Any] = {"call_events": (*CALL_EVENTS, names.DTMF), "dtmf_digits": "shown"}
"""Settings with which dialled digits are lines, and the digits in them."""

CREATE, PROGRESS, ANSWER = names.CHANNEL_CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_ANSWER
BRIDGE, UPDATE, UUID = names.CHANNEL_BRIDGE, names.CALL_UPDATE, names.CHANNEL_UUID
HANGUP, DESTROY = names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY

Headers = Mapping[str, str]


def event(name: str, headers: Optional[Headers] = None, *, at: float = 0.0, seq: int = 1) -> RecordedEvent:
    """An event `at` seconds after the story began."""
    return RecordedEvent({
        "Event-Name": name,
        **SWITCH_HEADERS,
        "Event-Date-Timestamp": str(T0 + round(at * 1e6)),
        "Event-Sequence": str(seq),
        **(headers or {}),
    })


def sip(call_id: Optional[str] = "call-a", remote: str = "198.51.100.7:5062", transport: str = "udp") -> dict[str, str]:
    """The variables of a leg that spoke SIP."""
    ip, _, port = remote.rpartition(":")
    ours = "2001:db8::2" if ":" in ip else "192.0.2.2"
    variables = {
        "variable_sip_network_ip": ip,
        "variable_sip_network_port": port,
        "variable_sip_via_protocol": transport,
        "variable_sip_local_network_addr": ours,
        "variable_sofia_profile_url": f"sip:mod_sofia@{ours}:5060",
    }
    return variables if call_id is None else {**variables, "variable_sip_call_id": call_id}


def audio(local: int = 20_000, remote: int = 30_000, ssrc: int = OURS, **other: str) -> dict[str, str]:
    """The variables of a leg whose audio flows, without any SDP."""
    return {
        "variable_local_media_ip": "192.0.2.2",
        "variable_local_media_port": str(local),
        "variable_remote_media_ip": "198.51.100.7",
        "variable_remote_media_port": str(remote),
        "variable_rtp_use_ssrc": str(ssrc),
        "variable_rtp_use_codec_name": "PCMU",
        "variable_rtp_use_codec_rate": "8000",
        "variable_rtp_use_codec_ptime": "20",
        "variable_rtp_audio_recv_pt": "0",
        **other,
    }


def video(local: int = 22_000, remote: int = 32_000, ssrc: int = 0x0B0B0B0B) -> dict[str, str]:
    """The variables of a leg that has video beside its audio, and the SDPs that say so."""
    sdp = "v=0\r\nc=IN IP4 {}\r\nm=audio {} RTP/AVP 0\r\nm=video {} RTP/AVP 99\r\n"
    return {
        "variable_rtp_local_sdp_str": sdp.format("192.0.2.2", 20_000, local),
        "variable_switch_r_sdp": sdp.format("198.51.100.7", 30_000, remote),
        "variable_local_video_ip": "192.0.2.2",
        "variable_local_video_port": str(local),
        "variable_remote_video_ip": "198.51.100.7",
        "variable_remote_video_port": str(remote),
        "variable_rtp_use_video_ssrc": str(ssrc),
        "variable_rtp_use_video_codec_name": "VP8",
        "variable_rtp_use_video_codec_rate": "90000",
        "variable_rtp_video_recv_pt": "99",
    }


def statistics(kind: str = "audio", **other: str) -> dict[str, str]:
    """What the switch counted of a medium at the end of its leg; a keyword replaces or adds a header's last words."""
    counted = {
        "in_raw_bytes": "136740",
        "in_packet_count": "795",
        "in_skip_packet_count": "42",
        "in_jitter_min_variance": "16.00",
        "in_jitter_max_variance": "225.00",
        "in_jitter_loss_rate": "0.02",
        "in_mean_interval": "20.03",
        "in_flaw_total": "17",
        "in_quality_percentage": "97.00",
        "in_mos": "4.42",
        "out_raw_bytes": "136568",
        "out_packet_count": "794",
        "out_skip_packet_count": "13",
        **other,
    }
    return {f"variable_rtp_{kind}_{name}": value for name, value in counted.items()}


def block(ssrc: int, **numbers: object) -> dict[str, str]:
    """A report block about this SSRC, as the words that follow `Source<n>-`."""
    defaults = {
        "Fraction": 1,
        "Lost": 3,
        "Highest-Sequence-Number-Received": 52352,
        "Jitter": 80,
        "LSR": 674440379,
        "DLSR": 262144,
    }
    given = {name.replace("_", "-"): value for name, value in numbers.items()}
    return {"SSRC": f"{ssrc:08x}", **{name: str(value) for name, value in {**defaults, **given}.items()}}


def received_rtcp(
    ssrc: int = 0xFAFA,
    ntp: tuple[int, int] = (4_004_390_963, 531_437_778),
    blocks: Sequence[Headers] = (),
    rtts: Sequence[float] = (),
    rate: Optional[int] = 8000,
) -> dict[str, str]:
    """The headers that RECV_RTCP_MESSAGE has of its own."""
    headers = {
        "SSRC": f"{ssrc:08x}",
        "NTP-Most-Significant-Word": str(ntp[0]),
        "NTP-Least-Significant-Word": str(ntp[1]),
        "RTP-Timestamp": "32000",
        "Sender-Packet-Count": "200",
        "Octect-Packet-Count": "32000",
        "Last-RTP-Timestamp": "32160",
    }
    if rate is not None:
        headers["RTP-Rate"] = str(rate)
    for index, words in enumerate(blocks):
        headers.update((f"Source{index}-{word}", value) for word, value in words.items())
        headers[f"Source{index}-Loss-Avg"] = "0"
    headers.update((f"Rtt{index}-Avg", f"{rtt:f}") for index, rtt in enumerate(rtts))
    return headers


def sent_rtcp(
    ssrc: int = 0xFAFA, source: int = 0xFAFA, ntp: tuple[int, int] = (4_004_390_963, 616_293_447), **numbers: object
) -> dict[str, str]:
    """The headers that SEND_RTCP_MESSAGE has of its own; `ssrc` is the far end's there too."""
    headers = received_rtcp(ssrc, ntp, rate=None)
    headers.update((f"Source-{word}", value) for word, value in block(source, **numbers).items())
    return headers


class Counted:
    """An event that counts what it is asked."""

    def __init__(self, heard: RecordedEvent) -> None:
        self.asked: list[str] = []
        self.serialize = heard.serialize
        self._heard = heard

    def getHeader(self, name: str, /) -> Optional[str]:
        self.asked.append(name)
        return self._heard.getHeader(name)


class Channel:
    """The events of one leg, each with the next Event-Sequence."""

    def __init__(
        self, unique_id: str = "leg-a", *, outbound: bool = False, other: Optional[str] = None, name: str = SIP_CHANNEL
    ) -> None:
        self.unique_id = unique_id
        self.basic = {
            "Unique-ID": unique_id,
            "Call-Direction": "outbound" if outbound else "inbound",
            "Channel-Name": name,
            "Caller-Caller-ID-Number": "1001",
            "Caller-Caller-ID-Name": "Alice",
            "Caller-Destination-Number": "9234",
        }
        if other is not None:
            self.basic["Other-Leg-Unique-ID"] = other
        self._sequence = itertools.count(1)

    def event(self, name: str, headers: Optional[Headers] = None, *, at: float = 0.0) -> RecordedEvent:
        return event(name, {**self.basic, **(headers or {})}, at=at, seq=next(self._sequence))

    def rtcp(self, name: str, headers: Headers, *, at: float = 0.0) -> RecordedEvent:
        """An RTCP event: nothing of the channel but its Unique-ID, and the exact time it was captured."""
        own = {"Unique-ID": self.unique_id, "Capture-Time": str(T0 + round(at * 1e6) + 1234)}
        return event(name, {**own, **headers}, at=at, seq=next(self._sequence))

    def hears(self, headers: Headers, *, at: float = 0.0) -> RecordedEvent:
        return self.rtcp("RECV_RTCP_MESSAGE", headers, at=at)

    def says(self, headers: Headers, *, at: float = 0.0) -> RecordedEvent:
        return self.rtcp("SEND_RTCP_MESSAGE", headers, at=at)


def callee(unique_id: str = "leg-b", other: Optional[str] = "leg-a") -> Channel:
    """A leg that the switch called."""
    return Channel(unique_id, outbound=True, other=other, name="sofia/internal/9234@192.0.2.20")


class Ear:
    """A pipeline and its counters; what it would send, decoded."""

    def __init__(self, **settings: Any) -> None:
        self.counters = Counters()
        self.pipeline = Pipeline(Settings(**settings), self.counters, self._answer)
        self.asked: list[str] = []
        """The channels that FreeSWITCH was asked about."""
        self.channels: dict[str, Union[Headers, Exception]] = {}
        """What it answers, by Unique-ID; nothing for any other one."""

    def hear(self, *events: Event, now: float = 0.0) -> list[Message]:
        """The messages that left because of these events."""
        return [message for heard in events for message in self._settled(self.pipeline.handle(heard, now))]

    def wait(self, now: float) -> list[Message]:
        """The messages that left because time went on."""
        return self._settled(self.pipeline.tick(now))

    def _answer(self, unique_id: str) -> Optional[RecordedEvent]:
        self.asked.append(unique_id)
        answer = self.channels.get(unique_id)
        if isinstance(answer, Exception):
            raise answer
        return None if answer is None else Channel(unique_id).event(names.CHANNEL_DATA, answer)

    def end(self) -> list[Message]:
        return self._settled(self.pipeline.finish())

    def _settled(self, datagrams: list[bytes]) -> list[Message]:
        assert self.counters.ledger().balances, self.counters.ledger()
        return [decode(datagram) for datagram in datagrams]


def leg_with(*media: Medium, unique_id: str = "leg-a", call_id: Optional[str] = "call-a") -> Leg:
    """A leg as if the switch had told so much of it."""
    leg = Leg(unique_id)
    leg.call_id = call_id
    for medium in media:
        setattr(leg, medium.kind, medium)
    return leg


def flow(message: Message) -> tuple[str, int, str, int]:
    """From where to where."""
    return message.src_ip, message.src_port, message.dst_ip, message.dst_port


def names_of(messages: list[Message]) -> list[str]:
    """The first word of each line: its event."""
    return [message.payload.split()[0].decode() for message in messages]


def fields(message: Union[Message, Record]) -> dict[str, str]:
    """The `key=value` pairs of a line; fails where the line is anything else."""
    line = message.payload.decode()
    assert line.isprintable(), line
    name, *words = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^ "])+', line)
    assert " ".join([name, *words]) == line
    pairs = [re.fullmatch(r'([^="]+)=(?:"((?:[^"\\]|\\.)*)"|([^ "=\\]+))', word) for word in words]
    assert None not in pairs, line
    return {pair[1]: re.sub(r"\\(.)", r"\1", pair[2]) if pair[3] is None else pair[3] for pair in pairs if pair}


def body(message: Union[Message, Record]) -> dict[str, Any]:
    """The JSON object of a payload; fails for NaN and Infinity, which are not JSON."""
    loaded = json.loads(message.payload, parse_constant=_no_json)
    assert isinstance(loaded, dict)
    return loaded


def brief(text: str) -> str:
    """The name of a parameter that may be very long, without what pytest or mutmut would escape."""
    return re.sub(r"[^ -~]|\\", "?", text[:20])


def _no_json(constant: str) -> None:
    raise AssertionError(constant)


def _without_orjson() -> ModuleType:
    """fs_hepipe.words.text as it is where orjson is not installed."""
    spec = importlib.util.spec_from_file_location("text_without_orjson", text.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {"orjson": None}):
        spec.loader.exec_module(module)
    return module


ENCODERS: dict[str, Callable[[Any], bytes]] = {"orjson": text.to_json, "stdlib": _without_orjson().to_json}


@contextmanager
def json_by(encoder: str) -> Iterator[None]:
    """Every mapper writes its JSON with this encoder."""
    with ExitStack() as stack:
        for module in (call_log, custom, stream_report, leg, whole_event):
            stack.enter_context(mock.patch.object(module, "to_json", ENCODERS[encoder]))
        yield


def recorded(story: str) -> list[RecordedEvent]:
    """The events of a bundled recording."""
    with gzip.open(RECORDINGS / f"{story}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [RecordedEvent(json.loads(line)) for line in lines]
