"""
A message -> `Seen`, the record in which what was sent and what a consumer holds are compared.

Rules:
1. None is a field that the consumer cannot know; "", b"" or 0 is one that was not in the message.
2. Addresses are text as Python's ipaddress writes it, so that two spellings of one address are equal.
"""

from __future__ import annotations

import ipaddress
import json
from functools import lru_cache
from typing import NamedTuple, Optional, Protocol


class Seen(NamedTuple):
    """One message as a consumer holds it."""

    version: Optional[int] = None
    ip_family: Optional[int] = None
    ip_protocol: Optional[int] = None
    src_ip: Optional[str] = None
    dst_ip: Optional[str] = None
    src_port: Optional[int] = None
    dst_port: Optional[int] = None
    seconds: Optional[int] = None
    microseconds: Optional[int] = None
    protocol_type: Optional[int] = None
    capture_id: Optional[int] = None
    auth_key: Optional[str] = None
    correlation_id: Optional[str] = None
    payload: Optional[bytes] = None
    node_name: Optional[str] = None
    mos: Optional[int] = None
    json: Optional[bool] = None
    """Whether the consumer's own JSON reader takes the payload."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {_short(value)}" for name, value in self._asdict().items() if value is not None)

    def differences(self, due: Seen) -> list[str]:
        """The fields that are not as they are due, one phrase each."""
        pairs = zip(self._fields, self, due)
        return [f"{name} {_short(held)} instead of {_short(wanted)}" for name, held, wanted in pairs if held != wanted]


class MessageLike(Protocol):
    """The attributes that make a message comparable."""

    @property
    def ip_family(self) -> int: ...
    @property
    def ip_protocol(self) -> int: ...
    @property
    def src_ip(self) -> object: ...
    @property
    def dst_ip(self) -> object: ...
    @property
    def src_port(self) -> int: ...
    @property
    def dst_port(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def protocol_type(self) -> int: ...
    @property
    def capture_id(self) -> int: ...
    @property
    def auth_key(self) -> Optional[str]: ...
    @property
    def correlation_id(self) -> Optional[str]: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def node_name(self) -> Optional[str]: ...
    @property
    def mos(self) -> Optional[int]: ...


def whole(message: MessageLike) -> Seen:
    """The message as a consumer would hold it that reads everything."""
    seconds, microseconds = divmod(message.timestamp, 1_000_000)
    return Seen(
        version=3,
        ip_family=int(message.ip_family),
        ip_protocol=int(message.ip_protocol),
        src_ip=address(str(message.src_ip)),
        dst_ip=address(str(message.dst_ip)),
        src_port=message.src_port,
        dst_port=message.dst_port,
        seconds=seconds,
        microseconds=microseconds,
        protocol_type=int(message.protocol_type),
        capture_id=message.capture_id,
        auth_key=message.auth_key or "",
        correlation_id=message.correlation_id or "",
        payload=message.payload,
        node_name=message.node_name or "",
        mos=message.mos or 0,
        json=_is_json(message.payload),
    )


@lru_cache(maxsize=1024)
def address(text: Optional[str]) -> Optional[str]:
    """An address in its one spelling; anything else stays what it is, and nothing is None."""
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return text or None


def _is_json(payload: bytes) -> bool:
    def refuse(constant: str) -> object:
        raise ValueError(constant)  # NaN and Infinity are Python's own idea

    try:
        json.loads(payload.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
