"""
CUSTOM events -> log lines (protocol type 100): registrations, gateways, and whatever else was asked for.

Rules:
1. A registration is filed under its own SIP call-id, addressed from the phone to the switch.
2. A gateway has no Call-ID: `<switch name>/gateway/<gateway>`, so that a collector stores it and a person finds it.
   The same for a refused registration (`…/registration/<user>@<host>`) and any other subclass (`…/event/<subclass>`).
3. An event of a channel belongs to its leg; the pipeline sees to that before it comes here.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional

from fs_hepipe.calls.endpoint import Endpoint, endpoint
from fs_hepipe.calls.record import Record
from fs_hepipe.hep.registry import ProtocolType
from fs_hepipe.words import names
from fs_hepipe.words.event import Event, Get, header_text
from fs_hepipe.words.text import quoted, shown, to_json, without_keys

# fmt: off
REGISTRATION = (                # sofia_reg.c:sofia_reg_handle_register_token, sofia_reg_del_call_back
    "status", "profile-name", "from-user", "from-host", "to-user", "to-host", "user", "host", "contact", "expires",
    "network-ip", "network-port", "username", "realm", "user-agent", "registration-type",
)
GATEWAY = (                     # sofia_reg.c:sofia_reg_fire_custom_gateway_state_event
    "Gateway", "State", "Ping-Status", "Status", "Phrase", "profile-name", "Register-Network-IP",
    "Register-Network-Port",
)
# fmt: on

STANDARD = frozenset({
    "Core-UUID", "Event-Date-Local", "Event-Date-GMT", "Event-Date-Timestamp", "Event-Calling-File",
    "Event-Calling-Function", "Event-Calling-Line-Number", "Event-Name", "Event-Subclass", "Event-Sequence",
    "FreeSWITCH-Hostname", "FreeSWITCH-Switchname", "FreeSWITCH-IPv4", "FreeSWITCH-IPv6",
})  # fmt: skip
"""Headers of every event, which say nothing about this one."""

MAX_FIELDS = 64
"""Headers of an unknown subclass that are shown; an event of a channel has hundreds of variables."""


class Custom(NamedTuple):
    """A record that belongs to no leg."""

    record: Record
    correlation_id: str
    remote: Optional[Endpoint]
    """The far end, where there is one."""


def custom(event: Event, subclass: str, timestamp: int, switch_name: str, log_format: str) -> Custom:
    """The line of a CUSTOM event that belongs to no leg, and where it is to be filed."""
    get = event.getHeader
    fields = dict(_fields(event, subclass))
    if log_format == "full":
        payload = without_keys(event.serialize("json")).encode("utf-8", "replace")
    elif log_format == "json":
        payload = to_json({"event": subclass, **fields})
    else:
        words = (f"{quoted(key)}={quoted(value)}" for key, value in fields.items())
        payload = " ".join([shown(subclass), *words]).encode()
    call_id = get(names.CALL_ID)
    remote = _endpoint(fields)
    record = Record(timestamp, ProtocolType.LOG, payload, received=remote is not None)
    return Custom(record, call_id or _place(subclass, switch_name, fields), remote)


def _fields(event: Event, subclass: str) -> dict[str, Any]:
    get = event.getHeader
    if subclass.startswith("sofia::gateway"):
        fields = _named(get, GATEWAY)
    elif subclass.startswith("sofia::") and ("regist" in subclass or subclass == "sofia::expire"):
        fields = _named(get, REGISTRATION)
    else:
        fields = _every(event)
    sequence = get(names.EVENT_SEQUENCE)
    if sequence:
        fields["seq"] = shown(sequence)
    return fields


def _named(get: Get, headers: tuple[str, ...]) -> dict[str, Any]:
    values = ((header, get(header)) for header in headers)
    return {header: shown(value) for header, value in values if value}


def _every(event: Event) -> dict[str, Any]:
    """All that an event says beside what every event says; its headers can't be listed but by serialising it."""
    try:
        headers = json.loads(event.serialize("json"))
    except ValueError:
        return {}
    said = [(header, value) for header, value in headers.items() if header not in STANDARD]
    return {shown(header): shown(without_keys(header_text(value))) for header, value in said[:MAX_FIELDS]}


def _endpoint(fields: dict[str, Any]) -> Optional[Endpoint]:
    ip = fields.get(names.NETWORK_IP) or fields.get(names.REGISTER_NETWORK_IP)
    port = fields.get(names.NETWORK_PORT) or fields.get(names.REGISTER_NETWORK_PORT)
    return endpoint(ip, port)


def _place(subclass: str, switch_name: str, fields: dict[str, Any]) -> str:
    """`<switch name>/<kind>/<name>`: where an event without a Call-ID is filed."""
    if names.GATEWAY in fields:
        kind, name = "gateway", fields[names.GATEWAY]
    elif "to-user" in fields:
        kind, name = "registration", f"{fields['to-user']}@{fields.get('to-host', '')}"
    else:
        kind, name = "event", shown(subclass)
    return f"{switch_name}/{kind}/{name}"
