"""
What the pipeline has to know of the configuration: plain values, frozen; each field is a parameter.

`fs_hepipe.agent.config` makes it from XML; everything that is not about mapping (collectors, queue, log) stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fs_hepipe.words import names
from fs_hepipe.words.parameters import events, one_of, parameter, plain, some_of, switch, whole

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

MAX_UINT32 = 0xFFFFFFFF

MAX_LEGS = 1_000_000
"""Of any configuration: 2 GB. The default is FreeSWITCH's usual limit of 5,000 sessions, four times over: 40 MB."""


@dataclass(frozen=True)
class Settings:
    """How events become messages."""

    capture_id: int = parameter(
        "2001", whole(0, MAX_UINT32),
        "this agent's number in Homer, 0 to 4294967295; sofia's own SIP capture uses 200 unless told otherwise",
    )
    capture_password: Optional[str] = parameter(
        "", plain, 'sent in clear with every message where it is not empty: no `"`, no `\\`, no control character',
        secret=True,
    )
    node_name: Optional[str] = parameter(
        "", plain, "this agent's name in Homer, empty: the switch name; no `\"`, no `\\`, no control character",
    )
    report_call_events: bool = parameter("yes", switch, "whether lines of calls go to Homer's Logs")
    report_rtcp_events: bool = parameter("yes", switch, "whether RTCP is reported")
    report_qos_events: bool = parameter("yes", switch, "whether quality is reported at hangup")
    report_custom_events: bool = parameter(
        "yes", switch, "whether registrations, gateways and other CUSTOM events are reported",
    )
    call_events: tuple[str, ...] = parameter(
        ",".join(CALL_EVENTS), events,
        "which events of a call are logged; DTMF shows digits: take it out where callers press card numbers or PINs",
    )
    custom_events: tuple[str, ...] = parameter(
        ",".join(CUSTOM_EVENTS), events, "which CUSTOM events are logged, by subclass",
    )
    call_log_format: str = parameter(
        "text", one_of(CALL_LOG_FORMATS),
        "`text`: a line a person reads; `json`: the same, as compact JSON; `full`: the switch's own JSON, 6 to 12 kB "
        "each, which UDP cuts into fragments, without the SRTP keys that it has in it",
    )
    qos_type: tuple[int, ...] = parameter(
        "34", some_of(QOS_TYPES),
        "HEP protocol types of a quality report, one message each; 34: heplify-server and Homer 7, 35: Homer 11's QoS "
        "tab, 32 or 99: Kamailio's sipcapture; Homer 7 shows 34 and 35 in one chart: don't send it both",
    )
    rtcp_jitter_unit: str = parameter(
        "ms", one_of(JITTER_UNITS),
        "`ms`: what Homer's charts assume; `rtp`: RTP timestamp units, as RFC 3550 has them",
    )
    correlation: str = parameter(
        "own", one_of(CORRELATIONS),
        "`own`: each leg under its own Call-ID; `a-leg`: the outgoing leg under the incoming one's, as hepipe.js did",
    )
    max_legs: int = parameter(
        "20000", whole(1, MAX_LEGS), "legs remembered at once; beyond that the one unseen longest is forgotten",
    )
