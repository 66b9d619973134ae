"""What `packets_lost` is, and that Homer's own chart tells the truth with it, over every recorded story."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest

from fs_hepipe.calls.stream import Stream
from fs_hepipe.hep import Message
from fs_hepipe.reports import emodel, rtcp
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.words.counters import Counts
from fs_hepipe.words.settings import PACKETS_LOST
from tests.unit.reports.test_rtcp import OURS, THEIRS, loaded, medium
from tests.unit.synthetic import Channel, Ear, block, body, leg_with, received_rtcp, sent_rtcp

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("fs_hepipe/tools/recordings", "tests/data/stories", "tests/data/cases")
RECORDINGS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.jsonl.gz"))

RTCP = 5


# --- Homer's chart ----------------------------------------------------------------------------------------------------


def homer_7(block: dict[str, Any]) -> float:
    """
    The MOS of Homer 7's chart QoS > RTCP, as homer-ui 7.11 computes it (src/app/workers/qos.worker.ts, parseRTCP and
    calculateJitterMos): packets_lost / 256 is the share that was lost, if fraction_lost is not 0.
    """
    fraction = block["fraction_lost"]
    percent = 0.0 if fraction <= 0 else 100.0 if fraction > 256 else block["packets_lost"] / 256 * 100
    return min(4.7, mos_of(r_without_loss(block) - 2.5 * percent))


def homer_11(block: dict[str, Any]) -> float:
    """The same of Homer 11 (sipcapture/homer, src/ui/src/dashboard/QosPanel.tsx): the share is the fraction."""
    return min(4.7, mos_of(r_without_loss(block) - 2.5 * max(0, block["fraction_lost"]) / 256 * 100))


def r_without_loss(block: dict[str, Any]) -> float:
    """Both have this of delay: jitter in ms, a DLSR below 1000 as a round trip in ms, else 10 ms."""
    round_trip = block["dlsr"] if 0 < block["dlsr"] < 1000 else 10
    latency = round_trip + 2 * block["ia_jitter"] + 10
    return float(93.2 - (latency / 40 if latency < 160 else (latency - 120) / 10))


def mos_of(r: float) -> float:
    r = min(100.0, max(0.0, r))
    return 1 + 0.035 * r + 0.000007 * r * (r - 60) * (100 - r)


def truth(block: dict[str, Any], share: float) -> float:
    """What the E-model makes of that loss (G.711 with concealment), with Homer's own word on delay."""
    return emodel.mos(r_without_loss(block) - (emodel.rating() - emodel.rating(loss=share)))


class Heard(NamedTuple):
    """A report block of a recording: what the switch said, and what it said before about the same source."""

    message: Message
    block: dict[str, Any]
    before: Optional[dict[str, Any]]

    @property
    def share(self) -> float:
        """The interval's loss, of the counts; of the first report's own fraction where there is no other before it."""
        before = self.before
        if before is None or self.block["highest_seq_no"] <= before["highest_seq_no"]:
            return float(self.block["fraction_lost"] / 256)
        lost = self.block["cumulative_lost"] - before["cumulative_lost"]
        return float(max(0, lost) / (self.block["highest_seq_no"] - before["highest_seq_no"]))


@cache
def heard(recording: Path, packets_lost: str) -> list[Heard]:
    ear = Ear(rtcp_packets_lost=packets_lost)
    messages: list[Message] = []
    for event in events(str(recording)):
        assert not isinstance(event, Fault)
        messages += ear.hear(event)
    messages += ear.end()
    before: dict[Any, dict[str, Any]] = {}
    found = []
    for message in messages:
        if message.protocol_type == RTCP:
            report = body(message)
            for block in report["report_blocks"]:
                source = report["leg"], report.get("ssrc"), block["source_ssrc"]
                found.append(Heard(message, block, before.get(source)))
                before[source] = block
    return found


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name.split(".jsonl")[0])
def test_homer_7_charts_the_loss_of_the_interval(recording: Path) -> None:
    for each in heard(recording, "fraction"):
        if each.before is not None or each.block["cumulative_lost"] > 1:
            assert homer_7(each.block) == pytest.approx(truth(each.block, each.share), abs=0.3), each


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name.split(".jsonl")[0])
def test_one_packet_lost_at_the_start_colours_nothing(recording: Path) -> None:
    """In uuid_bridge_to_a_third_leg it is 255 of 256 of a stream that had not begun."""
    for each in heard(recording, "fraction"):
        if each.before is None and each.block["cumulative_lost"] <= 1:
            assert each.block["packets_lost"] == 0
            assert homer_7(each.block) > 4.3


def test_a_lossy_call_is_as_bad_at_its_end_as_at_its_start() -> None:
    """With RFC 3550's count Homer 7 has it fall from 4.1 to 1.6 within 20 seconds."""
    lossy = next(path for path in RECORDINGS if path.name.startswith("lossy_media"))
    charted = [homer_7(each.block) for each in heard(lossy, "fraction")]
    assert min(charted) > 3.2
    assert min(homer_7(each.block) for each in heard(lossy, "cumulative")) < 2
    assert [homer_11(each.block) for each in heard(lossy, "fraction")] == pytest.approx(charted, abs=0.3)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name.split(".jsonl")[0])
def test_the_cumulative_count_is_told_whatever_packets_lost_is(recording: Path) -> None:
    told = {meaning: [each.block for each in heard(recording, meaning)] for meaning in PACKETS_LOST}
    for fraction, interval, cumulative in zip(*(told[meaning] for meaning in PACKETS_LOST)):
        rest = [{**block, "packets_lost": None} for block in (fraction, interval, cumulative)]
        assert rest[0] == rest[1] == rest[2]
        assert cumulative["packets_lost"] == cumulative["cumulative_lost"]
        assert 0 <= fraction["packets_lost"] <= 256


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name.split(".jsonl")[0])
def test_the_intervals_add_up_to_the_count(recording: Path) -> None:
    total: dict[Any, int] = {}
    for each in heard(recording, "interval"):
        report = body(each.message)
        if "medium" not in report or "packets_lost" not in each.block:
            continue  # nobody knows of which stream it is
        source = report["leg"], report.get("ssrc"), each.block["source_ssrc"]
        total[source] = total.get(source, 0) + each.block["packets_lost"]
        assert total[source] == each.block["cumulative_lost"]


# --- an interval ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reports, since", [
    ([(1, 5, 1000)], (5, None)),                                        # the first: since the beginning
    ([(1, 5, 1000), (1, 8, 1250)], (3, 250)),
    ([(1, 5, 1000), (1, 5, 1250), (1, 15, 2000)], (10, 750)),           # a report got lost
    ([(1, 5, 1000), (1, 5, 1000)], (0, 0)),                             # the same again
    ([(1, 5, 1000), (1, 2, 1250)], (-3, 250)),                          # duplicated packets
    ([(1, 5, 1250), (1, 4, 1000)], (-1, -250)),                         # an older report comes late
    ([(1, 50, 60_000), (1, 0, 200)], (0, None)),                        # restart: counts begin anew
    ([(1, 50, 1000), (1, 3, 40_000)], (3, None)),                       # and with a leap forward
    ([(1, 5, 1000), (1, 6, 40_000)], (1, None)),                        # a leap that is no restart for sure
    ([(1, 5, 65_400), (1, 7, 114)], (2, 250)),                          # a receiver that counts no cycles
    ([(1, 5, 65_400), (1, 7, 65_650)], (2, 250)),                       # and one that does
    ([(1, 5, 2**32 - 100), (1, 7, 150)], (2, 250)),
    ([(1, 5, None), (1, 7, 1000)], (2, None)),
    ([(1, 5, 1000), (1, 7, None)], (2, None)),
    ([(1, 5, 1000), (2, 1, 30_000)], (1, None)),                        # another source: its own beginning
    ([(1, 5, 1000), (2, 1, 30_000), (1, 8, 1500)], (3, 500)),           # and the one before again
    ([(1, 5, 1000), (2, 1, 30_000), (3, 0, 9), (2, 2, 30_100), (1, 9, 1200), (2, 4, 30_200)], (2, 100)),
    ([(1, 5, 1000), (2, 1, 30_000), (1, 8, 60_000)], (3, None)),
])  # fmt: skip
def test_what_was_lost_since_the_report_before(
    reports: list[tuple[int, int, Optional[int]]], since: tuple[int, Optional[int]]
) -> None:
    stream = Stream()
    assert [stream.add(*report) for report in reports][-1] == since


def test_a_restart_is_known_although_the_sequence_number_wraps() -> None:
    stream = Stream()
    stream.add(1, 50, 60_000)
    stream.add(1, 2, 200)
    assert stream.lost == 52


def told(packets_lost: str, *reports: dict[str, object], sends: bool = False) -> list[dict[str, Any]]:
    """The block of each of these reports about one stream."""
    leg = leg_with(medium())
    found = []
    for number, numbers in enumerate(reports):
        if sends:
            get = Channel().says(sent_rtcp(THEIRS, THEIRS, (number + 1, 0), **numbers)).getHeader
            record = rtcp.sent(get, leg, "ms", Counts(), packets_lost)
        else:
            get = Channel().hears(received_rtcp(THEIRS, (number + 1, 0), [block(OURS, **numbers)])).getHeader
            record = rtcp.received(get, leg, "ms", Counts(), packets_lost)
        found.append(loaded(record)["report_blocks"][0])
    return found


def counts(lost: int, highest: int, fraction: int = 9) -> dict[str, object]:
    return {"Lost": lost % 2**32, "Highest-Sequence-Number-Received": highest, "Fraction": fraction}


@pytest.mark.parametrize("sends, back", [(False, 2), (True, 0)], ids=["heard", "sent"])
@pytest.mark.parametrize("packets_lost, expected", [
    ("fraction",   [9, 26, 0, 0, 256, 9, 1]),
    ("interval",   [5, 25, 0, 0, 250, 8, 1]),
    ("cumulative", [5, 30, 30, 30, 280, 288, 289]),
])  # fmt: skip
def test_each_meaning_of_packets_lost(packets_lost: str, expected: list[int], sends: bool, back: int) -> None:
    """FreeSWITCH itself never counts a loss back (switch_rtp.c:rtcp_generate_report_block); others do."""
    reports = (
        counts(5, 1000), counts(30, 1250), counts(30, 1500), counts(30 - back, 1750), counts(280 - back, 2000),
        counts(288 - back, 2004), counts(289 - back, 2204),
    )  # fmt: skip
    blocks = told(packets_lost, *reports, sends=sends)
    if packets_lost == "interval":
        expected = [*expected[:3], -back, *expected[4:]]
    elif packets_lost == "cumulative":
        expected = [*expected[:3], *(count - back for count in expected[3:])]
    assert [each["packets_lost"] for each in blocks] == expected
    assert [each["cumulative_lost"] for each in blocks[:3]] == [5, 30, 30]
    assert [each["cumulative_lost"] + back for each in blocks[3:]] == [30, 280, 288, 289]
    assert {each["fraction_lost"] for each in blocks} == {9}


def test_what_the_event_does_not_say_is_absent() -> None:
    for meaning in PACKETS_LOST:
        headers = received_rtcp(THEIRS, blocks=[block(OURS)])
        headers.pop("Source0-Lost")
        record = rtcp.received(Channel().hears(headers).getHeader, leg_with(medium()), "ms", Counts(), meaning)
        assert {"packets_lost", "cumulative_lost"}.isdisjoint(loaded(record)["report_blocks"][0])


@pytest.mark.parametrize("packets_lost, expected", [("fraction", 9), ("interval", None), ("cumulative", 40)])
def test_a_block_about_another_source_has_no_report_before(packets_lost: str, expected: Optional[int]) -> None:
    blocks = [block(OURS, **counts(0, 1000)), block(OURS + 1, **counts(40, 1000))]
    headers = received_rtcp(THEIRS, blocks=blocks)
    record = rtcp.received(Channel().hears(headers).getHeader, leg_with(medium()), "ms", Counts(), packets_lost)
    assert loaded(record)["report_blocks"][1].get("packets_lost") == expected
