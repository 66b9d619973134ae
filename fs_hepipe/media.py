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
from typing import Callable, NamedTuple, Optional

from fs_hepipe import names
from fs_hepipe.sdp import Stream, streams

Get = Callable[[str], Optional[str]]
"""An event's `getHeader`: the value of a header, None where there is none."""

AUDIO = "audio"
VIDEO = "video"

MAX_ADDRESS = 64
"""Characters: an IPv6 address has up to 45 (RFC 4291 §2.2), brackets and a zone included it is not longer than this."""

MAX_DIGITS = 10
"""Of an unsigned 32-bit number: ports, SSRCs, clocks and payload types are no wider."""

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
    """One medium (audio or video) of a leg. Every attribute but the kind can be None: not known."""

    __slots__ = (
        "clock", "codec", "heard", "kind", "local", "local_rtcp", "payload_type", "ptime", "remote", "remote_rtcp",
        "remote_ssrc", "said", "ssrc",
    )  # fmt: skip

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.local: Optional[Endpoint] = None
        self.remote: Optional[Endpoint] = None
        self.local_rtcp: Optional[Endpoint] = None
        self.remote_rtcp: Optional[Endpoint] = None
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
        self.heard: tuple[Reception, ...] = ()
        """What we received, of each SSRC of the far end, the last one last."""
        self.said: tuple[Reception, ...] = ()
        """What the far end says it received, of each SSRC of ours, the last one last."""


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
    local = _endpoint(get(headers.local_ip) or ours.ip, get(headers.local_port) or ours.port)
    remote = _endpoint(get(headers.remote_ip) or theirs.ip, get(headers.remote_port) or theirs.port)
    if medium is None:
        if local is None and remote is None:
            return None
        medium = Medium(kind)
    mux = ours.mux and theirs.mux
    if local is not None:
        medium.local = local
        medium.local_rtcp = _rtcp(local, mux, ours.rtcp_port)
    if remote is not None:
        announced = theirs.rtcp_port
        if announced is None and not mux and not theirs.port:
            announced = integer(get(headers.remote_rtcp_port))
        medium.remote = remote
        medium.remote_rtcp = _rtcp(remote, mux, announced)
    ssrc = integer(get(headers.ssrc))
    if ssrc:
        medium.ssrc = ssrc
        medium.codec = get(headers.codec)
        medium.clock = integer(get(headers.clock)) or medium.clock
        medium.payload_type = integer(get(headers.payload_type))
        medium.ptime = integer(get(headers.ptime)) if headers.ptime else None
    return medium


def _endpoint(ip: Optional[str], port: Optional[object]) -> Optional[Endpoint]:
    """An endpoint whose address is an IP address, or None."""
    number = integer(str(port)) if port else None
    address = ip_literal(ip) if ip and number and number <= 65_535 else None  # noqa: PLR2004
    return Endpoint(address, number) if address and number else None


def _rtcp(rtp: Endpoint, mux: bool, announced: Optional[int]) -> Endpoint:
    """The RTCP endpoint beside an RTP endpoint (RFC 3550 §11, RFC 3605, RFC 5761)."""
    if mux:
        return rtp
    return Endpoint(rtp.ip, announced or min(rtp.port + 1, 65_535))


def integer(text: Optional[str]) -> Optional[int]:
    """A decimal number of 32 bits, None for anything else."""
    if not text or not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        return None
    number = int(text)
    return number if number <= 0xFFFFFFFF else None  # noqa: PLR2004


def ip_literal(text: str) -> Optional[str]:
    """An IPv4 or IPv6 address without brackets and zone, or None for a host name and for nonsense."""
    return _ip_literal(text) if len(text) <= MAX_ADDRESS else None


@lru_cache(maxsize=4096)
def _ip_literal(text: str) -> Optional[str]:
    try:
        return str(ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return None
