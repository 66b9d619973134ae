"""
Channel events of a leg -> one line that a person reads in Homer's Logs tab (protocol type 100).

Rules:
1. `text`: the event, then `key=value` of what is known, then the leg; a line from the dialplan begins with its text.
   `json`: the same keys; `full`: the event as the switch serialises it.
2. Both legs are named in every line, so that a reader can cross over to the other leg's Call-ID. Its own Call-ID stands
   at the end (`naming`): Loki finds a line by what is in it, and nothing else of the message gets there.
3. Foreign text is escaped: a caller's name can't forge a line or a key.
4. Secrets are taken out of it, and dialled digits unless they are asked for (`words.secret`).
"""

from __future__ import annotations

from typing import Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.record import Record
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.who import is_by_far_end
from fs_hepipe.reports.whole_event import whole_event
from fs_hepipe.words import names
from fs_hepipe.words.event import Event
from fs_hepipe.words.numbers import is_number
from fs_hepipe.words.secret import MAX_LINE, beginning, data_without_secrets, may_hold_secret, text_without_secrets
from fs_hepipe.words.text import pair, pairs, shown, to_json

# fmt: off
CALLER = (
    ("caller",        names.CALLER_ID_NUMBER),
    ("caller-name",   names.CALLER_ID_NAME),
    ("callee",        names.DESTINATION_NUMBER),
)
CODEC = (
    ("codec",         names.CHANNEL_READ_CODEC_NAME),
    ("rate",          names.CHANNEL_READ_CODEC_RATE),
)
CAUSE = (
    ("cause",         names.HANGUP_CAUSE),
    ("q850",          names.HANGUP_CAUSE_Q850),
    ("sip-status",    names.SIP_TERM_STATUS),
    ("invite-status", names.SIP_INVITE_FAILURE_STATUS),
    ("phrase",        names.SIP_INVITE_FAILURE_PHRASE),
    ("disposition",   names.SIP_HANGUP_DISPOSITION),
)
SECONDS = (
    ("duration",      names.DURATION),
    ("billed",        names.BILLSEC),
)

# What a line says beside the leg itself. An event that is not here says who calls whom.
EXTRA = {
    names.CHANNEL_CREATE:           CALLER,
    names.CHANNEL_PROGRESS_MEDIA:   CODEC,
    names.CHANNEL_ANSWER:           CODEC,
    names.CALL_UPDATE:              CODEC,
    names.CHANNEL_BRIDGE:           (),
    names.CHANNEL_UNBRIDGE:         (),
    names.CHANNEL_HOLD:             (),
    names.CHANNEL_UNHOLD:           (),
    names.CHANNEL_HANGUP:           CALLER + CAUSE,
    names.CHANNEL_HANGUP_COMPLETE:  CALLER + CAUSE + SECONDS,
    names.CHANNEL_DESTROY:          CAUSE + SECONDS,
    names.CHANNEL_UUID:             (("was", names.OLD_UNIQUE_ID),),
    names.CHANNEL_EXECUTE:          (("application", names.APPLICATION), ("data", names.APPLICATION_DATA)),
    names.CHANNEL_EXECUTE_COMPLETE: (("application", names.APPLICATION), ("data", names.APPLICATION_DATA),
                                     ("response", names.APPLICATION_RESPONSE)),
    names.CHANNEL_CALLSTATE:        (("state", names.CHANNEL_CALL_STATE),),
    names.CHANNEL_STATE:            (("state", names.CHANNEL_STATE_NAME),),
    names.DTMF:                     (("digit", names.DTMF_DIGIT), ("duration-samples", names.DTMF_DURATION),
                                     ("source", names.DTMF_SOURCE)),
    names.CUSTOM:                   (("text", names.LOG_TEXT),),
}
# fmt: on

LOG = int(ProtocolType.LOG)
CALL_ID = "call-id"
"""The last key of a line: of its own Call-ID."""
OWN_LINE = "LOG"
"""How a line from the dialplan begins; its event is a CUSTOM one, which says nothing."""


def call_log(
    event: Event,
    name: str,
    timestamp: int,
    leg: Leg,
    other: Optional[Leg],
    log_format: str,
    *,
    masks_digits: bool = True,
    other_id: Optional[str] = None,
) -> Record:
    """
    The line of an event that happened at `timestamp`, microseconds.

    Args:
        event: the event.
        name: its name.
        timestamp: when it happened.
        leg: whose it is.
        other: the other leg that it is about, as far as it is known.
        log_format: `text`, `json` or `full`.
        masks_digits: whether dialled digits are left out.
        other_id: Unique-ID of that one, where it is not the leg's own other leg.
    """
    get = event.getHeader
    fields: dict[str, str] = {}
    if leg.outbound is not None:
        fields["direction"] = "outbound" if leg.outbound else "inbound"
    read = {}  # each header is asked for once
    for key, header in EXTRA.get(name, CALLER):
        value = read[header] = get(header)
        if value:
            fields[key] = value
    by_far_end = is_by_far_end(name, lambda header: read[header] if header in read else get(header), leg)
    if log_format == "full":
        return Record(timestamp, LOG, whole_event(event, masks_digits=masks_digits), by_far_end)
    if read:
        _take_out_secrets(fields, masks_digits=masks_digits)
    if "disposition" in fields:
        fields["by"] = "far-end" if by_far_end else "switch"
    _name_legs(fields, leg, other, other_id or leg.other_id)
    sequence = get(names.EVENT_SEQUENCE)
    if sequence and is_number(sequence):
        fields["seq"] = sequence
    call_id = leg.call_id if leg.held is None else None  # if it has to wait, that may be another one by then
    if log_format == "text":
        if "text" in fields:  # a line from the dialplan: what it says comes first
            name, fields = OWN_LINE, {"text": fields.pop("text"), **fields}
        payload = f"{name} {pairs(fields)}{_named(call_id) if call_id else ''}".encode()
    else:
        if call_id:
            fields[CALL_ID] = call_id
        payload = to_json({"event": name, **{key: shown(value) for key, value in fields.items()}})
    return Record(timestamp, LOG, payload, by_far_end, lacks_call_id=not call_id)


def naming(payload: bytes, call_id: str) -> bytes:
    """A line, as text or as JSON, that names this Call-ID at its end."""
    if payload.endswith(b"}") and payload.startswith(b"{"):
        return payload[:-1] + f',"{CALL_ID}":'.encode() + to_json(shown(call_id)) + b"}"
    return payload + _named(call_id).encode()


def _named(call_id: str) -> str:
    return f" {pair(CALL_ID, call_id[:MAX_LINE])}"


def _take_out_secrets(fields: dict[str, str], *, masks_digits: bool) -> None:
    words = "".join(fields.values())  # looked at together: nearly all are short and have no sign of a secret
    if not ("data" in fields or "digit" in fields or len(words) > MAX_LINE or may_hold_secret(words)):
        return
    if masks_digits:
        fields.pop("digit", None)
    for key, value in fields.items():
        text = beginning(value)
        if key == "data":
            fields[key] = data_without_secrets(fields.get("application", ""), text, masks_digits=masks_digits)
        else:
            fields[key] = text_without_secrets(text, masks_digits=masks_digits)


def _name_legs(fields: dict[str, str], leg: Leg, other: Optional[Leg], other_id: Optional[str]) -> None:
    if leg.channel:
        fields["channel"] = leg.channel
    fields["leg"] = leg.unique_id
    if other_id:
        fields["other-leg"] = other_id
        if other is not None and other.call_id:
            fields["other-call-id"] = other.call_id[:MAX_LINE]
