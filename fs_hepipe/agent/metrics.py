"""
A status report -> Prometheus' text format (version 0.0.4), or OpenMetrics 1.0, for `metrics-listen` and
`python fs_hepipe metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from fs_hepipe.words.text import shown

Sample = tuple[Mapping[str, str], float]

PREFIX = "fs_hepipe"


QUALITY = {
    "mos": "MOS of the audio of calls that ended, as in their quality reports.",
    "loss_ratio": "Packets lost of those expected, of the audio of calls that ended.",
    "jitter_seconds": "Jitter at the end of the audio of calls.",
    "rtt_seconds": "Round trip, as the far end last told it.",
}
"""Measure of `reports.tally` -> help."""

UNITS = ("seconds", "octets", "ratio")
"""How names end that have a unit."""


def as_prometheus(report: Mapping[str, Any], *, is_open: bool = False) -> str:
    """
    The counters of `status.status` as metrics.

    Args:
        is_open: in OpenMetrics' format; the names of the samples are the same.
    """
    events, legs, queue = report["events"], report["legs"], report["queue"]
    collectors = report["collectors"]
    lines: list[str] = []

    def head(family: str, kind: str, help_text: str) -> None:
        if is_open and kind == "counter":
            family = family.removesuffix("_total")
        lines.append(f"# HELP {family} {help_text}")
        lines.append(f"# TYPE {family} {kind}")
        if is_open and family.endswith(UNITS):
            lines.append(f"# UNIT {family} {family.rpartition('_')[2]}")

    def metric(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> None:
        head(f"{PREFIX}_{name}", kind, help_text)
        lines.extend(f"{PREFIX}_{name}{_labels(labels)} {value}" for labels, value in samples)

    def by(label: str, counts: Mapping[str, int]) -> list[Sample]:
        return [({label: name}, count) for name, count in counts.items()]

    # fmt: off
    metric("info", "gauge", "Version of the agent.", [({"version": report["version"]}, 1)])
    metric("start_time_seconds", "gauge", "When the agent started, seconds since 1970.", [({}, report["started"])])
    metric("events_received_total", "counter", "Events popped, by name.", by("event", events["received"]))
    metric("events_mapped_total", "counter", "Events that gave a record, by name.", by("event", events["mapped"]))
    metric("events_ignored_total", "counter", "Events without a record, by reason.", by("reason", events["ignored"]))
    metric("events_failed_total", "counter", "Events that could not be mapped, by reason.",
           by("reason", events["failed"]))
    metric("numbers_left_out_total", "counter", "Numbers that a report lacks, by reason.",
           by("reason", report["left_out"]))
    metric("messages_total", "counter", "Messages built, by HEP protocol type.", by("type", report["messages"]))
    metric("records_dropped_total", "counter", "Records that never became a message, by reason.",
           by("reason", report["dropped"]))
    metric("records_waiting", "gauge", "Records that wait for a Call-ID or an address.", [({}, report["waiting"])])
    metric("sent_total", "counter", "Messages sent, by collector.",
           [({"collector": each["name"]}, each["sent"]) for each in collectors])
    metric("offered_total", "counter", "Messages that a collector was to get.",
           [({"collector": each["name"]}, each["offered"]) for each in collectors])
    metric("buffered", "gauge", "Messages that wait in memory for a collector.",
           [({"collector": each["name"]}, each["buffered"]) for each in collectors])
    metric("spooled", "gauge", "Messages that wait on disk for a collector.",
           [({"collector": each["name"]}, each["spooled"]) for each in collectors])
    metric("recovered_total", "counter", "Messages that an earlier run has left on disk for a collector.",
           [({"collector": each["name"]}, each["recovered"]) for each in collectors])
    metric("up", "gauge", "1 if messages can be sent to a collector now, as far as that is known.",
           [({"collector": each["name"]}, int(each["up"])) for each in collectors])
    metric("sent_octets_total", "counter", "Octets sent, by collector.",
           [({"collector": each["name"]}, each["octets"]) for each in collectors])
    metric("send_errors_total", "counter", "Messages not sent, by collector and reason.",
           [({"collector": each["name"], "reason": reason}, count)
            for each in collectors for reason, count in each["errors"].items()])
    metric("refusals_total", "counter", "How often a collector's host answered that nobody listens.",
           [({"collector": each["name"]}, each["refusals"]) for each in collectors])
    metric("last_error_time_seconds", "gauge", "When a collector's last error was, seconds since 1970.",
           [({"collector": each["name"]}, each["last_error_time"]) for each in collectors if each["last_error"]])
    metric("legs", "gauge", "Legs that are known now.", [({}, legs["living"])])
    metric("legs_forgotten_total", "counter", "Legs dropped before they ended, by reason.",
           by("reason", {"evicted": legs["evicted"], "expired": legs["expired"]}))
    metric("queue_length", "gauge", "Events that FreeSWITCH's queue for the agent holds.", [({}, queue["length"])])
    metric("queue_longest_row", "gauge", "The most events popped without a pause.", [({}, queue["longest_row"])])
    metric("queue_full_total", "counter", "How often the queue may have been full.", [({}, queue["times_full"])])
    metric("busiest_event_seconds", "gauge", "The longest that one event took.",
           [({}, report["busiest_event"]["microseconds"] / 1e6)])
    metric("unbound_events", "gauge", "Events that the switch would not bind.",
           [({}, len(report["unbound_events"]))])
    if report["log_lines"] is not None:
        metric("log_lines_total", "counter", "Lines and messages of FreeSWITCH's log, by what became of them.",
               by("outcome", report["log_lines"]["counts"]))
        metric("log_file_readable", "gauge", "1 if nothing keeps FreeSWITCH's log from being read.",
               [({}, int(not report["log_lines"]["problem"]))])
    metric("hints", "gauge", "Hints of status: what may be wrong.", [({}, len(report["hints"]))])
    metric("ledger_balances", "gauge", "1 as long as every event and message is accounted for.",
           [({}, int(report["ledger"]["balances"]))])
    # fmt: on
    for measure, help_text in QUALITY.items():
        family = f"{PREFIX}_call_{measure}"
        head(family, "histogram", help_text)
        for each in report["quality"]:
            if measure in each:
                labels = {name: each[name] for name in ("gateway", "profile", "direction")}
                lines += _histogram(family, labels, each[measure])
    return "\n".join([*lines, *(["# EOF"] if is_open else [])]) + "\n"


def _histogram(family: str, labels: Mapping[str, str], found: Mapping[str, Any]) -> Iterable[str]:
    """The samples of one histogram, whose counts Prometheus wants to be cumulative."""
    counts = list(accumulate(found["counts"]))
    for bound, count in zip((*found["bounds"], "+Inf"), counts):
        yield f"{family}_bucket{_labels({**labels, 'le': str(bound)})} {count}"
    yield f"{family}_count{_labels(labels)} {counts[-1]}"
    yield f"{family}_sum{_labels(labels)} {found['sum']}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(shown(text))}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
