"""
SDP (RFC 8866) -> its media lines, as far as RTP's and RTCP's addresses need them.

Read with the tolerance of the parser that FreeSWITCH uses (sofia-sip sdp_parse.c): blanks and tabs in a row separate
like one, and at the end of a line they are nothing. What is not understood is passed over.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, Optional

from fs_hepipe.words.numbers import MAX_PORT, integer

KEPT = 256
"""SDPs kept, about 2 kB each: of 128 legs at a time that have to be read with every event."""

MAX_KEPT = 16_384
"""Characters of an SDP that is kept; one of a browser with many candidates has 10,000."""

MAX_READ = 24_576
"""Characters of an SDP that are read, in whole lines."""

MAX_LINES = 32
"""Media lines that are read; FreeSWITCH itself takes one of each kind."""

RTCP, RTCP_MUX, ICE, CANDIDATE = "rtcp", "rtcp-mux", "ice-ufrag", "candidate"
"""The attributes that are read, beside `MODES` (RFC 3605, RFC 5761, RFC 8839 §5.4 and §5.1)."""

MODES = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
"""Which way media flow (RFC 8866 §6.7), of the session or of a line, which wins."""

ON_HOLD = "0.0.0.0"  # noqa: S104
"""The address of a stream on hold (RFC 3264 §8.4): of IPv4 only."""

MAX_CANDIDATES = 32
"""ICE candidates of a line that are read."""

NAMES = MODES | {RTCP, RTCP_MUX, ICE, CANDIDATE}
"""Of all attributes that are read."""

# The lines that are read, and those with an attribute that begins as one of these; most lines are neither.
_lines = re.compile(
    rf"\n((?:[mc]=|a=[^\S\n]*(?i:{'|'.join(sorted(NAMES))}))[^\n]*)"
).findall


class Candidate(NamedTuple):
    """An ICE candidate over UDP (RFC 8839 §5.1)."""

    component: str
    """`1`: RTP, `2`: RTCP."""
    ip: str
    port: str


class MediaLine(NamedTuple):
    """One `m=` line and what follows it."""

    kind: str
    """`audio`, `video`, `image`, ..."""
    ip: Optional[str]
    """Its own `c=`, else the session's; a host name stays one."""
    port: int
    """0: the line is refused, or the stream has ended (RFC 3264 §6, §8.2)."""
    rtcp_port: Optional[int]
    """Of `a=rtcp` (RFC 3605)."""
    mux: bool
    """`a=rtcp-mux` (RFC 5761)."""
    ice: bool
    """`a=ice-ufrag`, of the line or of the session (RFC 8839 §4.4.4)."""
    candidates: tuple[Candidate, ...] = ()


def media_lines(sdp: str, *, again: bool = False) -> tuple[MediaLine, ...]:
    """
    The media lines, in their order, `MAX_LINES` at the most.

    Args:
        again: whether the same SDP was read a moment ago, and will be; then it is kept.
    """
    if again and len(sdp) <= MAX_KEPT:
        return _kept(sdp)
    if len(sdp) > MAX_READ:
        sdp = sdp[:MAX_READ].rpartition("\n")[0]
    return _media_lines(sdp)


def _media_lines(sdp: str) -> tuple[MediaLine, ...]:
    session, *sections = _sections(sdp)
    found = []
    for section in sections[:MAX_LINES]:
        words = section.line.split(None, 2)
        rtcp = session.rtcp if section.rtcp is None else section.rtcp
        rtcp_words = rtcp.split(None, 1) if rtcp else ()
        found.append(
            MediaLine(
                words[0].lower() if words else "",
                section.ip or session.ip,
                _port(words[1].partition("/")[0]) if len(words) > 1 else 0,
                (_port(rtcp_words[0]) or None) if rtcp_words else None,
                section.mux or session.mux,
                section.ice or session.ice,
                tuple(section.candidates),
            )
        )
    return tuple(found)


_kept = lru_cache(maxsize=KEPT)(_media_lines)


def flows_both_ways(sdp: Optional[str]) -> bool:
    """
    Whether nobody is on hold: neither `sendonly`, `recvonly` nor `inactive`, and an address (RFC 3264 §8.4). So is no
    SDP at all. Only the first audio line counts.
    """
    session, *media = _sections(sdp or "")
    audio = next((section for section in media if section.line.split(None, 1)[:1] == ["audio"]), session)
    return (audio.mode or session.mode or "sendrecv") == "sendrecv" and (audio.ip or session.ip) != ON_HOLD


class _Section:
    """What the session says, or one medium."""

    __slots__ = ("candidates", "ice", "ip", "line", "mode", "mux", "rtcp")

    def __init__(self, line: str) -> None:
        self.line = line
        """What its `m=` says; empty for the session."""
        self.ip: Optional[str] = None
        self.rtcp: Optional[str] = None
        """What its `a=rtcp` says; of several the last, as the switch takes them."""
        self.mux = self.ice = False
        self.candidates: list[Candidate] = []
        self.mode: Optional[str] = None
        """The last of `MODES` that it has."""


def _sections(sdp: str) -> list[_Section]:
    """The session and its media, all lines read once."""
    section = _Section("")
    sections = [section]
    lines: list[str] = _lines("\n" + sdp.replace("\r", "\n"))  # `\r\n` makes an empty line more
    for line in lines:
        kind, value = line[0], line[2:]
        if kind == "a":
            name, _, value = value.partition(":")
            if name not in NAMES:  # as nearly every one is written
                name = name.strip().lower()
            if name == RTCP:
                section.rtcp = value
            elif name == RTCP_MUX:
                section.mux = True
            elif name == ICE:
                section.ice = True
            elif name in MODES:
                section.mode = name
            elif name == CANDIDATE and len(section.candidates) < MAX_CANDIDATES:
                _, component, transport, _, ip, port, *_ = [*value.split(maxsplit=6), *[""] * 6]
                if transport.lower() == "udp":
                    section.candidates.append(Candidate(component, ip, port))
        elif kind == "m":
            section = _Section(value)
            sections.append(section)
        elif section.ip is None:
            section.ip = _address(value)
    return sections


def _address(value: str) -> Optional[str]:
    """The address of `IN IP4 192.0.2.1/127` or `IN IP6 2001:db8::1`, without TTL."""
    words = value.split(None, 3)
    return words[2].partition("/")[0] if len(words) > 2 and words[0].upper() == "IN" else None  # noqa: PLR2004


def _port(text: str) -> int:
    """A port, 0 for what is none."""
    number = integer(text) or 0
    return number if number <= MAX_PORT else 0
