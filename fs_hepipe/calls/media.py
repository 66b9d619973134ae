"""
Channel variables -> the medium of a leg: where its RTP and RTCP go, our SSRC, its clock.

Rules:
1. The variables that the switch sets when it activates RTP are the truth; the SDP fills in what they don't say.
2. RTCP goes to the RTP port with rtcp-mux (both SDPs have it), else to the port of `a=rtcp`, else to the RTP port + 1.
3. What is not known stays None.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple, Optional

from fs_hepipe.calls.sdp import Stream, streams
from fs_hepipe.hep import Flow
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import MAX_DIGITS_32, integer

AUDIO = "audio"
VIDEO = "video"

MAX_ADDRESS = 64
"""Characters: an IPv6 address has up to 45 (RFC 4291 §2.2), brackets and a zone included it is not longer than this."""

MAX_PORT = 65_535

ENDPOINTS = 4096
"""Endpoints kept, about 300 octets each: a leg's events name the same ones again, and so do legs of one phone."""

MAX_SOURCES = 8
"""SSRCs remembered per medium and direction; a far end that changes its SSRC more often than that is broken."""


class Endpoint(NamedTuple):
    """An IP address as text, and a port."""

    ip: str
    port: int


class Reception(NamedTuple):
    """What a receiver last said it received (RFC 3550 §6.4.1), of one source."""

    source: int
    """Its SSRC."""
    lost: int
    """Cumulative number of packets lost; negative with duplicates."""
    jitter: Optional[int]
    """Interarrival jitter in timestamp units."""
    rtt: Optional[float]
    """Round-trip time in seconds, where it was measured."""


class Medium:
    """
    One medium (audio or video) of a leg. Every attribute but the kind can be None: not known.

    Flat, and not made of endpoints and receptions: a switch has thousands of them, and each object that lives on is
    looked at by every garbage collection.
    """

    __slots__ = (
        "clock", "codec", "heard_before", "heard_jitter", "heard_lost", "heard_source", "kind", "local_ip",
        "local_port", "local_rtcp_port", "payload_type", "ptime", "received_flow", "remote_ip", "remote_port",
        "remote_rtcp_port", "remote_ssrc", "said_before", "said_jitter", "said_lost", "said_rtt", "said_source",
        "sent_flow", "ssrc",
    )  # fmt: skip

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.local_ip: Optional[str] = None
        self.local_port = self.local_rtcp_port = 0
        self.remote_ip: Optional[str] = None
        self.remote_port = self.remote_rtcp_port = 0
        self.received_flow: Optional[Flow] = None
        """Its RTCP from the far end, as it is packed; None until some was sent, and after anything it says changed."""
        self.sent_flow: Optional[Flow] = None
        """Its RTCP to the far end, likewise."""
        self.ssrc: Optional[int] = None
        """Ours."""
        self.remote_ssrc: Optional[int] = None
        """The far end's, as last heard."""
        self.clock: Optional[int] = None
        """Timestamp units per second."""
        self.codec: Optional[str] = None
        self.payload_type: Optional[int] = None
        self.ptime: Optional[int] = None
        """Milliseconds of media in a packet."""
        self.heard_source: Optional[int] = None
        """What we last received: see `Reception`."""
        self.heard_lost = 0
        self.heard_jitter: Optional[int] = None
        self.heard_before: tuple[Reception, ...] = ()
        self.said_source: Optional[int] = None
        """What the far end last said it received: see `Reception`."""
        self.said_lost = 0
        self.said_jitter: Optional[int] = None
        self.said_rtt: Optional[float] = None
        self.said_before: tuple[Reception, ...] = ()

    @property
    def local(self) -> Optional[Endpoint]:
        """Our side of RTP."""
        return _known(self.local_ip, self.local_port)

    @property
    def remote(self) -> Optional[Endpoint]:
        """The far end's side of it."""
        return _known(self.remote_ip, self.remote_port)

    @property
    def local_rtcp(self) -> Optional[Endpoint]:
        """Our side of RTCP."""
        return _known(self.local_ip, self.local_rtcp_port)

    @property
    def remote_rtcp(self) -> Optional[Endpoint]:
        """The far end's side of it."""
        return _known(self.remote_ip, self.remote_rtcp_port)

    @property
    def heard(self) -> tuple[Reception, ...]:
        """What we received, of each SSRC of the far end, the last one last."""
        if self.heard_source is None:
            return ()
        return (*self.heard_before, Reception(self.heard_source, self.heard_lost, self.heard_jitter, None))

    @property
    def said(self) -> tuple[Reception, ...]:
        """What the far end says it received, of each SSRC of ours, the last one last."""
        if self.said_source is None:
            return ()
        return (*self.said_before, Reception(self.said_source, self.said_lost, self.said_jitter, self.said_rtt))

    def hears(self, source: int, lost: int, jitter: Optional[int]) -> None:
        """Remembers what we received of one source."""
        before = _others(self.heard, source)
        if before is not None:
            self.heard_before = before
            self.heard_source, self.heard_lost, self.heard_jitter = source, lost, jitter

    def says(self, source: int, lost: int, jitter: Optional[int], rtt: Optional[float]) -> None:
        """Remembers what the far end says it received of one source."""
        before = _others(self.said, source)
        if before is not None:
            self.said_before = before
            self.said_source, self.said_lost, self.said_jitter, self.said_rtt = source, lost, jitter, rtt

    def forget_flows(self) -> None:
        """Something that is packed in them has changed."""
        self.received_flow = self.sent_flow = None


def _known(ip: Optional[str], port: int) -> Optional[Endpoint]:
    return None if ip is None else Endpoint(ip, port)


def _others(known: tuple[Reception, ...], source: int) -> Optional[tuple[Reception, ...]]:
    """
    Those of other sources, None where there is no room for another one. A source that changed its SSRC starts its
    counts anew (RFC 3550 §8), so each keeps its own.
    """
    others = tuple([reception for reception in known if reception.source != source])
    return others if len(others) < MAX_SOURCES else None


class _Headers(NamedTuple):
    """Which headers describe a medium."""

    local_ip: str
    local_port: str
    remote_ip: str
    remote_port: str
    remote_rtcp_port: str
    ssrc: str
    codec: str
    clock: str
    payload_type: str
    ptime: Optional[str]


_HEADERS = {
    AUDIO: _Headers(
        names.LOCAL_MEDIA_IP, names.LOCAL_MEDIA_PORT, names.REMOTE_MEDIA_IP, names.REMOTE_MEDIA_PORT,
        names.REMOTE_AUDIO_RTCP_PORT, names.AUDIO_SSRC, names.AUDIO_CODEC_NAME, names.AUDIO_CODEC_RATE,
        names.AUDIO_PAYLOAD_TYPE, names.AUDIO_CODEC_PTIME,
    ),
    VIDEO: _Headers(
        names.LOCAL_VIDEO_IP, names.LOCAL_VIDEO_PORT, names.REMOTE_VIDEO_IP, names.REMOTE_VIDEO_PORT,
        names.REMOTE_VIDEO_RTCP_PORT, names.VIDEO_SSRC, names.VIDEO_CODEC_NAME, names.VIDEO_CODEC_RATE,
        names.VIDEO_PAYLOAD_TYPE, None,
    ),
}  # fmt: skip

_NO_STREAM = Stream(None, 0, None, False)


def observe_media(
    audio: Optional[Medium], video: Optional[Medium], get: Get
) -> tuple[Optional[Medium], Optional[Medium]]:
    """
    What an event with variables says of a leg's media: the media as they are now, the given ones updated in place.

    Audio is there once either side has a port for it, video once both have one.
    """
    local_sdp, remote_sdp = get(names.LOCAL_SDP), get(names.REMOTE_SDP)
    ours = streams(local_sdp) if local_sdp else {}
    theirs = streams(remote_sdp) if remote_sdp else {}
    audio = _observe(AUDIO, audio, get, ours.get(AUDIO), theirs.get(AUDIO))
    if video is not None or (VIDEO in ours and VIDEO in theirs):  # an offered video may be refused
        video = _observe(VIDEO, video, get, ours.get(VIDEO), theirs.get(VIDEO))
    return audio, video


def _observe(
    kind: str, medium: Optional[Medium], get: Get, ours: Optional[Stream], theirs: Optional[Stream]
) -> Optional[Medium]:
    headers = _HEADERS[kind]
    ours, theirs = ours or _NO_STREAM, theirs or _NO_STREAM
    local_ip, local_port = _address(get(headers.local_ip) or ours.ip, get(headers.local_port), ours.port)
    remote_ip, remote_port = _address(get(headers.remote_ip) or theirs.ip, get(headers.remote_port), theirs.port)
    if medium is None:
        if local_ip is None and remote_ip is None:
            return None
        medium = Medium(kind)
    mux = ours.mux and theirs.mux
    if local_ip is not None:
        rtcp_port = local_port if mux else ours.rtcp_port or _next(local_port)
        if (local_ip, local_port, rtcp_port) != (medium.local_ip, medium.local_port, medium.local_rtcp_port):
            medium.local_ip, medium.local_port, medium.local_rtcp_port = local_ip, local_port, rtcp_port
            medium.forget_flows()
    if remote_ip is not None:
        announced = theirs.rtcp_port
        if announced is None and not mux and not theirs.port:
            announced = integer(get(headers.remote_rtcp_port))
        rtcp_port = remote_port if mux else announced or _next(remote_port)
        if (remote_ip, remote_port, rtcp_port) != (medium.remote_ip, medium.remote_port, medium.remote_rtcp_port):
            medium.remote_ip, medium.remote_port, medium.remote_rtcp_port = remote_ip, remote_port, rtcp_port
            medium.forget_flows()
    ssrc = integer(get(headers.ssrc))
    if ssrc:
        medium.ssrc = ssrc
        medium.codec = get(headers.codec)
        medium.clock = integer(get(headers.clock)) or medium.clock
        medium.payload_type = integer(get(headers.payload_type))
        medium.ptime = integer(get(headers.ptime)) if headers.ptime else None
    return medium


def endpoint(ip: Optional[str], port: Optional[str]) -> Optional[Endpoint]:
    """An endpoint as the switch writes it, with port 0 where that is none; None where `ip` is no IP address."""
    if not ip or len(ip) > MAX_ADDRESS:
        return None
    return _endpoint(ip, port if port and len(port) <= MAX_DIGITS_32 else None)


@lru_cache(maxsize=ENDPOINTS)
def _endpoint(ip: str, port: Optional[str]) -> Optional[Endpoint]:
    address, number = ip_literal(ip), integer(port) or 0
    return Endpoint(address, number if number <= MAX_PORT else 0) if address else None


def _address(ip: Optional[str], port: Optional[str], sdp_port: int) -> tuple[Optional[str], int]:
    """The address and port of media, as the variables or else the SDP have them; None where they are none."""
    number = integer(port) if port else sdp_port
    address = ip_literal(ip) if ip and number and number <= MAX_PORT else None
    return address, number or 0


def _next(port: int) -> int:
    """The port of RTCP beside RTP's (RFC 3550 §11)."""
    return min(port + 1, MAX_PORT)


def ip_literal(text: str) -> Optional[str]:
    """An IPv4 or IPv6 address without brackets and zone, or None for a host name and for nonsense."""
    return _ip_literal(text) if len(text) <= MAX_ADDRESS else None


@lru_cache(maxsize=4096)
def _ip_literal(text: str) -> Optional[str]:
    try:
        return str(ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return None
