"""A kept call -> all that the page draws of it, and a kept message -> all that is in it: as JSON can hold it."""

from __future__ import annotations

import json
import re
from typing import Any

from fs_hepipe.hep import ChunkType, read
from fs_hepipe.hep.decoder import chunks
from fs_hepipe.hep.registry import MAGIC, VENDORS, chunk_name, protocol_name
from fs_hepipe.tools.render import endpoint
from fs_hepipe.tools.watch.call import Kept
from fs_hepipe.tools.watch.ladder import participants, step
from fs_hepipe.tools.watch.legs import told
from fs_hepipe.tools.watch.series import Streams, worst
from fs_hepipe.tools.watch.store import Found
from fs_hepipe.words.names import EVENT_NAME
from fs_hepipe.words.secret import NOT_SENT, headers_without_secrets, is_secret, without_secrets
from fs_hepipe.words.text import shown, shown_lines

MAX_VALUE = 4_096
"""Characters of a chunk's value; the payload is shown whole."""

MAX_DIGITS = 2_048
"""Octets of what is not text that are shown, as hexadecimal digits."""


def call_as_seen(found: Found) -> dict[str, Any]:
    """The ladder, the streams and the worst moments of a call."""
    legs, messages = told(found.messages)
    columns, places, switch = participants(legs)
    streams = Streams(places)
    for each in messages:
        streams.add(each)
    drawn = streams.result()
    return {
        "row": found.row, "names": [shown(name) for name in found.names], "dropped": found.dropped,
        "participants": columns, "switch": switch,
        "steps": [step(each, places[each.leg.key], switch) for each in messages],
        "streams": drawn, "worst": worst(drawn),
    }  # fmt: skip


def message_as_seen(kept: Kept) -> dict[str, Any]:
    """A message: its fields, every chunk, and its payload as text, without keys and passwords."""
    reading = read(kept.datagram)
    message = reading.message
    found = chunks(kept.datagram)[0] if kept.datagram.startswith(MAGIC) else []
    return {
        "n": kept.number, "octets": len(kept.datagram), "version": reading.version, "t": message.timestamp,
        "type": message.protocol_type, "type_name": protocol_name(message.protocol_type),
        "src": endpoint(message.src_ip, message.src_port), "dst": endpoint(message.dst_ip, message.dst_port),
        "call_id": shown(message.correlation_id or ""), "payload": payload(message.payload),
        "remarks": [shown(remark) for remark in reading.remarks],
        "chunks": [
            [each.offset, each.vendor_id, VENDORS.get(each.vendor_id, "unknown"), each.type_id,
             chunk_name(each.vendor_id, each.type_id), each.length, _value(each.vendor_id, each.type_id, each.value)]
            for each in found
        ],
    }  # fmt: skip


def _value(vendor_id: int, type_id: int, value: Any) -> str:
    if (vendor_id, type_id) == (0, ChunkType.AUTH_KEY):
        return NOT_SENT
    if (vendor_id, type_id) == (0, ChunkType.PAYLOAD):
        return "below"
    if not isinstance(value, bytes):
        return shown(str(value), MAX_VALUE)
    return _digits(value)


def payload(octets: bytes) -> str:
    """Octets as text, line by line, without what is secret in SIP and SDP; as digits if they are no text."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return _digits(octets)
    if text.startswith("{"):
        return shown_lines(_json(text))
    return shown_lines("\n".join(_without_secrets(line) for line in text.replace("\r\n", "\n").split("\n")))


def _json(text: str) -> str:
    """JSON as it came; an event of FreeSWITCH, which another sender may not have filtered, without its secrets."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(found, dict) and EVENT_NAME in found:
        return json.dumps(headers_without_secrets(found, masks_digits=True), ensure_ascii=False)
    return text


_header = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,80})(\s*:)").match


def _without_secrets(line: str) -> str:
    header = _header(line)
    if header is not None and is_secret(header[1]):
        return f"{header[0]} {NOT_SENT}"
    return without_secrets(line)


def _digits(octets: bytes) -> str:
    more = f" … and {len(octets) - MAX_DIGITS} octets more" if len(octets) > MAX_DIGITS else ""
    return octets[:MAX_DIGITS].hex(" ") + more
