"""
A call -> a ladder: who takes part, from left to right, and each message as a step between two of them.

Callers stand left of the switch, in the order in which they came, and who was called stands right of it. A line of the
log points the way its cause went: a call that came in to the switch, an answer from the callee.
"""

from __future__ import annotations

import re
from typing import Any, Optional

from fs_hepipe.tools.output import plain
from fs_hepipe.tools.render import BAD_LOSS, FAIR_LOSS, FAIR_MOS, GOOD_MOS, describe, endpoint
from fs_hepipe.tools.watch.call import ENDS, NORMAL, blocks, share_lost
from fs_hepipe.tools.watch.legs import Leg, Told
from fs_hepipe.tools.watch.said import LOG, REPORT, RTCP, SIP, Said, number, word
from fs_hepipe.words.secret import without_secrets
from fs_hepipe.words.text import shown

MAX_TEXT = 240
"""Characters of a step's text; the message itself has all."""

_SAID = {
    "CHANNEL_CREATE": ("caller", "callee"), "CHANNEL_HANGUP_COMPLETE": ("cause", "sip-status", "phrase", "duration"),
    "CHANNEL_HANGUP": ("cause",), "CHANNEL_ANSWER": ("codec", "rate"), "CHANNEL_PROGRESS_MEDIA": ("codec", "rate"),
    "CALL_UPDATE": ("codec", "caller", "callee"), "CHANNEL_UUID": ("was",),
    "CHANNEL_EXECUTE": ("application", "data"), "DTMF": ("digit", "duration-samples", "source"),
    "CHANNEL_BRIDGE": (), "CHANNEL_UNBRIDGE": (), "CHANNEL_PROGRESS": (), "CHANNEL_HOLD": (), "CHANNEL_UNHOLD": (),
}  # fmt: skip
"""What a step shows of a line; of an event that is not here, everything but the names of legs."""

LEVELS = {"CONSOLE": "bad", "ALERT": "bad", "CRIT": "bad", "ERR": "bad", "WARNING": "fair", "NOTICE": "", "INFO": "",
          "DEBUG": "", "LOG": ""}  # fmt: skip
"""How lines of FreeSWITCH's own log and of the dialplan begin, which happen inside the switch; and their tones."""

_NAMING = {"direction", "leg", "other-leg", "other-call-id", "call-id", "seq", "channel", "text", "level", "by"}


def participants(legs: list[Leg]) -> tuple[list[dict[str, Any]], dict[str, int], int]:
    """The columns, the column of each leg by its key, and that of the switch."""
    left = [leg for leg in legs if leg.inbound is not False]
    right = [leg for leg in legs if leg.inbound is False]
    columns = [_far_end(leg) for leg in left]
    switch = len(columns)
    columns.append({"role": "switch", "title": "switch", "address": _addresses(legs), "call_id": "", "leg": ""})
    columns += [_far_end(leg) for leg in right]
    places = {leg.key: place for place, leg in enumerate(left)}
    places.update({leg.key: switch + 1 + place for place, leg in enumerate(right)})
    return columns, places, switch


def _far_end(leg: Leg) -> dict[str, Any]:
    return {
        "role": "callee" if leg.inbound is False else "caller",
        "title": shown(leg.number or "?", 60),
        "address": endpoint(*leg.remote) if leg.remote else "",
        "call_id": shown(leg.call_id), "leg": shown(leg.key),
        "codecs": {shown(medium, 20): shown(codec, 40) for medium, codec in leg.codecs.items()},
    }  # fmt: skip


def _addresses(legs: list[Leg]) -> str:
    return ", ".join(dict.fromkeys(leg.local[0] for leg in legs if leg.local is not None and leg.local[0]))


def step(told: Told, column: int, switch: int) -> dict[str, Any]:
    """One message between the far end of its leg, which is at `column`, and the switch."""
    found = told.said
    message = found.message
    title, text, tone = _described(found)
    is_line = found.kind == LOG and (found.name in LEVELS or not found.name)
    way = None if is_line or told.ours is None else [switch, column] if told.ours else [column, switch]
    return {
        "n": told.number, "t": message.timestamp, "kind": "line" if is_line else found.kind, "way": way,
        "at": switch if is_line else column,
        "title": shown(title, 80), "text": shown(text, MAX_TEXT), "tone": tone,
        "src": endpoint(message.src_ip, message.src_port), "dst": endpoint(message.dst_ip, message.dst_port),
        "remarks": len(found.remarks),
    }  # fmt: skip


def _described(found: Said) -> tuple[str, str, str]:
    """Title, text and tone of a step."""
    if found.kind == SIP:
        return _sip(found)
    if found.kind == LOG:
        title, text, tone = _line(found)
        return title, without_secrets(text), tone
    if found.kind == RTCP:
        return f"RTCP {found.name}", _rtcp(found), _tone_of_loss(found)
    if found.kind == REPORT:
        return _quality(found), _report(found), _tone_of_report(found)
    kind = found.message.protocol_type
    return f"type {kind}", plain(describe(found.message)), ""


def _rtcp(found: Said) -> str:
    """What is asked first of a report: loss since the one before, jitter, round trip."""
    fields = found.fields
    words = [word(fields, "medium")]
    for block in blocks(fields):
        share, jitter = share_lost(block), number(block, "ia_jitter")
        words.append("" if share is None else f"lost {share:.1%}")
        # a whole number is in timestamp units (RFC 3550 §6.4.1)
        words.append("" if jitter is None else f"jitter {jitter}" if type(jitter) is int else f"jitter {jitter:.1f} ms")
    rtt = number(fields, "rtt_avg_ms")
    words.append("" if rtt is None else f"round trip {rtt:.1f} ms")
    information = fields.get("sender_information")
    packets = number(information, "packets") if isinstance(information, dict) else None
    words.append("" if packets is None else f"{packets:.0f} packets sent")
    return ", ".join(filter(None, words))


def _quality(found: Said) -> str:
    mos = number(found.fields, "MOS")
    of = "of the call" if found.name == "HANGUP" else "of the interval" if found.name == "PERIODIC" else ""
    return f"quality {of}".strip() if mos is None else f"MOS {mos:.2f} {of}".strip()


def _report(found: Said) -> str:
    """The same of a quality report, as `listen` shows it."""
    return ", ".join(filter(None, (word(found.fields, "MEDIUM"), _mos("", plain(describe(found.message)))))).strip()


_mos = re.compile(r", MOS [0-9.]+").sub  # it is the title


def _sip(found: Said) -> tuple[str, str, str]:
    fields = found.fields
    status = fields.get("status")
    if status is None:
        return found.name + (" (SDP)" if fields["has-sdp"] else ""), word(fields, "reason"), ""
    tone = "bad" if status >= 400 and status not in {401, 407, 487} else "good" if 200 <= status < 300 else ""  # noqa: PLR2004
    sdp = " (SDP)" if fields["has-sdp"] else ""
    return f"{status} {word(fields, 'phrase')}{sdp}", f"of {word(fields, 'method')}", tone


def _line(found: Said) -> tuple[str, str, str]:
    fields, name = found.fields, found.name
    if name in LEVELS or not name:
        text = word(fields, "text") or plain(describe(found.message))
        return "log" if name in {"", "LOG"} else name, text, LEVELS.get(name, "")
    keys = _SAID.get(name, tuple(key for key in fields if key not in _NAMING))
    words = [_value(key, word(fields, key)) for key in keys if word(fields, key)]
    if name == "CHANNEL_CREATE":
        text = f"{word(fields, 'caller') or '?'} → {word(fields, 'callee') or '?'}"
    else:
        text = ", ".join(words)
    if name in ENDS and word(fields, "by"):
        text += f", by {word(fields, 'by')}"
    tone = ""
    if name in ENDS:
        tone = "" if word(fields, "cause") in NORMAL else "bad"
    elif name == "CHANNEL_ANSWER":
        tone = "good"
    return name.replace("CHANNEL_", "").replace("_", " ") if name.isupper() else name, text, tone


def _value(key: str, value: str) -> str:
    if key in {"cause", "codec", "phrase"}:
        return value
    return f"{value} s" if key == "duration" else f"{'SIP' if key == 'sip-status' else key} {value}"


def _tone_of_loss(found: Said) -> str:
    shares = [share for share in map(share_lost, blocks(found.fields)) if share is not None]
    worst = max(shares, default=0.0)
    return "bad" if worst >= BAD_LOSS else "fair" if worst >= FAIR_LOSS else ""


def _tone_of_report(found: Said) -> str:
    mos: Optional[float] = number(found.fields, "MOS")
    if mos is None:
        return ""
    return "good" if mos >= GOOD_MOS else "fair" if mos >= FAIR_MOS else "bad"
