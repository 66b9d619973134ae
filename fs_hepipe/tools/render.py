"""
HEP messages -> text for people, and JSON for programs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Optional, TextIO

from fs_hepipe.hep import Message, ProtocolType
from fs_hepipe.hep.registry import chunk_name, protocol_name
from fs_hepipe.words.text import shown

QUALITY = frozenset({
    ProtocolType.MOS_FULL_REPORT, ProtocolType.MOS_SHORT_REPORT, ProtocolType.QOS_REPORT, ProtocolType.JSON_REPORT,
})  # fmt: skip

GOOD_MOS, FAIR_MOS = 4.0, 3.6
"""ITU-T G.107 annex B: satisfied users above 4.0, many dissatisfied below 3.6."""

SENDER_REPORT = 200
FRACTION = 256
"""The fraction lost counts in 256ths (RFC 3550 §6.4.1)."""


class Paint:
    """Colour on a terminal (unless NO_COLOR is set), plain text elsewhere."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._on = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text

    def bold(self, text: str) -> str:
        return self("1", text)

    def dim(self, text: str) -> str:
        return self("2", text)

    def bad(self, text: str) -> str:
        return self("31", text)

    def good(self, text: str) -> str:
        return self("32", text)

    def warn(self, text: str) -> str:
        return self("33", text)


def clock(timestamp: int) -> str:
    """`02:49:19.083526`, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(timestamp // 1_000_000)) + f".{timestamp % 1_000_000:06d}"


def endpoint(ip: str, port: int) -> str:
    """`192.0.2.1:5060`, `[2001:db8::1]:5060`."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def describe(message: Message, paint: Paint) -> str:
    """A message in one line."""
    if message.protocol_type == ProtocolType.RTCP_JSON or message.protocol_type in QUALITY:
        try:
            report = json.loads(message.payload)
            if message.protocol_type in QUALITY:
                return _quality(report, paint)
            return _rtcp(report, paint)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            pass  # JSON of another sender, or not JSON: shown as it is
    return shown(message.payload.decode("utf-8", "replace"), 400)


def _rtcp(report: dict[str, Any], paint: Paint) -> str:
    information = report.get("sender_information") or {}
    kind = "SR" if report["type"] == SENDER_REPORT else "RR"
    parts = [f"{kind} sent {information['packets']} packets" if "packets" in information else kind]
    for block in report.get("report_blocks") or []:
        parts.append(f"report block: {_loss(block, paint)}")
        if "ia_jitter" in block:
            parts.append(f"jitter {block['ia_jitter']}")
    if "rtt_avg_ms" in report:
        parts.append(f"round trip {report['rtt_avg_ms']} ms")
    return ", ".join(parts)


def _loss(block: dict[str, Any], paint: Paint) -> str:
    lost, fraction = block.get("packets_lost"), block.get("fraction_lost")
    text = f"lost {lost}"
    if fraction is not None:
        share = fraction / FRACTION
        text += f" ({share:.1%} since the last report)"
        return paint.bad(text) if share >= 0.05 else paint.warn(text) if share >= 0.01 else text  # noqa: PLR2004
    return text


def _quality(report: dict[str, Any], paint: Paint) -> str:
    way = {0: "received", 1: "sent"}.get(report.get("DIR", -1), "stream")
    total, expected, lost = (report.get(key) for key in ("TOTAL_PK", "EXPECTED_PK", "PACKET_LOSS"))
    parts = [f"{way} {total} packets"]
    if lost is not None and expected:
        text = f"lost {lost} ({lost / expected:.1%})"
        parts.append(paint.bad(text) if lost / expected >= 0.05 else text)  # noqa: PLR2004
    for key, name, unit in (("JITTER", "jitter", "ms"), ("RTT", "round trip", "ms"), ("RFACTOR", "R", "")):
        if key in report:
            parts.append(f"{name} {report[key]} {unit}".rstrip())
    if "MOS" in report:
        mos = report["MOS"]
        colour = paint.good if mos >= GOOD_MOS else paint.warn if mos >= FAIR_MOS else paint.bad
        parts.append(colour(f"MOS {mos:.2f}"))
    return ", ".join(parts)


def one_line(message: Message, paint: Paint) -> str:
    """Time, type, addresses, Call-ID and content."""
    flow = f"{endpoint(message.src_ip, message.src_port)} -> {endpoint(message.dst_ip, message.dst_port)}"
    kind = f"{message.protocol_type} {protocol_name(message.protocol_type)}"
    return (
        f"{clock(message.timestamp)} {paint.bold(f'{kind:<18}')} {flow} "
        f"{paint.dim(shown(message.correlation_id or '-', 80))} {describe(message, paint)}"
    )


def as_dictionary(message: Message) -> dict[str, Any]:
    """All of a message, for JSON. A payload that is not UTF-8 is `payload_hex`."""
    found: dict[str, Any] = {"ip_family": message.ip_family, **message._asdict()}
    found["protocol_name"] = protocol_name(message.protocol_type)
    payload = _text(message.payload)
    del found["payload"]
    if payload is not None:
        found["payload"] = payload
    else:
        found["payload_hex"] = message.payload.hex()
    found["other"] = [
        {"vendor_id": chunk.vendor_id, "type_id": chunk.type_id, "data_hex": chunk.data.hex(),
         "name": chunk_name(chunk.vendor_id, chunk.type_id)}
        for chunk in message.other
    ]  # fmt: skip
    return found


def _text(octets: bytes) -> Optional[str]:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
