"""
One call as the list of calls shows it: who called whom, how it ended, how bad it was. It is told message by message,
and none of them is read again for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from fs_hepipe.tools.render import BAD_LOSS, FAIR_LOSS, FAIR_MOS, GOOD_MOS
from fs_hepipe.tools.watch.said import LOG, REPORT, RTCP, SIP, Said, number, word
from fs_hepipe.words.text import shown

MAX_MESSAGES = 2_000
"""Messages of a call that are kept: of RTCP every five seconds on two legs, the last forty minutes."""

MAX_FIRST = 200
"""Messages at the beginning of a call that stay: how it began is what one asks."""

PER_MESSAGE, PER_NAME, PER_CALL = 150, 150, 2_000
"""Octets that Python needs beside the octets of a message, a name and a call themselves (bench/watch.py)."""

MAX_NAMES = 128
"""Call-IDs and Unique-IDs of a call; what has more is no call, and its legs are shown apart."""

NO_CALL = {"sofia::register": "registration", "sofia::unregister": "registration", "sofia::expire": "registration",
           "sofia::register_failure": "registration", "sofia::gateway_state": "gateway"}  # fmt: skip
"""Lines that belong to no call, by their event."""

NORMAL = frozenset({
    "", "NORMAL_CLEARING", "ORIGINATOR_CANCEL", "SUCCESS", "NONE", "LOSE_RACE", "PICKED_OFF", "MANAGER_REQUEST",
    "BLIND_TRANSFER", "ATTENDED_TRANSFER", "ALLOTTED_TIMEOUT", "SYSTEM_SHUTDOWN", "BYE", "CANCEL",
})  # fmt: skip
"""Causes of a hangup that are no failure of the call (Q.850, and those of FreeSWITCH)."""

ENDS = ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_HANGUP", "CHANNEL_DESTROY")
CHALLENGES = (401, 407)
OK, REFUSED = 200, 400


class Kept(NamedTuple):
    """A datagram that is kept."""

    number: int
    """How many came before it."""
    datagram: bytes


class Side:
    """One leg, as its lines and its SIP tell it."""

    __slots__ = ("answered", "began", "callee", "caller", "caller_name", "cause", "direction", "ended", "status")

    def __init__(self, began: int) -> None:
        self.began = began
        self.answered = self.ended = 0
        """When, microseconds; 0: not yet."""
        self.direction = self.caller = self.caller_name = self.callee = self.cause = self.status = ""

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than calls do."""
        return bool(self.ended) and (self.cause not in NORMAL or (not self.cause and bool(self.status)))

    def learn(self, found: Said) -> None:
        """What one more message tells."""
        if found.kind == LOG:
            self._learn_line(found)
        elif found.kind == SIP:
            self._learn_sip(found)

    def _learn_line(self, found: Said) -> None:
        fields, time = found.fields, found.message.timestamp
        self.direction = word(fields, "direction") or self.direction
        for key in ("caller", "caller_name", "callee"):
            value = word(fields, key.replace("_", "-"))
            if value and not getattr(self, key):
                setattr(self, key, value)
        if found.name in NO_CALL:
            self.caller = word(fields, "from-user", "user", "username", "Gateway") or self.caller
            self.cause = word(fields, "State", "reason") or found.name.partition("::")[2]
            self.status = word(fields, "Status", "auth-result") or self.status
        if found.name == "CHANNEL_ANSWER":
            self.answered = self.answered or time
        if found.name in ENDS:
            self.ended = self.ended or time
            self.cause = word(fields, "cause") or self.cause
            self.status = word(fields, "sip-status", "invite-status") or self.status

    def _learn_sip(self, found: Said) -> None:
        fields, time = found.fields, found.message.timestamp
        status, method = fields.get("status"), fields.get("method")
        if found.name == "INVITE":
            self.caller = self.caller or fields["from-user"]
            self.callee = self.callee or fields["to-user"]
        if method == "INVITE" and status is not None and not self.answered:
            if OK <= status < OK + 100:
                self.answered = time
            elif status >= REFUSED and status not in CHALLENGES:
                self.ended, self.status = self.ended or time, self.status or word(fields, "status")
        if found.name in {"BYE", "CANCEL"}:
            self.ended, self.cause = self.ended or time, self.cause or found.name


class Call:
    """A call: its names, its legs, its worst numbers, and the last of its messages."""

    __slots__ = (
        "_text",
        "dropped",
        "first",
        "jitter",
        "kind",
        "last",
        "loss",
        "messages",
        "mos",
        "names",
        "node",
        "number",
        "octets",
        "revision",
        "rtt",
        "sides",
        "total",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.number = number
        self.revision = 0
        """Of the store, when the last message came."""
        self.names: dict[str, None] = {}
        """Call-IDs and Unique-IDs, in the order in which they came."""
        self.sides: dict[str, Side] = {}
        """By Call-ID or, where a message has one, Unique-ID."""
        self.messages: list[Kept] = []
        self.octets = PER_CALL
        """What it takes in memory, nearly."""
        self.dropped = self.total = 0
        self.first = self.last = 0
        """Times of the first and of the last message, microseconds; 0: unknown."""
        self.kind = "call"
        self.node = ""
        self.mos: Optional[float] = None
        self.loss: Optional[float] = None
        """The greatest share of packets lost in an interval or a stream."""
        self.jitter: Optional[float] = None
        self.rtt: Optional[float] = None
        self._text: Optional[str] = None

    def name(self, name: str) -> None:
        """One more Call-ID or Unique-ID."""
        self.names[name] = None
        self.octets += len(name) + PER_NAME

    def add(self, kept: Kept, found: Said) -> None:
        """One more message."""
        self._text = None
        self.total += 1
        self.octets += len(kept.datagram) + PER_MESSAGE
        self.messages.append(kept)
        self._cut()
        time = found.message.timestamp
        self.first = min(self.first or time, time or self.first)
        self.last = max(self.last, time)
        self.kind = NO_CALL.get(found.name, self.kind)
        self.node = self.node or shown(found.message.node_name or "", MAX_NAMES)
        self._learn_side(found, time)
        self._learn_quality(found)

    def _cut(self) -> None:
        while len(self.messages) > MAX_MESSAGES:
            self.octets -= len(self.messages.pop(MAX_FIRST).datagram) + PER_MESSAGE
            self.dropped += 1

    def _learn_side(self, found: Said, time: int) -> None:
        key = found.leg or found.own_id or found.call_id
        side = self.sides.get(key)
        if side is None and len(self.sides) < MAX_NAMES and found.kind in {LOG, SIP}:
            side = self.sides[key] = Side(time)
        if side is not None:
            side.learn(found)

    def _learn_quality(self, found: Said) -> None:
        fields = found.fields
        if found.kind == RTCP:
            for block in blocks(fields):
                self._worse("loss", share_lost(block))
                # the unit of a jitter without fraction is not known: `rtcp-jitter-unit`
            self._worse("rtt", number(fields, "rtt_avg_ms"))
        elif found.kind == REPORT:
            self._worse("loss", share_lost_of(fields))
            self._worse("jitter", number(fields, "JITTER"))
            self._worse("rtt", number(fields, "RTT"))
            mos = mos_of(fields)
            if mos is not None:
                self.mos = mos if self.mos is None else min(self.mos, mos)

    def _worse(self, name: str, value: Optional[float]) -> None:
        if value is not None and value >= 0:
            old = getattr(self, name)
            setattr(self, name, value if old is None else max(old, value))

    def absorb(self, other: Call) -> None:
        """Everything of another call, which turns out to be this one."""
        self._text = None
        self.names.update(other.names)
        for key, side in other.sides.items():
            self.sides.setdefault(key, side)
        self.messages = sorted([*self.messages, *other.messages])
        self.octets += other.octets
        self.dropped += other.dropped
        self.total += other.total
        self.first = min(filter(None, (self.first, other.first)), default=0)
        self.last = max(self.last, other.last)
        self.node = self.node or other.node
        for name in ("loss", "jitter", "rtt"):
            self._worse(name, getattr(other, name))
        self.mos = min((each for each in (self.mos, other.mos) if each is not None), default=None)
        self._cut()

    @property
    def quality(self) -> str:
        """`bad`, `fair`, `good`, or nothing if nothing was measured (ITU-T G.107 annex B for MOS)."""
        mos, loss = self.mos, self.loss
        if mos is None and loss is None:
            return ""
        if (mos is not None and mos < FAIR_MOS) or (loss is not None and loss >= BAD_LOSS):
            return "bad"
        return "fair" if (mos is not None and mos < GOOD_MOS) or (loss is not None and loss >= FAIR_LOSS) else "good"

    @property
    def main(self) -> Optional[Side]:
        """The leg that tells the call: the first that came in, or else the first there is."""
        sides = sorted(self.sides.values(), key=lambda each: (each.direction != "inbound", not each.caller, each.began))
        return sides[0] if sides else None

    @property
    def row(self) -> dict[str, Any]:
        """What the list shows of it."""
        main = self.main
        state = self.kind if self.kind != "call" or main is None else (
            "ended" if main.ended else "answered" if main.answered else "ringing")  # fmt: skip
        ended = main.ended if main is not None and main.ended else 0
        return {
            "id": self.number, "key": next(iter(self.names), ""), "state": state, "kind": self.kind,
            "began": self.first, "last": self.last, "ended": ended,
            "caller": main.caller if main else "", "name": main.caller_name if main else "",
            "callee": main.callee if main else "", "cause": main.cause if main else "",
            "status": main.status if main else "",
            "failed": main is not None and main.failed,
            "answered": main.answered if main else 0,
            "legs": len(self.sides), "messages": self.total, "quality": self.quality, "node": self.node,
            "mos": self.mos, "loss": self.loss, "jitter": self.jitter, "rtt": self.rtt,
        }  # fmt: skip

    @property
    def text(self) -> str:
        """What a search looks through, in small letters."""
        if self._text is None:
            words = [*self.names, self.kind, self.node]
            for side in self.sides.values():
                words += [side.caller, side.caller_name, side.callee, side.cause, side.status]
            self._text = "\n".join(words).lower()
        return self._text


def blocks(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The report blocks of RTCP, 31 at most (RFC 3550 §6.4.1)."""
    found = report.get("report_blocks")
    return [each for each in found[:31] if isinstance(each, dict)] if isinstance(found, list) else []


def share_lost(block: dict[str, Any]) -> Optional[float]:
    """The share of packets lost since the report before, as it was on the wire (RFC 3550 §6.4.1); None if not known."""
    fraction = number(block, "fraction_lost")
    return None if fraction is None or not 0 <= fraction <= 255 else fraction / 256  # noqa: PLR2004


def share_lost_of(report: dict[str, Any]) -> Optional[float]:
    """The share of packets that a quality report says were lost; None if it is not known, or cannot be."""
    lost, expected = number(report, "PACKET_LOSS"), number(report, "EXPECTED_PK")
    if lost is None or expected is None or expected <= 0 or abs(lost) > expected:
        return None
    return max(lost, 0) / expected


def mos_of(report: dict[str, Any]) -> Optional[float]:
    """The MOS of a quality report; None if there is none, or it is not on its scale."""
    mos = number(report, "MOS")
    return mos if mos is not None and 1 <= mos <= 5 else None  # noqa: PLR2004  the scale of MOS (ITU-T P.800)
