"""
An RTCP report -> JSON as Homer's collectors read it.

`_any` writes it; `_usual` writes the same of a report that has everything, all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from fs_hepipe.calls.media import AUDIO, VIDEO
from fs_hepipe.reports.rtcp_event import REPORT_BLOCK, SENDER_INFORMATION, Block, Report
from fs_hepipe.words.numbers import milliseconds

SENDER_REPORT = 200
RECEIVER_REPORT = 201
"""RTCP packet types (RFC 3550 §12.1)."""

FRACTION = 256
"""What a fraction lost is a fraction of (RFC 3550 §6.4.1)."""


def written(report: Report, jitter_unit: str, packets_lost: str, leg: bytes) -> bytes:
    """
    The report as JSON.

    Args:
        jitter_unit: `ms` or `rtp`.
        packets_lost: `fraction`, `interval` or `cumulative`, see `_packets_lost`.
        leg: its Unique-ID as JSON.
    """
    payload = _usual(report, jitter_unit, packets_lost, leg)
    return _any(report, jitter_unit, packets_lost, leg) if payload is None else payload


def _usual(report: Report, jitter_unit: str, packets_lost: str, leg: bytes) -> Optional[bytes]:
    """What `_any` writes, of a sender report with one block that tells everything; None of any other."""
    medium, blocks = report.medium, report.blocks
    if medium is None or not report.is_sender_report or len(blocks) != 1:
        return None
    block = blocks[0]
    rtt = _round_trip(report) if block.rtt else None
    try:
        return _USUAL[jitter_unit] % (
            report.sender, *report.information, b"" if rtt is None else _RTT % rtt,
            block.ssrc, _packets_lost(block, packets_lost),
            block.fraction_lost, block.lost, block.highest_seq, block.lsr, block.dlsr,
            _jitter(block, report.clock, jitter_unit), _KINDS[medium.kind], leg,
        )  # fmt: skip
    except TypeError:
        return None  # one of the numbers is None


def _any(report: Report, jitter_unit: str, packets_lost: str, leg: bytes) -> bytes:
    """
    A report as JSON. Its keys are ours and its values numbers (the leg's Unique-ID is escaped already), so that no
    encoder is needed: one would take three times as long.
    """
    members = [f'"type":{SENDER_REPORT if report.is_sender_report else RECEIVER_REPORT}']
    if report.sender is not None:
        members.append(f'"ssrc":{report.sender}')
    if report.is_sender_report:
        members.append(f'"sender_information":{{{_members(_INFORMATION_KEYS, report.information)}}}')
    rtt = _round_trip(report)
    if rtt is not None:
        members.append(f'"rtt_avg_ms":{rtt}')
    blocks = []
    for block in report.blocks:
        told = (
            block.ssrc, _packets_lost(block, packets_lost),
            block.fraction_lost, block.lost, block.highest_seq, block.lsr, block.dlsr,
            _jitter(block, report.clock, jitter_unit),
        )  # fmt: skip
        blocks.append(f"{{{_members(_BLOCK_KEYS, told)}}}")
    members.append(f'"report_count":{len(blocks)},"report_blocks":[{",".join(blocks)}]')
    if report.medium is not None:
        members.append(f'"medium":"{report.medium.kind}"')
    # The leg also keeps two legs' reports apart where a collector drops equal payloads.
    return f"{{{','.join(members)},\"leg\":".encode() + leg + b"}"


def _packets_lost(block: Block, meaning: str) -> Optional[int]:
    """
    What a reader of `packets_lost` finds; None where it is not known.

    `fraction`: how many of 256 packets were lost since the report before. Homer 7 takes packets_lost / 256 for the
    share that was lost as soon as fraction_lost is not 0 (homer-ui qos.worker.ts). It is made of the counts, so that
    what was lost while a report got lost is in the next one; of the report's own fraction where the counts do not tell.
    One packet is not: FreeSWITCH counts one lost at the start of nearly every stream (switch_rtp.c:rtcp_stats_init).
    `interval`: how many packets were lost since the report before. `cumulative`: RFC 3550's count.
    """
    lost = block.lost
    if meaning == "cumulative" or lost is None:
        return lost
    since, expected = block.since
    if meaning == "interval":
        return since
    if since is not None and expected and 0 < expected >= since:
        return (FRACTION * since + expected // 2) // expected if since > 0 else 0
    return 0 if lost <= 1 else block.fraction_lost


def _jitter(block: Block, clock: Optional[int], jitter_unit: str) -> Optional[float]:
    return milliseconds(block.jitter, clock) if jitter_unit == "ms" else block.jitter


def _round_trip(report: Report) -> Optional[float]:
    """ms: of the block about our stream. The switch gives one for every block, also for those about others."""
    medium, blocks = report.medium, report.blocks
    ours = None if medium is None else medium.sent.ssrc
    for block in blocks:
        if block.rtt and (block.ssrc == ours if ours else len(blocks) == 1):
            return round(block.rtt * 1000, 3)
    return None


def _members(keys: tuple[str, ...], values: Iterable[object]) -> str:
    """`"key":value` of each that is known, between commas."""
    return ",".join([f'"{key}":{value}' for key, value in zip(keys, values) if value is not None])


def _places(keys: tuple[str, ...]) -> str:
    return ",".join([f'"{key}":%d' for key in keys])


_INFORMATION_KEYS = tuple(key for key, _ in SENDER_INFORMATION)
_BLOCK_KEYS = ("source_ssrc", "packets_lost", *(key for key, _ in REPORT_BLOCK))

# %d and %.3f raise a TypeError for None.
_KINDS = {AUDIO: AUDIO.encode(), VIDEO: VIDEO.encode()}
_RTT = b',"rtt_avg_ms":%.3f'
_USUAL = {
    jitter_unit: (
        f'{{"type":{SENDER_REPORT},"ssrc":%d,"sender_information":{{{_places(_INFORMATION_KEYS)}}}%b,'
        f'"report_count":1,"report_blocks":[{{{_places(_BLOCK_KEYS[:-1])},"{_BLOCK_KEYS[-1]}":{jitter}}}],'
        '"medium":"%b","leg":%b}'
    ).encode()
    for jitter_unit, jitter in (("ms", "%.3f"), ("rtp", "%d"))
}
"""By the unit of the jitter; the milliseconds were rounded before."""
