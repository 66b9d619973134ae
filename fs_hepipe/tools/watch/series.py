"""
A call -> its quality over time: loss, jitter, round trip and MOS of each stream, that is of one medium of one leg in
one direction; and the worst moments.

Only what was reported is drawn, in the unit of the axis. RTCP tells intervals, and so does a periodic quality report; a
report at hangup tells the whole call, and is a point of its own.
"""

from __future__ import annotations

from typing import Any, Optional

from fs_hepipe.tools.render import FAIR_LOSS, GOOD_MOS, endpoint
from fs_hepipe.tools.watch.call import blocks, mos_of, share_lost, share_lost_of
from fs_hepipe.tools.watch.legs import Told
from fs_hepipe.tools.watch.said import REPORT, RTCP, is_sent, number, word
from fs_hepipe.words.text import shown

LOSS, JITTER, RTT, MOS = "loss", "jitter", "rtt", "mos"
METRICS = (LOSS, JITTER, RTT, MOS)
"""Per cent of the packets, ms, ms, 1 to 5."""

WORTH_MARKING = {LOSS: 100 * FAIR_LOSS, JITTER: 30.0, RTT: 300.0, MOS: GOOD_MOS}
"""
What is worse than this can be a worst moment: MOS of ITU-T G.107 annex B, twice the 150 ms one way of ITU-T G.114, and
the 30 ms that jitter buffers usually have.
"""

RECEIVED, SENT, UNKNOWN = "received", "sent", "unknown"
"""Directions, as the switch sees them."""


class Streams:
    """The streams of a call, filled message by message."""

    def __init__(self, places: dict[str, int]) -> None:
        """
        Args:
            places: the column of each leg in the ladder.
        """
        self._places = places
        self._found: dict[tuple[int, str, str, str], dict[str, Any]] = {}

    def add(self, told: Told) -> None:
        """What a message tells about streams."""
        if told.said.kind == RTCP:
            self._rtcp(told)
        elif told.said.kind == REPORT:
            self._report(told)

    def _rtcp(self, told: Told) -> None:
        """A block is about the stream that the sender of the report receives."""
        fields, medium = told.said.fields, word(told.said.fields, "medium")
        direction = UNKNOWN if told.ours is None else RECEIVED if told.ours else SENT
        stream = self._stream(told, medium, direction, "RTCP")
        about = blocks(fields)
        if len(about) == 1:  # with several, the sender receives several streams
            share = share_lost(about[0])
            self._point(stream, told, LOSS, None if share is None else share * 100)
            self._point(stream, told, JITTER, _jitter(about[0], told.leg.clocks.get(medium)))
        self._point(stream, told, RTT, number(fields, "rtt_avg_ms"))

    def _report(self, told: Told) -> None:
        fields = told.said.fields
        sent = is_sent(fields)
        direction = UNKNOWN if sent is None else SENT if sent else RECEIVED
        is_whole = told.said.name != "PERIODIC"
        source = "whole call" if is_whole else "interval"
        stream = self._stream(told, word(fields, "MEDIUM"), direction, source)
        share = share_lost_of(fields)
        self._point(stream, told, LOSS, None if share is None else share * 100)
        self._point(stream, told, JITTER, number(fields, "JITTER"))
        self._point(stream, told, RTT, number(fields, "RTT"))
        self._point(stream, told, MOS, mos_of(fields))
        if is_whole:
            keys = {"packets": "TOTAL_PK", "expected": "EXPECTED_PK", "lost": "PACKET_LOSS", "jitter": "JITTER",
                    "rtt": "RTT", "mos": "MOS", "r": "RFACTOR"}  # fmt: skip
            totals = {name: value for name, key in keys.items() if (value := number(fields, key)) is not None}
            stream["total"] = {**totals, "source": shown(word(fields, "MOS_SOURCE"), 20)}

    def _stream(self, told: Told, medium: str, direction: str, source: str) -> dict[str, Any]:
        message = told.said.message
        way = "" if direction != UNKNOWN else (
            f"{endpoint(message.dst_ip, message.dst_port)} → {endpoint(message.src_ip, message.src_port)}"
        )  # fmt: skip  # about the stream that goes to whoever reports
        key = self._places[told.leg.key], medium, direction + way, source
        return self._found.setdefault(key, {
            "at": key[0], "medium": shown(medium, 20) or "media", "direction": direction, "way": way, "source": source,
            "codec": shown(told.leg.codecs.get(medium, ""), 40), **{metric: [] for metric in METRICS},
        })  # fmt: skip

    def _point(self, stream: dict[str, Any], told: Told, metric: str, value: Optional[float]) -> None:
        if value is not None and value >= 0 and told.said.message.timestamp:
            stream[metric].append([told.said.message.timestamp, round(value, 3), told.number])

    def result(self) -> list[dict[str, Any]]:
        """The streams by leg, medium and direction."""
        return [self._found[key] for key in sorted(self._found)]


def _jitter(block: dict[str, Any], clock: Optional[float]) -> Optional[float]:
    """
    Milliseconds. A number with a fraction is ms already (rtcp-jitter-unit=ms); a whole one is in timestamp units
    (RFC 3550 §6.4.1), which need the clock of the medium.
    """
    jitter = number(block, "ia_jitter")
    if jitter is not None and type(jitter) is int:
        return None if clock is None else jitter * 1000 / clock
    return jitter


def worst(streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The worst interval of each measure that is worth marking, over all streams."""
    found = []
    for metric in METRICS:
        points = [(point, place) for place, stream in enumerate(streams)
                  for point in stream[metric] if stream["source"] != "whole call"]  # fmt: skip
        if not points:
            continue
        sign = 1 if metric == MOS else -1
        (time, value, number_), place = min(points, key=lambda each: sign * each[0][1])
        if sign * value < sign * WORTH_MARKING[metric]:
            found.append({"metric": metric, "t": time, "value": value, "n": number_, "stream": place})
    return found
