"""
A message -> what it says about its call: which leg, which other leg, and the fields of its line, report or SIP.

Everything here is foreign: any sender may have sent anything. Texts are escaped and cut, numbers are those that a
report can have, and what is not understood is of kind `other`.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, Optional

from fs_hepipe.hep import Message, ProtocolType, Reading, read
from fs_hepipe.tools.render import QUALITY
from fs_hepipe.words.numbers import MAX_INTEGER
from fs_hepipe.words.text import shown

SIP, LOG, RTCP, REPORT, OTHER = "sip", "log", "rtcp", "quality", "other"
"""Kinds of messages."""

MAX_ID = 512
"""Characters of a Call-ID or Unique-ID; one that is longer is cut."""

MAX_FIELDS = 256
"""Fields of a line that are read."""

MAX_SIP = 65_535
"""Characters of SIP that are read."""


class Said(NamedTuple):
    """One message, understood as far as it can be."""

    message: Message
    kind: str
    call_id: str
    """What it is filed under; the Call-ID of SIP itself."""
    name: str
    """The event, the method or the status; empty if it has no name."""
    fields: dict[str, Any]
    """`key=value` of a line, the members of a report, the headers of SIP in small letters."""
    leg: str = ""
    """Unique-ID of the leg."""
    own_id: str = ""
    """The leg's own Call-ID; with `correlation=a-leg` it is not what the message is filed under."""
    other_leg: str = ""
    other_id: str = ""
    """The Call-ID of the other leg."""
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Every Call-ID and Unique-ID that this message says belongs to its call, its own Call-ID first."""
        return [*filter(None, dict.fromkeys((self.call_id, self.own_id, self.other_id, self.leg, self.other_leg)))]


def said(datagram: bytes) -> Said:
    """
    What a datagram says.

    Raises:
        HepError: it is no HEP.
    """
    reading = read(datagram)
    protocol_type = reading.message.protocol_type
    if protocol_type == ProtocolType.SIP:
        return _sip(reading)
    if protocol_type == ProtocolType.LOG:
        return _line(reading)
    if protocol_type == ProtocolType.RTCP_JSON:
        return _report(reading, RTCP)
    if protocol_type in QUALITY:
        return _report(reading, REPORT)
    return _filed(reading, OTHER, "", {})


def number(fields: dict[str, Any], key: str) -> Optional[float]:
    """A number that a report can have, or None."""
    value = fields.get(key)
    if type(value) not in (int, float) or not abs(value) <= MAX_INTEGER:  # type: ignore[arg-type]  # NaN is in no order
        return None
    return value


def is_sent(fields: dict[str, Any]) -> Optional[bool]:
    """Whether a quality report is about the stream that the switch sends (`DIR`); None if it does not say."""
    direction = number(fields, "DIR")
    return None if direction not in {0, 1} else direction == 1


def word(fields: dict[str, Any], *keys: str) -> str:
    """The first text or number there is, as text that can be shown."""
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return shown(value)
        if type(value) is int and abs(value) <= MAX_INTEGER:
            return str(value)
    return ""


def _filed(reading: Reading, kind: str, name: str, fields: dict[str, Any], **more: str) -> Said:
    names = {key: shown(value, MAX_ID) for key, value in more.items()}
    filed = names.pop("call_id", "") or shown(reading.message.correlation_id or "", MAX_ID) or names.get("own_id", "")
    return Said(reading.message, kind, filed, shown(name), fields, remarks=reading.remarks, **names)


# --- lines ------------------------------------------------------------------------------------------------------------

# A key begins after a blank: looked for at every character, one word of 60,000 would be read 60,000 times.
_field = re.compile(r'(?<!\S)([^\s="]{1,128})=("(?:[^"\\]|\\.)*"|\S*)').finditer
_escape = re.compile(r"\\(.)", re.DOTALL).sub


def _line(reading: Reading) -> Said:
    """A line of the log: text with `key=value`, or JSON, of us or of anybody else."""
    text = reading.message.payload.decode("utf-8", "replace")
    fields = _object(text) if text.startswith("{") else None
    if fields is None:
        name, fields = _pairs(text)
    elif "Event-Name" in fields:
        name, fields = _event(fields)
    else:
        name = word(fields, "event")
    return _filed(
        reading, LOG, name, fields,
        leg=word(fields, "leg", "Unique-ID"), own_id=word(fields, "call-id"),
        other_leg=word(fields, "other-leg"), other_id=word(fields, "other-call-id"),
    )  # fmt: skip


def _pairs(text: str) -> tuple[str, dict[str, Any]]:
    """The name before the first `key=value`, and these."""
    fields: dict[str, Any] = {}
    name = text
    for found in _field(text):
        if not fields:
            name = text[: found.start()]
        value = found[2]
        fields.setdefault(found[1], _escape(r"\1", value[1:-1]) if value.startswith('"') and len(value) > 1 else value)
        if len(fields) == MAX_FIELDS:
            break
    name = name.strip()
    return (name, fields) if fields and " " not in name else ("", {"text": text})


_OF_EVENT = {
    "caller": "Caller-Caller-ID-Number", "caller-name": "Caller-Caller-ID-Name", "callee": "Caller-Destination-Number",
    "direction": "Call-Direction", "leg": "Unique-ID", "other-leg": "Other-Leg-Unique-ID", "cause": "Hangup-Cause",
    "codec": "Channel-Read-Codec-Name", "call-id": "variable_sip_call_id", "sip-status": "variable_sip_term_status",
    "disposition": "variable_sip_hangup_disposition", "duration": "variable_duration",
}  # fmt: skip
"""Keys of our lines, and the headers of `call-log-format=full` and of hepipe.js that say the same."""


def _event(headers: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    fields = {key: word(headers, header) for key, header in _OF_EVENT.items()}
    return word(headers, "Event-Subclass", "Event-Name"), {key: value for key, value in fields.items() if value}


# --- reports ----------------------------------------------------------------------------------------------------------


def _report(reading: Reading, kind: str) -> Said:
    fields = _object(reading.message.payload.decode("utf-8", "replace"))
    if fields is None:
        return _filed(reading, OTHER, "", {})
    leg, own_id = word(fields, "leg", "LEG"), word(fields, "RTP_SIP_CALL_ID")
    name = word(fields, "TYPE") if kind == REPORT else "SR" if fields.get("type") == 200 else "RR"  # noqa: PLR2004
    return _filed(reading, kind, name, fields, leg=leg, own_id=own_id)


def _object(text: str) -> Optional[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


# --- SIP --------------------------------------------------------------------------------------------------------------

_COMPACT = {"i": "call-id", "f": "from", "t": "to", "m": "contact", "l": "content-length", "c": "content-type"}
"""RFC 3261 §7.3.3."""
_HEADERS = frozenset({"call-id", "from", "to", "cseq", "x-cid", "user-agent", "server", "reason", "contact"})
_user = re.compile(r"sips?:([^@;>\s]{1,256})@").search
_status = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9]) ?([^\r\n]{0,200})").match
_request = re.compile(r"([A-Z]{1,20}) \S{1,2048} SIP/2\.0").match


def _sip(reading: Reading) -> Said:
    text = reading.message.payload[:MAX_SIP].decode("utf-8", "replace")
    head, _, _ = text.partition("\r\n\r\n")
    fields: dict[str, Any] = {}
    for line in head.split("\n")[1 : MAX_FIELDS + 1]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        name = _COMPACT.get(name, name)
        if colon and name in _HEADERS:
            fields.setdefault(name, value.strip())
    status, request = _status(text), _request(text)
    if status is not None:
        name, fields["status"], fields["phrase"] = status[1], int(status[1]), status[2].strip()
    elif request is not None:
        name = request[1]
    else:
        return _filed(reading, OTHER, "", {})
    fields["method"] = word(fields, "cseq").rpartition(" ")[2] or name
    fields["has-sdp"] = "\nm=" in text
    for key in ("from", "to"):
        found = _user(word(fields, key))
        fields[f"{key}-user"] = found[1] if found is not None else ""
    call_id = word(fields, "call-id")
    return _filed(reading, SIP, name, fields, call_id=call_id, own_id=call_id, other_id=word(fields, "x-cid"))
