"""
CUSTOM events -> log lines (protocol type 100): registrations, gateways, and whatever else was asked for.

Rules:
1. A registration is filed under its own SIP call-id, addressed from the phone to the profile's address for the
   transport that the phone used.
2. A gateway has no Call-ID: `<switch name>/gateway/<gateway>`, so that a collector stores it and a person finds it.
   The same for a refused registration (`…/registration/<user>@<host>`) and any other subclass (`…/event/<subclass>`).
3. An event of a channel belongs to its leg; the pipeline sees to that before it comes here.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.contact import read_contact
from fs_hepipe.calls.endpoint import Endpoint, endpoint
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.registrations import Registrations
from fs_hepipe.calls.signalling import MAX_CALL_ID
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.reports.known_events import KEYS, shown_headers
from fs_hepipe.reports.who import is_custom_by_far_end
from fs_hepipe.reports.whole_event import every_header, whole_event
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, Get, header_text
from fs_hepipe.words.numbers import is_number
from fs_hepipe.words.secret import beginning, headers_without_secrets
from fs_hepipe.words.text import quoted, shown, to_json

STANDARD = frozenset({
    "Core-UUID", "Event-Date-Local", "Event-Date-GMT", "Event-Date-Timestamp", "Event-Calling-File",
    "Event-Calling-Function", "Event-Calling-Line-Number", "Event-Name", "Event-Subclass", "Event-Sequence",
    "FreeSWITCH-Hostname", "FreeSWITCH-Switchname", "FreeSWITCH-IPv4", "FreeSWITCH-IPv6",
})  # fmt: skip
"""Headers of every event, which say nothing about this one."""

MAX_FIELDS = 64
"""
Headers of an unknown subclass that are shown; an event of a channel has hundreds of variables. The event's own come
first, then what every event of the channel says, then its variables: mod_callcenter, mod_fifo, mod_conference and
mod_sofia put their own last.
"""

CHANNEL = frozenset({           # switch_channel.c:switch_channel_event_set_basic_data
    "Channel-State", "Channel-Call-State", "Channel-State-Number", "Channel-Name", "Unique-ID", "Session-External-ID",
    "Call-Direction", "Presence-Call-Direction", "Channel-HIT-Dialplan", "Channel-Presence-ID", "Channel-Presence-Data",
    "Presence-Data-Cols", "Channel-Call-UUID", "Answer-State", "Hangup-Cause", "Channel-Read-Codec-Name",
    "Channel-Read-Codec-Rate", "Channel-Read-Codec-Bit-Rate", "Channel-Write-Codec-Name", "Channel-Write-Codec-Rate",
    "Channel-Write-Codec-Bit-Rate", "Other-Type",
})  # fmt: skip
"""Headers of every event of a channel, beside the variables."""

PROFILES = ("Caller-", "Other-Leg-", "PD-")
"""How those begin that tell its callers' profiles and its presence data (switch_caller.c, switch_event.c)."""

ADDRESSES = (
    (names.NETWORK_IP, names.NETWORK_PORT),
    (names.REGISTER_NETWORK_IP, names.REGISTER_NETWORK_PORT),
    ("network_ip", "network_port"),
)
"""The headers that name a far end; the last of sofia::wrong_call_state (mod_sofia.c:sofia_on_hangup)."""

NOTIFY_REFER = "sofia::notify_refer"
"""The one event of a channel that spells its Unique-ID otherwise."""

SIP_USER_STATE = "sofia::sip_user_state"
"""Of a phone that answers OPTIONS, or does no longer: the only one of mod_sofia that calls the contact otherwise."""

OWN, OF_CHANNEL, VARIABLE = range(3)
"""Kinds of headers, in the order in which they matter."""


class Custom(NamedTuple):
    """A record that belongs to no leg."""

    record: Record
    correlation_id: str
    remote: Optional[Endpoint]
    """The far end, where there is one."""
    transport: Optional[str] = None
    """Of the SIP message that it is about, `tls`; None if nothing tells it."""
    profile: Optional[str] = None
    """The SIP profile that had it."""
    gateway: Optional[str] = None
    """The gateway that it is about."""


def custom(
    event: Event,
    subclass: str,
    timestamp: int,
    switch_name: str,
    log_format: str,
    *,
    of_leg: bool = False,
    masks_digits: bool = True,
    registrations: Optional[Registrations] = None,
) -> Custom:
    """The line of a CUSTOM event, and where it is to be filed if it belongs to no leg."""
    read: dict[str, Optional[str]] = {}

    def get(header: str) -> Optional[str]:
        if header not in read:
            read[header] = event.getHeader(header)
        return read[header]

    fields = dict(_fields(event, get, subclass, masks_digits=masks_digits))
    if log_format == "full":
        payload = whole_event(event, masks_digits=masks_digits)
    elif log_format == "json":
        payload = to_json({"event": subclass, **fields})
    else:
        words = (f"{quoted(key)}={quoted(value)}" for key, value in fields.items())
        payload = " ".join([shown(subclass), *words]).encode()
    call_id = get(names.CALL_ID)
    remote, transport = _endpoint(fields), None
    if not of_leg and subclass.startswith("sofia::"):
        seen = Registrations() if registrations is None else registrations
        remote, transport = _way(subclass, get, call_id, remote, seen)
    received = is_custom_by_far_end(subclass, fields.get, of_leg=of_leg, has_remote=remote is not None)
    lacks_call_id = log_format != "full" and bool(of_leg or call_id) and names.CALL_ID not in fields
    record = Record(timestamp, ProtocolType.LOG, payload, received, lacks_call_id=lacks_call_id)
    return Custom(
        record,
        (call_id or "")[:MAX_CALL_ID] or _place(subclass, switch_name, fields),
        remote,
        transport,
        fields.get(names.PROFILE_NAME),
        fields.get(names.GATEWAY),
    )


def _way(
    subclass: str, get: Get, call_id: Optional[str], remote: Optional[Endpoint], registrations: Registrations
) -> tuple[Optional[Endpoint], Optional[str]]:
    """Where the phone of a registration is, and the transport, as far as this event or an earlier one told it."""
    contact = read_contact(
        get(names.SIP_CONTACT if subclass == SIP_USER_STATE else names.CONTACT), get(names.REGISTRATION_STATUS)
    )
    transport = contact.transport
    if remote is not None and transport is not None and call_id:
        registrations.learn(call_id, remote, transport)
    elif remote is not None:
        transport = transport or registrations.transport_of(remote)
    elif subclass == SIP_USER_STATE:
        remote = contact.remote
    elif call_id and get(names.NETWORK_IP) is None:
        remote, transport = registrations.of_call_id(call_id) or (None, transport)
    return remote, transport


def _fields(event: Event, get: Get, subclass: str, *, masks_digits: bool) -> dict[str, Any]:
    headers = shown_headers(subclass)
    fields = _every(event, masks_digits=masks_digits) if headers is None else _named(get, headers, masks_digits)
    sequence = get(names.EVENT_SEQUENCE)
    if sequence and is_number(sequence):
        fields["seq"] = sequence
    return fields


def _named(get: Get, headers: tuple[str, ...], masks_digits: bool) -> dict[str, Any]:
    values = {header: get(header) for header in headers}
    said = {header: beginning(value) for header, value in values.items() if value}
    sent = headers_without_secrets(said, masks_digits=masks_digits)
    return {KEYS.get(header, header): shown(header_text(value)) for header, value in sent.items()}


def _every(event: Event, *, masks_digits: bool) -> dict[str, Any]:
    """All that an event says beside what every event says; its headers can't be listed but by serialising it."""
    said = [pair for pair in (every_header(event) or {}).items() if pair[0] not in STANDARD]
    said.sort(key=lambda pair: _kind(pair[0]))
    sent = headers_without_secrets(dict(said[:MAX_FIELDS]), masks_digits=masks_digits)
    return {shown(header): shown(header_text(value)) for header, value in sent.items()}


def _kind(header: str) -> int:
    """How much a header says about this event alone."""
    if header.startswith("variable_"):
        return VARIABLE
    return OF_CHANNEL if header in CHANNEL or header.startswith(PROFILES) else OWN


def _endpoint(fields: dict[str, Any]) -> Optional[Endpoint]:
    for ip, port in ADDRESSES:
        if ip in fields:
            return endpoint(fields[ip], fields.get(port))
    return None


def _place(subclass: str, switch_name: str, fields: dict[str, Any]) -> str:
    """`<switch name>/<kind>/<name>`: where an event without a Call-ID is filed."""
    if names.GATEWAY in fields:
        kind, name = "gateway", fields[names.GATEWAY]
    elif "to-user" in fields:
        kind, name = "registration", f"{fields['to-user']}@{fields.get('to-host', '')}"
    else:
        kind, name = "event", shown(subclass)
    return f"{switch_name}/{kind}/{name}"
