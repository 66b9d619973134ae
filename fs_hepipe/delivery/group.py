"""
One `capture-server` with several addresses.

    tls:a:9061 | tls:b:9061                     failover: the first that works
    by=call-id tcp:a:9060, tcp:b:9060, ...      spread: each call to one of them; each may be a failover list
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, Union

from fs_hepipe.delivery.address import Address, address

BY_CALL_ID = "by=call-id"

MAX_MEMBERS = 32
"""Addresses of one capture-server."""

REMEMBERED = 4096
"""Call-IDs whose order is kept: the calls of a busy switch."""

_MESSAGE_HEADER = 6
_CHUNK_HEADER = 6


class Member(NamedTuple):
    """What messages go to: the first of these addresses that works."""

    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.addresses))


class Group(NamedTuple):
    """A capture-server with several addresses."""

    members: tuple[Member, ...]
    """More than one: each call goes to one of them."""

    def __str__(self) -> str:
        words = ", ".join(map(str, self.members))
        return words if len(self.members) == 1 else f"{BY_CALL_ID} {words}"


Destination = Union[Address, Group]
"""The value of one `capture-server`."""


def destination(text: str) -> Destination:
    """
    A `capture-server`: one address, a failover list, or a group that calls are spread over.

    Raises:
        ValueError: it is none; the text says why.
    """
    words = text.partition(" ")
    spread = words[0] == BY_CALL_ID
    if not spread and words[0].startswith("by="):
        raise ValueError(f"is spread by something else than the Call-ID: write {BY_CALL_ID}")
    members = tuple(_member(part) for part in (words[2].split(",") if spread else [text]))
    everyone = [each for member in members for each in member.addresses]
    if spread and len(members) == 1:
        raise ValueError("is spread over one collector: write several, with commas between them")
    if len(everyone) > MAX_MEMBERS:
        raise ValueError(f"has {len(everyone)} addresses, {MAX_MEMBERS} are the most")
    if len(set(everyone)) < len(everyone):
        raise ValueError("has an address twice")
    return everyone[0] if len(everyone) == 1 else Group(members)


def members(of: Destination) -> tuple[Member, ...]:
    """The members of a capture-server, one or more."""
    return of.members if isinstance(of, Group) else (Member((of,)),)


def all_addresses(destinations: Iterable[Destination]) -> list[Address]:
    """Every address, each once."""
    return list(dict.fromkeys(each for one in destinations for member in members(one) for each in member.addresses))


def _member(text: str) -> Member:
    found = Member(tuple(address(part.strip()) for part in text.split("|")))
    if len({each.is_stream for each in found.addresses}) > 1:
        raise ValueError("has udp: and a connection in one failover list: UDP does not tell whether it works")
    return found


def call_id(message: bytes) -> bytes:
    """The correlation id of a HEP3 message, empty if it has none."""
    at = _MESSAGE_HEADER
    while at + _CHUNK_HEADER <= len(message):
        length = int.from_bytes(message[at + 4 : at + 6], "big")
        if message[at : at + 4] == b"\0\0\0\x11":
            return message[at + _CHUNK_HEADER : at + length]
        at += max(length, _CHUNK_HEADER)
    return b""


def ordering(names: Sequence[str]) -> Callable[[bytes], list[int]]:
    """
    A function: key -> the indexes of the names, the one that the key belongs to first (rendezvous hashing).

    If a name is taken away, only its own keys move, each to its second name. The order depends on the names alone: it
    is the same on every switch.
    """
    salts = [hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names]

    @lru_cache(maxsize=REMEMBERED)
    def order(key: bytes) -> list[int]:
        scores = [hashlib.blake2b(key, digest_size=8, key=salt).digest() for salt in salts]
        return sorted(range(len(salts)), key=scores.__getitem__, reverse=True)

    return order
