"""
SDP (RFC 8866) -> its media lines, as far as RTP's and RTCP's addresses need them.

Read with the tolerance of the parser that FreeSWITCH uses (sofia-sip sdp_parse.c): blanks and tabs in a row separate
like one, and at the end of a line they are nothing. What is not understood is passed over.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Optional

from fs_hepipe.words.numbers import integer

KEPT = 256
"""SDPs kept, about 2 kB each: those of 128 legs at a time. Every event of a leg with variables brings the same two."""

MAX_PORT = 65_535


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


@lru_cache(maxsize=KEPT)
def media_lines(sdp: str) -> tuple[MediaLine, ...]:
    """The media lines, in their order."""
    session, *sections = _sections(sdp)
    session_ip, session_attributes = _address(session), _attributes(session)
    found = []
    for section in sections:
        kind, *words = section[0][2:].split() or [""]
        attributes = {**session_attributes, **_attributes(section)}
        found.append(
            MediaLine(
                kind.lower(),
                _address(section) or session_ip,
                _port(words[0].partition("/")[0]) if words else 0,
                _port(attributes.get("rtcp", "").partition(" ")[0]) or None,
                "rtcp-mux" in attributes,
                "ice-ufrag" in attributes,
            )
        )
    return tuple(found)


def _sections(sdp: str) -> list[list[str]]:
    """The lines of the session and of each medium."""
    sections: list[list[str]] = [[]]
    for line in sdp.replace("\r", "\n").split("\n"):
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def _address(section: list[str]) -> Optional[str]:
    """The address of `c=IN IP4 192.0.2.1/127` or `c=IN IP6 2001:db8::1`, without TTL."""
    for line in section:
        nettype, _, *address = [*line[2:].split(), "", ""] if line.startswith("c=") else ["", ""]
        if nettype.upper() == "IN" and address[0]:
            return address[0].partition("/")[0]
    return None


def _attributes(section: list[str]) -> dict[str, str]:
    """Attributes by their names; of several with one name the last, as the switch takes them."""
    pairs = [line[2:].partition(":") for line in section if line.startswith("a=")]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _port(text: str) -> int:
    """A port, 0 for what is none."""
    number = integer(text) or 0
    return number if number <= MAX_PORT else 0
