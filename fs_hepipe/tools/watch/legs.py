"""
The messages of a call -> its legs, and for each message the leg it is of and which end it came from.

What tells an end, in this order:

1. an SSRC: quality reports say whose stream has which (`DIR`);
2. the address and port that a line of the leg has: a call that came in, `CHANNEL_CREATE direction=inbound`, came from
   the far end; one that we made went to it;
3. the address alone, where the two ends have different ones.

What none of them tells is not known, and shown as such.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from fs_hepipe.tools.watch.call import Kept, blocks
from fs_hepipe.tools.watch.said import LOG, REPORT, RTCP, SIP, Said, is_sent, number, said, word

Address = tuple[str, int]

CALLED_BY_US = ("CHANNEL_CREATE", "INVITE")


class Leg:
    """One side of a call."""

    def __init__(self, key: str) -> None:
        self.key = key
        """Its Unique-ID; the Call-ID where none was told."""
        self.call_id = ""
        self.inbound: Optional[bool] = None
        self.caller = self.callee = ""
        self.local: Optional[Address] = None
        """The switch's end of the signalling."""
        self.remote: Optional[Address] = None
        self.ours: dict[int, bool] = {}
        """SSRC -> whether the switch sends it."""
        self.clocks: dict[str, float] = {}
        """Timestamp units per second, by medium."""
        self.codecs: dict[str, str] = {}

    @property
    def number(self) -> str:
        """Who is at its far end."""
        return self.callee if self.inbound is False else self.caller

    def learn(self, found: Said) -> None:
        """What a message of the leg tells about it."""
        if found.kind == LOG:
            self._learn_line(found)
        elif found.kind == SIP and found.name == "INVITE":
            self._learn_invite(found)
        elif found.kind == REPORT:
            self._learn_report(found)
        self.call_id = self.call_id or found.own_id or (found.call_id if found.kind != LOG else "")

    def _learn_line(self, found: Said) -> None:
        message, fields = found.message, found.fields
        direction = word(fields, "direction")
        if direction in {"inbound", "outbound"}:
            self.inbound = direction == "inbound"
        self.caller = self.caller or word(fields, "caller")
        self.callee = self.callee or word(fields, "callee")
        if found.name == "CHANNEL_CREATE" and self.inbound is not None:
            ends = (message.src_ip, message.src_port), (message.dst_ip, message.dst_port)
            self.remote, self.local = ends if self.inbound else ends[::-1]

    def _learn_invite(self, found: Said) -> None:
        message = found.message
        self.caller = self.caller or found.fields["from-user"]
        self.callee = self.callee or found.fields["to-user"]
        if self.local is None:
            if self.inbound is None:  # our INVITE names the other leg (docs/homer.md)
                self.inbound = not found.other_id
            ends = (message.src_ip, message.src_port), (message.dst_ip, message.dst_port)
            self.remote, self.local = ends if self.inbound else ends[::-1]

    def _learn_report(self, found: Said) -> None:
        fields = found.fields
        medium, sent = word(fields, "MEDIUM"), is_sent(fields)
        ssrc, clock = number(fields, "SSRC"), number(fields, "CLOCK")
        if ssrc is not None and sent is not None:
            self.ours[int(ssrc)] = sent
        if medium and clock is not None and clock > 0:
            self.clocks[medium] = clock
        if medium and word(fields, "CODEC_NAME"):
            self.codecs[medium] = word(fields, "CODEC_NAME")

    def is_ours(self, found: Said) -> Optional[bool]:
        """Whether the switch's end sent it (or did it); None if nothing tells."""
        message = found.message
        if found.kind == RTCP:
            known = self._by_ssrc(found)
            if known is not None:
                return known
        if found.kind == REPORT and is_sent(found.fields) is not None:
            return is_sent(found.fields)
        if self.local is None or self.remote is None:
            return None
        source, destination = (message.src_ip, message.src_port), (message.dst_ip, message.dst_port)
        if found.kind != RTCP and self.local != self.remote:
            if source == self.local or destination == self.remote:
                return True
            if source == self.remote or destination == self.local:
                return False
        if self.local[0] != self.remote[0]:
            if self.local[0] in (message.src_ip, message.dst_ip):
                return message.src_ip == self.local[0]
            if self.remote[0] in (message.src_ip, message.dst_ip):
                return message.dst_ip == self.remote[0]
        return None

    def _by_ssrc(self, found: Said) -> Optional[bool]:
        sender = number(found.fields, "ssrc")
        known = None if sender is None else self.ours.get(int(sender))
        for block in blocks(found.fields):
            about = number(block, "source_ssrc")
            if known is None and about is not None and int(about) in self.ours:
                known = not self.ours[int(about)]
        return known


class Told(NamedTuple):
    """A message of a call, with what the others tell about it."""

    number: int
    said: Said
    leg: Leg
    ours: Optional[bool]
    """Whether it came from the switch's end."""


def told(messages: list[Kept]) -> tuple[list[Leg], list[Told]]:
    """The legs in the order in which they began, and the messages in the order of time."""
    found = sorted(((said(each.datagram), each.number) for each in messages), key=_place)
    legs: dict[str, Leg] = {}
    by_call_id: dict[str, Leg] = {}
    for each, _ in found:  # those that name their leg first: SIP has only a Call-ID
        if each.leg:
            leg = legs.setdefault(each.leg, Leg(each.leg))
            by_call_id.setdefault(each.own_id or each.call_id, leg)
    owners: list[Leg] = []
    for each, _ in found:
        call_id = each.own_id or each.call_id
        owner = legs.get(each.leg) if each.leg else by_call_id.get(call_id)
        if owner is None:
            owner = by_call_id[call_id] = legs.setdefault(call_id, Leg(call_id))
        owner.learn(each)
        owners.append(owner)
    in_order = list(dict.fromkeys(owners))
    return in_order, [
        Told(number, each, leg, leg.is_ours(each)) for (each, number), leg in zip(found, owners)
    ]  # fmt: skip


def _place(each: tuple[Said, int]) -> tuple[int, int]:
    return each[0].message.timestamp, each[1]
