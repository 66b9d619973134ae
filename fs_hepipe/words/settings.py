"""
The part of the configuration that the pipeline uses: plain values, frozen; each field is a parameter.

`fs_hepipe.agent.config` makes it from XML and keeps the rest (collectors, queue, log).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fs_hepipe.words import names
from fs_hepipe.words.parameters import (
    events,
    file,
    none_or,
    one_of,
    parameter,
    plain,
    some_of,
    subclasses,
    switch,
    whole,
)

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
)
"""
Each step of a call once. HANGUP_COMPLETE has everything that HANGUP has, and more. Not DTMF: callers enter card numbers
and PINs.
"""

CUSTOM_EVENTS = (
    "sofia::register",
    "sofia::unregister",
    "sofia::expire",
    "sofia::register_failure",
    "sofia::gateway_state",
    "callcenter::info",
    "fifo::info",
    "valet_parking::info",
    "spandsp::rxfaxresult",
    "spandsp::txfaxresult",
)
"""
Registrations and gateways; not register_attempt and pre_register, which are fired at every refresh. What happens to a
call in a queue, a parking lot or a fax; not conferences: whoever talks there is an event each time, wanted or not.
"""

DTMF_DIGITS = ("masked", "shown")
CALL_LOG_FORMATS = ("text", "json", "full")
LOG_LEVELS = ("debug", "info", "notice", "warning", "err", "crit", "alert")
"""FreeSWITCH's, the chattiest first."""

JITTER_UNITS = ("ms", "rtp")
PACKETS_LOST = ("fraction", "interval", "cumulative")
CORRELATIONS = ("own", "a-leg")
QOS_TYPES = (32, 34, 35, 99)

MAX_UINT32 = 0xFFFFFFFF

SHORTEST_INTERVAL, LONGEST_INTERVAL = 5, 3600
"""Seconds: RTCP comes every five (RFC 3550 §6.2), so that a shorter interval has no report in it."""

MOST_POLLS = 200
"""Questions in a second: a tenth of the thread that handles the events."""

MAX_LINES = 10_000
"""Lines of the log for one leg: two megabytes."""

MAX_LINES_PER_SECOND = 1_000
"""Lines of the log in all: each costs the thread of events as much as an event."""

MAX_LEGS = 1_000_000
"""The most that can be set: 2 GB. The default is four times FreeSWITCH's usual limit of 5,000 sessions: 40 MB."""


@dataclass(frozen=True)
class Settings:
    """How events become messages."""

    capture_id: int = parameter(
        "2001", whole(0, MAX_UINT32),
        "this agent's number in Homer, 0 to 4294967295; sofia's own SIP capture uses 200 by default; Homer 7 shows "
        "`node-name` in its place",
    )
    capture_password: Optional[str] = parameter(
        "", plain, 'sent in clear text with every message if not empty: no `"`, no `\\`, no control character',
        secret=True,
    )
    node_name: Optional[str] = parameter(
        "", plain, "this agent's name in Homer, empty: the switch name; no `\"`, no `\\`, no control character",
    )
    report_call_events: bool = parameter("yes", switch, "whether lines of calls go to Homer's Logs")
    report_rtcp_events: bool = parameter("yes", switch, "whether RTCP is reported")
    report_qos_events: bool = parameter("yes", switch, "whether quality is reported, in mid-call and at hangup")
    report_custom_events: bool = parameter(
        "yes", switch, "whether registrations, gateways and other CUSTOM events are reported",
    )
    call_events: tuple[str, ...] = parameter(
        ",".join(CALL_EVENTS), events,
        "which events of a call are logged; add `DTMF` to see when digits came, how long and from where",
    )
    dtmf_digits: str = parameter(
        "masked", one_of(DTMF_DIGITS),
        "`masked`: no digit is sent; `shown`: they are, though callers enter card numbers and PINs; what your dialplan "
        "does with digits under names of its own is not masked",
    )
    custom_events: tuple[str, ...] = parameter(
        ",".join(CUSTOM_EVENTS), subclasses,
        "which CUSTOM events are logged, by subclass; add `conference::maintenance` to see who joins, leaves and is "
        "muted; who talks and other chatty actions only by name, as `conference::maintenance/start-talking`",
    )
    call_log_format: str = parameter(
        "text", one_of(CALL_LOG_FORMATS),
        "`text`: one readable line; `json`: the same, as compact JSON; `full`: FreeSWITCH's own JSON, 6 to 12 kB "
        "each, which UDP cuts into fragments, without keys and passwords",
    )
    qos_type: tuple[int, ...] = parameter(
        "34", some_of(QOS_TYPES),
        "HEP protocol types of a quality report, one message each; 34: heplify-server and Homer 7, 35: Homer 11's QoS "
        "tab, 32 or 99: Kamailio's sipcapture; Homer 7 shows 34 and 35 in one chart: do not send it both",
    )
    qos_interval: int = parameter(
        "10", none_or(SHORTEST_INTERVAL, LONGEST_INTERVAL),
        "seconds between two reports on the quality of a stream while it flows, made of the RTCP that passes: at the "
        f"first RTCP after so long; 0: only at hangup; {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}",
    )
    qos_poll: int = parameter(
        "0", none_or(1, MOST_POLLS),
        "where no RTCP tells of what the switch receives, it is asked (`uuid_set_media_stats`) once in a "
        f"`qos-interval`, of so many legs in a second at most; 0: it is not; 1 to {MOST_POLLS}",
    )
    qos_plc: bool = parameter(
        "yes", switch,
        "whether receivers conceal lost packets of G.711 (packet-loss concealment), as nearly all do: for the "
        "estimated MOS",
    )
    rtcp_jitter_unit: str = parameter(
        "ms", one_of(JITTER_UNITS),
        "`ms`: milliseconds, which Homer's charts assume; `rtp`: RTP timestamp units, as in RFC 3550",
    )
    rtcp_packets_lost: str = parameter(
        "fraction", one_of(PACKETS_LOST),
        "`packets_lost` in RTCP; `fraction`: of 256 packets, since the last report, as Homer 7's MOS takes it; "
        "`interval`: packets since the last report; `cumulative`: packets since the start, as in RFC 3550; this last "
        "count is always in `cumulative_lost`",
    )
    correlation: str = parameter(
        "own", one_of(CORRELATIONS),
        "`own`: each leg under its own Call-ID; `a-leg`: the outgoing leg under the Call-ID of the incoming leg, as in "
        "hepipe.js",
    )
    report_log_lines: bool = parameter(
        "no", switch, "whether FreeSWITCH's own log lines go to Homer's Logs, each into its call",
    )
    log_file: str = parameter(
        "", file, "the file that mod_logfile writes with `uuid=true`; empty: the one that logfile.conf names",
    )
    log_lines_level: str = parameter(
        "warning", one_of(LOG_LEVELS),
        "the least of these lines that is sent; a call asks for more by the channel variable "
        "`fs_hepipe_log_level=debug`",
    )
    log_lines_per_call: int = parameter(
        "200", whole(1, MAX_LINES), "log lines of one leg that are sent; what comes after them is counted",
    )
    log_lines_per_second: int = parameter(
        "100", whole(1, MAX_LINES_PER_SECOND),
        "log lines of all legs that are sent in a second; the others are counted",
    )
    log_lines_without_call: bool = parameter(
        "no", switch, "whether log lines that belong to no channel are sent too, under `<switch name>/log`",
    )
    max_legs: int = parameter(
        "20000", whole(1, MAX_LEGS),
        "legs kept at once; above this, the leg without an event for the longest time is dropped",
    )
