"""
What a mapper makes of an event: a report or a line, not yet addressed and not yet correlated.

The pipeline turns it into a `hep.Message` as soon as the leg's Call-ID and addresses are known.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Optional


class Plane(Enum):
    """Which of a leg's flows a record belongs to, and so whose addresses it carries."""

    SIGNALLING = "signalling"
    RTP = "rtp"
    RTCP = "rtcp"


class Record(NamedTuple):
    """One thing to tell a collector."""

    timestamp: int
    """Microseconds since 1970-01-01 UTC."""
    protocol_type: int
    """HEP's (chunk 0x000b)."""
    payload: bytes
    received: bool
    """True: it came from the far end; False: it left the switch, or happened inside it."""
    plane: Plane = Plane.SIGNALLING
    medium: Optional[str] = None
    """`audio` or `video` on the RTP and RTCP planes; None where it can't be told."""
    mos: Optional[int] = None
    """Mean opinion score times 100 (chunk 0x0020)."""
    is_logged: bool = False
    """Whether it is a line of FreeSWITCH's log, which may come after what happened later."""
    lacks_call_id: bool = False
    """Whether it is a line that has to name its leg's Call-ID, which is often known only when it leaves."""
