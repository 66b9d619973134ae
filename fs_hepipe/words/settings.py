"""
What the pipeline has to know of the configuration: plain values, frozen, one docstring each.

`fs_hepipe.agent.config` makes it from XML; everything that is not about mapping (collectors, queue, log) stays there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from fs_hepipe.words import names

CALL_EVENTS = (
    names.CHANNEL_CREATE,
    names.CHANNEL_PROGRESS,
    names.CHANNEL_PROGRESS_MEDIA,
    names.CHANNEL_ANSWER,
    names.CHANNEL_BRIDGE,
    names.CHANNEL_UNBRIDGE,
    names.CHANNEL_HOLD,
    names.CHANNEL_UNHOLD,
    names.CHANNEL_UUID,
    names.CHANNEL_HANGUP_COMPLETE,
    names.DTMF,
)
"""What a person wants to read of a call: each step once. HANGUP_COMPLETE says all that HANGUP does, and more."""

CUSTOM_EVENTS = (
    "sofia::register",
    "sofia::unregister",
    "sofia::expire",
    "sofia::register_failure",
    "sofia::gateway_state",
)
"""Registrations and gateways; not register_attempt and pre_register, which come again with every refresh."""

CALL_LOG_FORMATS = ("text", "json", "full")
JITTER_UNITS = ("ms", "rtp")
CORRELATIONS = ("own", "a-leg")
QOS_TYPES = (32, 34, 35, 99)

MAX_LEGS = 20_000
"""A switch at FreeSWITCH's usual limit of 5,000 sessions, four times over; about 40 MB at the most."""


@dataclass(frozen=True)
class Settings:
    """How events become messages."""

    capture_id: int = 2001
    """Chunk 0x000c of every message, 0 to 4294967295."""
    capture_password: Optional[str] = field(default=None, repr=False)
    """Chunk 0x000e, or none."""
    node_name: Optional[str] = None
    """Chunk 0x0013; None: the name that the switch gives itself."""
    report_call_events: bool = True
    report_rtcp_events: bool = True
    report_qos_events: bool = True
    report_custom_events: bool = True
    call_events: tuple[str, ...] = CALL_EVENTS
    custom_events: tuple[str, ...] = CUSTOM_EVENTS
    call_log_format: str = "text"
    """`text`: a line a person reads; `json`: the same as compact JSON; `full`: the switch's own JSON."""
    qos_type: tuple[int, ...] = (34,)
    """The protocol types under which a quality report is sent, one message each."""
    rtcp_jitter_unit: str = "ms"
    """`ms`, which Homer's charts assume, or `rtp`: RFC 3550's timestamp units."""
    correlation: str = "own"
    """`own`: each leg under its own Call-ID; `a-leg`: the outgoing leg under the incoming one's."""
    max_legs: int = MAX_LEGS
    """Legs remembered at once; beyond that the one unseen longest is forgotten."""
