"""
Where media goes, out of an SDP: address, port and RTCP port of its first audio and first video stream.

Only what RTCP's addresses need (RFC 4566 `c=`, `m=`; RFC 3605 `a=rtcp`; RFC 5761 `a=rtcp-mux`); anything that is not
understood is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Optional

KEPT = 64
"""SDPs whose streams are kept, about 2 kB each: every event of a leg with variables brings the same two again."""


class Stream(NamedTuple):
    """One `m=` section."""

    ip: Optional[str]
    """Its own `c=`, else the session's."""
    port: int
    rtcp_port: Optional[int]
    """What `a=rtcp` says."""
    mux: bool
    """RTCP comes over the RTP port, where the other side says so too."""


@lru_cache(maxsize=KEPT)
def streams(sdp: str) -> Mapping[str, Stream]:
    """The first stream of each kind (`audio`, `video`) whose port is not 0, that is, which was not refused."""
    found: dict[str, Stream] = {}
    session, *sections = sdp.replace("\r", "").split("\nm=")
    session_ip = _connection(session)
    for section in sections:
        kind, _, rest = section.partition("\n")[0].partition(" ")
        port = _number(rest.partition(" ")[0].partition("/")[0])
        if port and kind not in found:
            *_, rtcp = ["", *_lines(section, "a=rtcp:")]
            rtcp_port, mux = _number(rtcp.partition(" ")[0]), "" in _lines(section, "a=rtcp-mux")
            found[kind] = Stream(_connection(section) or session_ip, port, rtcp_port, mux)
    return found


def _connection(section: str) -> Optional[str]:
    """The address of `c=IN IP4 192.0.2.1` or `c=IN IP6 2001:db8::1`, without TTL."""
    for line in _lines(section, "c=IN IP"):
        return line[2:].partition("/")[0].strip()
    return None


def _lines(section: str, start: str) -> list[str]:
    """The rests of the lines that start so."""
    return [part.partition("\n")[0] for part in f"\n{section}".split(f"\n{start}")[1:]]


def _number(text: str) -> Optional[int]:
    """A port, or None for what is none."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65_535:  # noqa: PLR2004
        return int(text)
    return None
