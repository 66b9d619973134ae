"""
Registrations that were seen -> the phone's address and transport, for the events that do not say them.

When a phone's connection breaks, `sofia::unregister` says nothing but the Call-ID of the registration, and
`sofia::register_failure` never says the transport (sofia.c:our_sofia_event_callback; sofia_reg.c). What an earlier
event of the same registration, or of the same address, told is still true of them.

Bounded: the last `KEPT` registrations are known at least, twice as many at most, 300 octets each.
"""

from __future__ import annotations

from typing import Optional

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.words.recent import Recent

KEPT = 4096

Way = tuple[Endpoint, str]
"""The phone's address, and the transport."""


class Registrations:
    """The registrations seen last."""

    def __init__(self) -> None:
        self._seen: Recent[int, Way] = Recent(2 * KEPT)  # two for each; by a hash: a Call-ID can be long

    def __len__(self) -> int:
        """How many entries are kept, two for each registration."""
        return len(self._seen)

    def learn(self, call_id: str, remote: Endpoint, transport: str) -> None:
        """Remembers what an event of a registration told."""
        self._seen[hash(call_id)] = self._seen[hash(remote)] = remote, transport

    def of_call_id(self, call_id: str) -> Optional[Way]:
        """The way to the phone of this registration."""
        return self._seen.get(hash(call_id))

    def transport_of(self, remote: Endpoint) -> Optional[str]:
        """The transport that this address used last."""
        way = self._seen.get(hash(remote))
        return way[1] if way is not None and way[0] == remote else None
