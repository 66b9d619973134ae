"""
Channel variables and SDP -> the media of a leg: where RTP and RTCP go, our SSRC, codec and clock.

Which source wins for a field, the first one that says it (variables of switch_core_media.c and switch_rtp.c):

| field       | sources                                                                                               |
|-------------|-------------------------------------------------------------------------------------------------------|
| local RTP   | variables `local_media_ip/port` (video: `local_video_...`); the line of our SDP                       |
| remote RTP  | where media really come from, `remote_audio_ip/port`, as long as it corrects what is announced now;   |
|             | `remote_media_ip/port` (video: `remote_video_...`, corrected in place); the line of the far end's SDP |
| local RTCP  | with rtcp-mux local RTP; `a=rtcp` of our line; the RTP port + 1                                       |
| remote RTCP | with rtcp-mux remote RTP; `remote_audio_rtcp_ip/port`, of the ICE candidate, or the only candidate for |
|             | RTCP at RTP's address; `a=rtcp` of the far                                                            |
|             | end's line, without ICE and as long as RTP has the announced port; `rtp_remote_audio_rtcp_port` where |
|             | there is no SDP; the RTP port + 1                                                                     |

A far end that announces a host name has the unspecified address and its port, until packets were seen to come from
another address than FreeSWITCH found.

When ICE moves video, FreeSWITCH writes its new address to `remote_media_ip/port` too (switch_rtp.c:handle_ice): if that
is a candidate of the video line alone, it is video's, and audio has the candidate that was chosen at first.

The line of an SDP is the one whose port the variable has, or the first that was not refused. rtcp-mux needs both SDPs.

An SDP of the far end without any line of a medium that our SDP has is an offer that was refused (one for T.38, answered
by 488): FreeSWITCH keeps it in `switch_r_sdp`, and it changes nothing.

A medium begins when either side has an address for it (video: when both SDPs have it, as an offer may be refused). It
ends when an SDP has no line for it any more, or one with port 0: a re-INVITE that drops video, or one for T.38. It
keeps what it had until then, and begins again when the SDPs have it again. What is not known stays None.
"""

from __future__ import annotations

from sys import intern
from typing import NamedTuple, Optional

from fs_hepipe.calls.endpoint import Endpoint, host_endpoint, media_endpoint
from fs_hepipe.calls.sdp import MediaLine, media_lines
from fs_hepipe.calls.stream import Stream
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.numbers import MAX_PORT, integer
from fs_hepipe.words.secret import beginning, without_secrets

AUDIO = "audio"
VIDEO = "video"


class Medium:
    """
    Audio or video of a leg. Every attribute but the kind can be None: not known.

    Addresses are flat: a switch has thousands of media, and each object that lives on is looked at by every garbage
    collection.
    """

    __slots__ = (
        "active", "clock", "codec", "kind", "local_ip", "local_port", "local_rtcp_port", "payload_type", "ptime",
        "received", "remote_ip", "remote_port", "remote_rtcp_ip", "remote_rtcp_port", "sent", "tells_sent", "told",
        "told_ssrc",
    )  # fmt: skip

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.active = True
        """False: it has ended, and is remembered for the report on its quality."""
        self.local_ip: Optional[str] = None
        self.local_port = self.local_rtcp_port = 0
        self.remote_ip: Optional[str] = None
        self.remote_rtcp_ip: Optional[str] = None
        self.remote_port = self.remote_rtcp_port = 0
        self.received = Stream()
        """From the far end; its reports are what we measured."""
        self.sent = Stream()
        """To the far end; its reports are what the far end says it received."""
        self.clock: Optional[int] = None
        """Timestamp units per second."""
        self.codec: Optional[str] = None
        self.payload_type: Optional[int] = None
        self.ptime: Optional[int] = None
        """Milliseconds of media in a packet."""
        self.tells_sent = kind == AUDIO
        """Whether FreeSWITCH fires an event for each RTCP that it sends, if it does so for the leg."""
        self.told_ssrc: Optional[int] = None
        """Our SSRC as the variable has it; `sent.ssrc` is the one in use."""
        self.told: Optional[int] = None
        """What all above was made of, as a hash; None where more than that has to be read again each time."""

    @property
    def local(self) -> Optional[Endpoint]:
        """Our side of RTP."""
        return _known(self.local_ip, self.local_port)

    @property
    def remote(self) -> Optional[Endpoint]:
        """The far end's side of RTP."""
        return _known(self.remote_ip, self.remote_port)

    @property
    def local_rtcp(self) -> Optional[Endpoint]:
        """Our side of RTCP."""
        return _known(self.local_ip, self.local_rtcp_port)

    @property
    def remote_rtcp(self) -> Optional[Endpoint]:
        """The far end's side of RTCP."""
        return _known(self.remote_rtcp_ip, self.remote_rtcp_port)

    def set_local(self, rtp: Endpoint, rtcp_port: int) -> None:
        """Our side."""
        if (rtp.ip, rtp.port, rtcp_port) != (self.local_ip, self.local_port, self.local_rtcp_port):
            (self.local_ip, self.local_port), self.local_rtcp_port = rtp, rtcp_port
            self.received.flow = self.sent.flow = None

    def set_remote(self, rtp: Endpoint, rtcp: Endpoint) -> None:
        """The far end's side."""
        if (rtp, rtcp) != ((self.remote_ip, self.remote_port), (self.remote_rtcp_ip, self.remote_rtcp_port)):
            (self.remote_ip, self.remote_port), (self.remote_rtcp_ip, self.remote_rtcp_port) = rtp, rtcp
            self.received.flow = self.sent.flow = None


def _known(ip: Optional[str], port: int) -> Optional[Endpoint]:
    return None if ip is None else Endpoint(ip, port)


def joined(medium: Optional[Medium], early: Optional[Medium]) -> Optional[Medium]:
    """A medium of a leg with what was reported about it under the leg's next Unique-ID, before that was told."""
    if medium is None or early is None:
        return medium or early
    for stream, later, by_us in ((medium.received, early.received, True), (medium.sent, early.sent, False)):
        stream.ssrc = later.ssrc or stream.ssrc
        for report in later.reports:
            stream.add(*report, by_us=by_us)
    return medium


class _Headers(NamedTuple):
    """Which headers describe a medium."""

    always: tuple[str, str, str, str, str]
    """Our IP address and port; the far end's, as its SDP has it, or as ICE found it; our SSRC."""
    adjusted: Optional[tuple[str, str]]
    """The far end's IP address and port, as its packets have it."""
    adjusted_from: Optional[tuple[str, str]]
    """What was announced when that was seen."""
    candidate_rtcp: tuple[str, str]
    """The far end's RTCP, as ICE found it."""
    rtcp_port: str
    codec: tuple[str, ...]
    """Name, clock, payload type; the ptime, where there is one."""
    tells_sent: Optional[str]


_HEADERS = {
    AUDIO: _Headers(
        (names.LOCAL_MEDIA_IP, names.LOCAL_MEDIA_PORT, names.REMOTE_MEDIA_IP, names.REMOTE_MEDIA_PORT,
         names.AUDIO_SSRC),
        (names.REMOTE_AUDIO_IP, names.REMOTE_AUDIO_PORT),
        (names.REMOTE_AUDIO_IP_REPORTED, names.REMOTE_AUDIO_PORT_REPORTED),
        (names.REMOTE_AUDIO_RTCP_IP, names.REMOTE_AUDIO_CANDIDATE_RTCP_PORT),
        names.REMOTE_AUDIO_RTCP_PORT,
        (names.AUDIO_CODEC_NAME, names.AUDIO_CODEC_RATE, names.AUDIO_PAYLOAD_TYPE, names.AUDIO_CODEC_PTIME),
        None,
    ),
    VIDEO: _Headers(
        (names.LOCAL_VIDEO_IP, names.LOCAL_VIDEO_PORT, names.REMOTE_VIDEO_IP, names.REMOTE_VIDEO_PORT,
         names.VIDEO_SSRC),
        None,
        None,
        (names.REMOTE_VIDEO_RTCP_IP, names.REMOTE_VIDEO_CANDIDATE_RTCP_PORT),
        names.REMOTE_VIDEO_RTCP_PORT,
        (names.VIDEO_CODEC_NAME, names.VIDEO_CODEC_RATE, names.VIDEO_PAYLOAD_TYPE),
        names.VIDEO_TELLS_SENT,
    ),
}  # fmt: skip

MAX_CODEC = 64
"""Characters of a codec's name."""

_Pair = tuple[Optional[str], Optional[str]]


class _Told(NamedTuple):
    """What the variables tell of a medium, as they have it."""

    local: _Pair
    """IP address and port of our side, as below."""
    announced: _Pair
    """What the far end announced."""
    adjusted: Optional[_Pair]
    """Where its media really come from (switch_rtp.c, auto-adjust), if that corrects what is announced now."""
    ssrc: Optional[str]
    """Ours."""
    codec: tuple[Optional[str], ...]
    """What its headers have; not read without an SSRC."""
    tells_sent: bool
    """Whether FreeSWITCH fires an event for each RTCP that it sends."""


def observe_media(
    audio: Optional[Medium], video: Optional[Medium], get: Get
) -> tuple[Optional[Medium], Optional[Medium]]:
    """
    The media of a leg as they are after an event with variables; the given ones are updated in place.

    Most events bring what the one before did, and with it two SDPs of 1 kB: those are not read again.
    """
    local_sdp, remote_sdp = get(names.LOCAL_SDP), get(names.REMOTE_SDP)
    told = _read(get, _HEADERS[AUDIO])
    known = hash((local_sdp, remote_sdp, told))
    again = False
    if audio is not None:
        if video is None and audio.told == known:
            return audio, None
        again = audio.told is None
    ours = media_lines(local_sdp, again=again) if local_sdp else ()
    theirs = media_lines(remote_sdp, again=again) if remote_sdp else ()
    of_audio, moved = told, told.announced
    is_videos = _is_candidate(theirs, VIDEO, moved) and not _is_candidate(theirs, AUDIO, moved)
    if is_videos:
        chosen = get(names.REMOTE_AUDIO_IP), get(names.REMOTE_AUDIO_PORT)
        of_audio = told._replace(announced=chosen, adjusted=None)
    audio = _observe(AUDIO, audio, get, of_audio, ours, theirs)
    if video is not None or (_line(ours, VIDEO, None) and _line(theirs, VIDEO, None)):
        of_video = _read(get, _HEADERS[VIDEO])
        if is_videos:
            of_video = of_video._replace(announced=moved, adjusted=None)
        video = _observe(VIDEO, video, get, of_video, ours, theirs)
    if audio is not None:
        # ICE and video have more variables
        is_all = video is None and audio.active and theirs and not any(line.ice for line in theirs)
        audio.told = known if is_all else None
    return audio, video


def _observe(
    kind: str,
    medium: Optional[Medium],
    get: Get,
    told: _Told,
    ours: tuple[MediaLine, ...],
    theirs: tuple[MediaLine, ...],
) -> Optional[Medium]:
    headers = _HEADERS[kind]
    local, announced, adjusted, *_ = told
    our_line, their_line = _line(ours, kind, local[1]), _line(theirs, kind, announced[1])
    if ours and theirs and our_line is not None and their_line is None and not _has(theirs, kind):
        if medium is not None and medium.active:
            _observe_codec(medium, told)
        if medium is not None or announced[0] is None:
            return medium
    elif (ours and our_line is None) or (theirs and their_line is None):
        if medium is not None:
            medium.active = False
        return medium
    local_rtp = media_endpoint(*_told_or_said(local, our_line))
    remote_rtp = media_endpoint(*_told_or_said(adjusted, None)) if adjusted is not None else None
    if remote_rtp is None:
        ip, port = _told_or_said(announced, their_line)
        remote_rtp = media_endpoint(ip, port)
        if remote_rtp is None:
            is_ipv6 = local_rtp is not None and ":" in local_rtp.ip
            remote_rtp = host_endpoint(ip, port, as_ipv6=is_ipv6)
    if medium is None:
        if local_rtp is None and remote_rtp is None:
            return None
        medium = Medium(kind)
    medium.active = True
    mux = our_line is not None and their_line is not None and our_line.mux and their_line.mux
    if local_rtp is not None:
        port = local_rtp.port if mux else (our_line and our_line.rtcp_port) or _next(local_rtp.port)
        medium.set_local(local_rtp, port)
    if remote_rtp is not None:
        rtcp = remote_rtp if mux else _remote_rtcp(get, headers, remote_rtp, their_line)
        medium.set_remote(remote_rtp, rtcp)
    _observe_codec(medium, told)
    return medium


def _is_candidate(lines: tuple[MediaLine, ...], kind: str, pair: _Pair) -> bool:
    return any(each[1:] == pair for line in lines if line.kind == kind for each in line.candidates)


def _observe_codec(medium: Medium, told: _Told) -> None:
    """Our SSRC and the codec, as they are set when RTP begins; the ptime can change without any SDP."""
    medium.tells_sent = told.tells_sent
    ssrc = integer(told.ssrc)
    if ssrc:
        if ssrc != medium.told_ssrc:  # else what the far end reports about is newer
            medium.told_ssrc = medium.sent.ssrc = ssrc
        codec, clock, payload_type, *ptime = told.codec
        if codec != medium.codec:
            codec = without_secrets(beginning(codec or ""))[:MAX_CODEC]
            medium.codec = intern(codec) or None  # there are few, and many media
        medium.clock = integer(clock) or medium.clock
        medium.payload_type = integer(payload_type)
        medium.ptime = integer(ptime[0]) if ptime else None


def _read(get: Get, headers: _Headers) -> _Told:
    always, adjusted_headers, adjusted_from, _, _, codec_headers, tells_sent = headers
    local_ip, local_port, ip, port, ssrc = map(get, always)
    adjusted = None
    if adjusted_headers is not None and adjusted_from is not None:
        from_ip, from_port = adjusted_from
        if get(from_ip) == ip and get(from_port) == port:  # else the far end has announced another one since
            adjusted = _pair(get, adjusted_headers)
    codec = tuple(map(get, codec_headers)) if ssrc else ()
    return _Told(
        (local_ip, local_port), (ip, port), adjusted, ssrc, codec, tells_sent is None or get(tells_sent) == "true"
    )


def _pair(get: Get, headers: tuple[str, str]) -> _Pair:
    return get(headers[0]), get(headers[1])


def _has(lines: tuple[MediaLine, ...], kind: str) -> bool:
    return any(line.kind == kind for line in lines)


def _line(lines: tuple[MediaLine, ...], kind: str, port: Optional[str]) -> Optional[MediaLine]:
    """The line of a kind that was taken: the one of this port, else the first that was not refused."""
    taken = [line for line in lines if line.kind == kind and line.port]
    if len(taken) > 1:
        number = integer(port)
        for line in taken:
            if line.port == number:
                return line
    return taken[0] if taken else None


def _told_or_said(pair: _Pair, line: Optional[MediaLine]) -> tuple[Optional[str], Optional[int]]:
    """IP address and port that the variables have, each filled in by the SDP's line where it is missing."""
    ip, port = pair
    return ip or (line and line.ip), integer(port) if port else line and line.port


def _remote_rtcp(get: Get, headers: _Headers, rtp: Endpoint, line: Optional[MediaLine]) -> Endpoint:
    if line is None or line.ice:  # else they are left over from an earlier SDP
        ip, port = _pair(get, headers.candidate_rtcp)
        candidate = media_endpoint(ip, integer(port))
        if candidate is not None:
            return candidate
    if line is not None and line.ice:
        ports = {each.port for each in line.candidates if each.component == "2" and each.ip == rtp.ip}
        if len(ports) == 1:
            return media_endpoint(rtp.ip, integer(ports.pop())) or Endpoint(rtp.ip, _next(rtp.port))
    if line is None:
        announced = integer(get(headers.rtcp_port))
    else:
        announced = None if line.ice or line.port != rtp.port else line.rtcp_port
    return Endpoint(rtp.ip, announced if announced and announced <= MAX_PORT else _next(rtp.port))


def _next(port: int) -> int:
    """The port of RTCP beside RTP's (RFC 3550 §11)."""
    return min(port + 1, MAX_PORT)
