"""
A running agent -> its status: a dictionary, text for a terminal, JSON.

Rules:
1. Every answer fits a terminal of 100 columns.
2. What may be wrong is written under `hints`, with what to do about it.
3. The password is never in it.
"""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Mapping
from typing import Any, Optional

from fs_hepipe.agent.loop import Agent
from fs_hepipe.delivery.collector import SENT, Collector, local_time
from fs_hepipe.hep.registry import protocol_name
from fs_hepipe.version import VERSION
from fs_hepipe.words import names
from fs_hepipe.words.text import shown

COLUMNS = 100
INDENT = 10
"""Columns of a label, and of the lines that continue it."""

MEDIA_LEGS = 2
"""Quality reports without any RTCP before status hints at it: those of one call."""

GLANCES, BETWEEN_GLANCES = 5, 0.005
"""Looks at numbers that do not agree, and the seconds between them; an event takes far less."""

RTCP_REPORTS = 4
"""Reports of the far ends without any of ours before status hints at it: both come every few seconds."""


def status(agent: Agent) -> dict[str, Any]:
    """All numbers of an agent, and its hints. The keys are stable: `status json` prints them."""
    looks = [_look(agent)]
    if not looks[0]["ledger"]["balances"]:  # the loop runs in another thread: it was in the middle of an event
        agent.run_between_events(lambda: looks.append(_look(agent)))
    return looks[-1]


def glance(agent: Agent) -> dict[str, Any]:
    """The same without a request to the loop: of numbers that it has just been changing, those of a moment later."""
    for _ in range(GLANCES):
        report = _look(agent)
        if report["ledger"]["balances"]:
            break
        time.sleep(BETWEEN_GLANCES)
    return report


def _look(agent: Agent) -> dict[str, Any]:
    counters, ledger = agent.counters, agent.counters.ledger()
    name, seconds = agent.busiest_event
    return {
        "version": VERSION,
        "started": agent.started,
        "running_since": local_time(agent.started),
        "configuration": agent.source,
        "capture_id": agent.config.settings.capture_id,
        "node_name": agent.pipeline.node_name,
        "collectors": [_collector(collector) for collector in agent.collectors],
        "events": {
            "received": dict(sorted(counters.received.items())),
            "mapped": dict(sorted(counters.mapped.items())),
            "ignored": dict(sorted(counters.ignored.items())),
            "failed": dict(sorted(counters.failed.items())),
        },
        "left_out": dict(sorted(counters.left_out.items())),
        "messages": {str(int(kind)): count for kind, count in sorted(counters.built.items())},
        "dropped": dict(sorted(counters.dropped.items())),
        "waiting": counters.waiting,
        "legs": {
            "living": len(agent.pipeline.legs),
            "most": agent.config.settings.max_legs,
            "evicted": agent.pipeline.legs.evicted,
            "expired": agent.pipeline.legs.expired,
        },
        "log_lines": _log_lines(agent),
        "quality": agent.pipeline.tally.report(),
        "queue": {"length": agent.queue_length, "longest_row": agent.watermark, "times_full": agent.saturated},
        "busiest_event": {"name": name, "microseconds": round(seconds * 1e6)},
        "unbound_events": agent.unbound,
        "ledger": {**ledger._asdict(), "balances": ledger.balances and agent.collectors.balances},
        "hints": hints(agent),
    }


def _log_lines(agent: Agent) -> Optional[dict[str, Any]]:
    """None if the lines of FreeSWITCH's log are not reported."""
    if agent.log_lines is None or not agent.config.settings.report_log_lines:
        return None
    report = agent.log_lines.report()
    return {
        **report,
        "counts": {**report["counts"], **agent.counters.log_lines},
        "early": agent.pipeline.log_lines.early,
    }


def _collector(collector: Collector) -> dict[str, Any]:
    error = collector.last_error
    return {
        "name": collector.name,
        "state": collector.state,
        "up": collector.is_up,
        "offered": collector.offered,
        "sent": collector.outcomes[SENT],
        "buffered": collector.buffered,
        "spooled": collector.spooled,
        "recovered": collector.recovered,
        "octets": collector.octets,
        "errors": {reason: count for reason, count in sorted(collector.outcomes.items()) if reason != SENT},
        "answers": dict(sorted(collector.answers.items())),
        "refusals": collector.refusals,
        "last_error": error.text if error else None,
        "last_error_time": error.time if error else None,
    }


def hints(agent: Agent) -> list[str]:
    """What may leave a tab of Homer empty, and what to do about it."""
    found = [*agent.config.warnings, *agent.remarks]
    settings, received = agent.config.settings, agent.counters.received
    from_remote, from_us = received[names.RECV_RTCP_MESSAGE], received[names.SEND_RTCP_MESSAGE]
    streams = max((agent.counters.built[kind] for kind in settings.qos_type), default=0)
    if settings.report_rtcp_events and not from_remote and not from_us and streams >= MEDIA_LEGS:
        found.append(
            f"{streams} streams ended and no RTCP came: if they took more than 5 s each, set "
            "rtcp-audio-interval-msec in the SIP profile, and keep the media on the switch (no bypass, no proxy)"
        )
    if settings.report_rtcp_events and from_remote >= RTCP_REPORTS and not from_us:
        found.append(
            "RTCP comes from the far ends, but not from FreeSWITCH itself: set the variable fire_rtcp_events=true "
            'before the media starts, for example <X-PRE-PROCESS cmd="set" data="fire_rtcp_events=true"/> in vars.xml'
        )
    log_lines = _log_lines(agent)
    if log_lines is not None and log_lines["problem"]:
        found.append(f"log lines: {log_lines['problem']}")
    found += [f"{collector.name}: {collector.hint}" for collector in agent.collectors if collector.hint]
    if agent.saturated:
        found.append(
            f"the event queue may have been full {agent.saturated} times, and events may be lost: "
            "raise event-queue-length"
        )
    if agent.unbound:
        found.append(f"the switch would not bind {', '.join(agent.unbound)}")
    return found


def as_json(report: Mapping[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(report) + "\n"


def as_text(report: Mapping[str, Any]) -> str:
    """The report for a terminal: lines of at most `COLUMNS`."""
    legs, queue, busiest = report["legs"], report["queue"], report["busiest_event"]
    events = report["events"]
    lines = [
        f"fs_hepipe {report['version']}, running since {report['running_since']}",
        f"  configured by {report['configuration']}",
        f"  node {report['node_name'] or '(the switch name)'}, capture id {report['capture_id']}",
        "collectors",
    ]
    for collector in report["collectors"]:
        errors, answers = _pairs(collector["errors"]), _pairs(collector["answers"])
        wrong = [f"errors {errors or 'none'}"] if errors or not answers else []
        wrong += [f"answered with {answers}"] if answers else []
        wait, on_disk = collector["buffered"] + collector["spooled"], collector["spooled"]
        waiting = (f", {wait} wait" if wait else "") + (f" ({on_disk} on disk)" if on_disk else "")
        lines.append(f"  {collector['name']}  sent {collector['sent']}{waiting}, {', '.join(wrong)}")
        lines.append(f"    {collector['state']}")
        if collector["last_error"]:
            when = local_time(collector["last_error_time"])
            lines.append(f"    last error {when}: {collector['last_error']}")
    lines.append(f"events    {'received':>10} {'mapped':>10}")
    lines += [
        f"  {name:<28} {count:>10} {events['mapped'].get(name, 0):>10}" for name, count in events["received"].items()
    ]
    messages = {f"{kind} {protocol_name(int(kind))}": count for kind, count in report["messages"].items()}
    lines += [
        f"ignored   {_pairs(events['ignored']) or 'none'}",
        f"failed    {_pairs(events['failed']) or 'none'}",
        f"left-out  {_pairs(report['left_out']) or 'none'}",
        f"messages  {_pairs(messages) or 'none'}",
        f"dropped   {_pairs(report['dropped']) or 'none'}",
        f"waiting   {report['waiting']} for a Call-ID or an address",
        f"legs      {legs['living']} known (of {legs['most']}), {legs['evicted']} evicted, {legs['expired']} expired",
        f"queue     {queue['length']} long, {queue['longest_row']} events in a row, {queue['times_full']} times full",
        f"slowest   {busiest['name'] or '-'} {busiest['microseconds']} us",
        *_log_line_text(report["log_lines"]),
        f"ledger    {'balances' if report['ledger']['balances'] else 'DOES NOT BALANCE: please report this'}",
    ]
    lines += [f"hint      {hint}" for hint in report["hints"]]
    return "".join(f"{_wrapped(line)}\n" for line in lines)


def _log_line_text(log_lines: Optional[Mapping[str, Any]]) -> list[str]:
    if log_lines is None:
        return []
    return [f"log lines {shown(log_lines['file']) or '(no file)'}: {_pairs(log_lines['counts']) or 'none'}"]


def _wrapped(line: str) -> str:
    return textwrap.fill(shown(line, len(line)), COLUMNS, subsequent_indent=" " * INDENT, break_on_hyphens=False)


def _pairs(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
