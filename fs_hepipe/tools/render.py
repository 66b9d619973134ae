"""
HEP messages -> text for people, and JSON for programs.

Of a foreign report only numbers are used, and only numbers that a report can have: one that has others is shown as it
is, escaped.
"""

from __future__ import annotations

import json
import time
from typing import Any, Optional, Union

from fs_hepipe.delivery import address
from fs_hepipe.hep import Chunk, ChunkType, Message, ProtocolType, Reading
from fs_hepipe.hep.registry import chunk_name, protocol_name
from fs_hepipe.reports.rtcp_event import MAX_BLOCKS
from fs_hepipe.reports.rtcp_json import FRACTION, SENDER_REPORT
from fs_hepipe.tools.output import Piece, bad, bold, dim, good, warn
from fs_hepipe.words.numbers import MAX_INTEGER
from fs_hepipe.words.text import shown

QUALITY = frozenset({
    ProtocolType.MOS_FULL_REPORT, ProtocolType.MOS_SHORT_REPORT, ProtocolType.QOS_REPORT, ProtocolType.JSON_REPORT,
})  # fmt: skip

GOOD_MOS, FAIR_MOS = 4.0, 3.6
"""ITU-T G.107 annex B: satisfied users above 4.0, many dissatisfied below 3.6."""

BAD_LOSS, FAIR_LOSS = 0.05, 0.01
"""Shares of lost packets from which a loss is shown in colour."""

MAX_PAYLOAD = 400
"""Characters of a payload that are shown in a line."""

Number = Union[int, float]

DIRECTIONS: dict[Optional[Number], str] = {0: "received", 1: "sent"}
"""Values of `DIR` in a quality report."""


class NotAReportError(ValueError):
    """JSON that is not a report as we know it."""


def clock(timestamp: int) -> str:
    """`02:49:19.083526`, UTC; `-` if it is not known."""
    if not timestamp:
        return "-"
    return time.strftime("%H:%M:%S", time.gmtime(timestamp // 1_000_000)) + f".{timestamp % 1_000_000:06d}"


def endpoint(ip: str, port: int) -> str:
    """`192.0.2.1:5060`, `[2001:db8::1]:5060`; `-:5060` if the address is not known."""
    return address.endpoint(ip or "-", port)


def describe(message: Message) -> list[Piece]:
    """The content of a message, in one line."""
    if message.protocol_type == ProtocolType.RTCP_JSON or message.protocol_type in QUALITY:
        try:
            report = json.loads(message.payload)
            return _quality(report) if message.protocol_type in QUALITY else _rtcp(report)
        except (ValueError, RecursionError):
            pass  # JSON of another sender, or not JSON: shown as it is
    if message.payload:
        return [shown(message.payload.decode("utf-8", "replace"), MAX_PAYLOAD)]
    packed = [len(chunk.data) for chunk in message.other if chunk[:2] == (0, ChunkType.COMPRESSED_PAYLOAD)]
    return [f"compressed payload of {packed[-1]} octets (0x0010)" if packed else "no payload"]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotAReportError
    return value


def _number(report: dict[str, Any], key: str) -> Optional[Number]:
    """
    A number of a report, None if it is not there.

    Raises:
        NotAReportError: it is not a number, or no report has such a number.
    """
    value = report.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not abs(value) <= MAX_INTEGER:  # NaN is in no order
        raise NotAReportError
    return value  # type: ignore[no-any-return]


def _lost(lost: Number, share: Optional[float], of: str) -> Piece:
    """A loss, with its share of the packets where that can be."""
    text = f"lost {lost}"
    if share is None or abs(share) > 1:
        return text
    text += f" ({share:.1%}{of})"
    return bad(text) if share >= BAD_LOSS else warn(text) if share >= FAIR_LOSS else text


def _rtcp(report: Any) -> list[Piece]:
    kind = _number(_object(report), "type")
    blocks = report.get("report_blocks") or []
    if kind is None or not isinstance(blocks, list):
        raise NotAReportError
    packets = _number(_object(report.get("sender_information") or {}), "packets")
    pieces: list[Piece] = ["SR" if kind == SENDER_REPORT else "RR"]
    if packets is not None:
        pieces.append(f" sent {packets} packets")
    for block in blocks[:MAX_BLOCKS]:
        numbers = _object(block)
        keys = "cumulative_lost" if "cumulative_lost" in numbers else "packets_lost", "fraction_lost", "ia_jitter"
        lost, fraction, jitter = (_number(numbers, key) for key in keys)
        pieces.append(", report block: ")
        if lost is not None:
            share = None if fraction is None else fraction / FRACTION
            pieces.append(_lost(lost, share, " since the last report"))
        if jitter is not None:
            pieces.append(f"{', ' if lost is not None else ''}jitter {jitter}")
    round_trip = _number(report, "rtt_avg_ms")
    if round_trip is not None:
        pieces.append(f", round trip {round_trip} ms")
    return pieces


def _quality(report: Any) -> list[Piece]:
    way = DIRECTIONS.get(_number(_object(report), "DIR"), "stream")
    total, expected, lost = (_number(report, key) for key in ("TOTAL_PK", "EXPECTED_PK", "PACKET_LOSS"))
    mos = _number(report, "MOS")
    if total is None and mos is None:
        raise NotAReportError
    pieces: list[Piece] = [way if total is None else f"{way} {total} packets"]
    seconds = _number(report, "INTERVAL")
    if seconds is not None:
        pieces.append(f" in {seconds} s")
    if lost is not None:
        share = lost / expected if expected is not None and expected >= 1 else None
        pieces += [", ", _lost(lost, share, "")]
    for key, name, unit in (("JITTER", "jitter", " ms"), ("RTT", "round trip", " ms"), ("RFACTOR", "R", "")):
        value = _number(report, key)
        if value is not None:
            pieces.append(f", {name} {value}{unit}")
    for key, name in (("MOS", "MOS"), ("MEAN_MOS", "mean"), ("MIN_MOS", "least")):
        value = _number(report, key)
        if value is not None:
            colour = good if value >= GOOD_MOS else warn if value >= FAIR_MOS else bad
            pieces += [", ", colour(f"{name} {value:.2f}")]
    return pieces


def one_line(reading: Reading) -> list[Piece]:
    """Time, type, addresses, Call-ID, content, and what is unusual."""
    message = reading.message
    flow = f"{endpoint(message.src_ip, message.src_port)} -> {endpoint(message.dst_ip, message.dst_port)}"
    kind = f"{message.protocol_type} {protocol_name(message.protocol_type)}"
    pieces: list[Piece] = [
        f"{clock(message.timestamp)} ", bold(f"{kind:<18}"), f" {flow} ",
        dim(shown(message.correlation_id or "-", 80)), " ", *describe(message),
    ]  # fmt: skip
    for remark in reading.remarks:
        pieces += [" ", warn(f"[{shown(remark)}]")]
    return pieces


def as_dictionary(reading: Reading) -> dict[str, Any]:
    """
    All of a message, for JSON. Octets that are not UTF-8 are in `payload_hex`, `correlation_id_hex`, ...; a time or an
    address that is not known is None.
    """
    message = reading.message
    found: dict[str, Any] = {"hep_version": reading.version, "ip_family": message.ip_family, **message._asdict()}
    for name in ("timestamp", "src_ip", "dst_ip"):
        found[name] = found[name] or None
    found["ip_family"] = message.ip_family if message.src_ip else None
    found["protocol_name"] = protocol_name(message.protocol_type)
    for name in ("correlation_id", "node_name", "auth_key", "payload"):
        value = found.pop(name)
        octets = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        try:
            found[name] = None if octets is None else octets.decode("utf-8")
        except UnicodeDecodeError:
            found[f"{name}_hex"] = octets.hex()
    found["other"] = [_chunk(chunk) for chunk in message.other]
    found["remarks"] = [shown(remark) for remark in reading.remarks]
    return found


def _chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "vendor_id": chunk.vendor_id, "type_id": chunk.type_id, "data_hex": chunk.data.hex(),
        "name": chunk_name(chunk.vendor_id, chunk.type_id),
    }  # fmt: skip
